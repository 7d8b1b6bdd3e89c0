"""`dsafe sheet`: put the answers that people have to read into a sheet they fill in (`judges: {kind: sheet}`)."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

from dsafe_runner.errors import UnavailableError
from dsafe_runner.judges.fences import well_formed
from dsafe_runner.judges.sheet import COLUMNS, SheetJudge, fingerprint, read_rows, unreadable
from dsafe_runner.measure.judging import Answer
from dsafe_runner.measure.prepare import prepare
from dsafe_runner.measure.scoring import answers_of
from dsafe_runner.measure.store import FileHashes, Store
from dsafe_runner.plan import Plan, make_plan
from dsafe_runner.suite.load import load_suite

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_sheet(path: Path, *, judge: str | None, store: Path) -> int:
    """Append every measured answer that the sheet does not hold yet. 0 when none is left to be measured, 1 otherwise.

    What is in the sheet stays as it is; an answer that several models or samples gave stands there once.

    Raises:
        ConfigError: mistakes in the suite or the sheet.
        UnavailableError: no such judge, or several to choose from.
    """
    plan = make_plan(load_suite(path))
    name, reader = _chosen(plan, path, judge)
    checks = [check for check in plan.checks if plan.judge_of(check.benchmark) == name]
    answers: list[tuple[str, Answer]] = []
    asked = 0
    with Store(store) as opened:
        ready = prepare(plan, checks, opened, hashes=FileHashes(opened), download=False)
        for job in ready.jobs:
            for key, requests in job.requests.items():
                benchmark = plan.measurements[key].benchmark
                asked += len(requests)
                found = answers_of(plan, benchmark, requests, ready.samples[benchmark], opened)
                answers += [(job.model, answer) for answer in found]
    for reason in {*ready.unavailable.values(), *ready.failed.values()}:
        print(f"dsafe: not in the sheet: {reason}", file=sys.stderr)
    new, known = _append(reader.path, answers)
    unread = asked - len(answers)
    print(f"{reader.path}: {new} answers added, {known} were there; fill in `verdict` (pass or fail) and `reviewer`")
    if unread:
        print(f"dsafe: {unread} of {asked} answers are not measured yet; run the suite first", file=sys.stderr)
    return 1 if unread or ready.unavailable or ready.failed else 0


def _chosen(plan: Plan, path: Path, judge: str | None) -> tuple[str, SheetJudge]:
    sheets = {name: made for name, made in plan.judges.items() if isinstance(made, SheetJudge)}
    if judge is None and len(sheets) == 1:
        return next(iter(sheets.items()))
    if judge not in sheets:
        said = f"no judge {judge!r} of kind sheet" if judge else f"{'several' if sheets else 'no'} judges of kind sheet"
        raise UnavailableError(f"{path} has {said}" + (f"; say --judge: {', '.join(sheets)}" if sheets else ""))
    return judge, sheets[judge]


def _append(path: Path, answers: list[tuple[str, Answer]]) -> tuple[int, int]:
    """Rows added, and those that stood there already. Answers that can have no verdict are left out."""
    old = path.read_bytes() if path.is_file() else b""
    there = {row.fingerprint for row in read_rows(path, old)}
    header = next(csv.reader(io.StringIO(old.decode("utf-8-sig"), newline="")), None) or list(COLUMNS)
    before = len(there)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header, extrasaction="ignore", lineterminator="\n")
    added = 0
    for model, answer in answers:
        key = fingerprint(answer.sample, answer.response)
        # a cut answer is missing whatever anybody says of it
        if key in there or unreadable(answer.response):
            continue
        there.add(key)
        added += 1
        question = "\n\n".join(f"{m.role}: {m.content}" for m in answer.sample.messages)
        shown = question if len(answer.sample.messages) > 1 else answer.sample.messages[0].content
        writer.writerow(
            {
                "fingerprint": key, "item": _cell(answer.sample.id), "model": model, "k": answer.response.k,
                "question": _cell(shown), "answer": _cell(answer.response.answer),
            }
        )  # fmt: skip
    if added:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", newline="") as file:
            if not old:
                # spreadsheets take a file for UTF-8 only with this mark
                file.write("\ufeff")
                csv.writer(file, lineterminator="\n").writerow(COLUMNS)
            elif not old.endswith(b"\n"):
                file.write("\n")
            file.write(text.getvalue())
    return added, before


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula. It is for reading; verdicts are bound to the fingerprint."""
    safe = well_formed(text).replace("\x00", "\ufffd")
    return f"'{safe}" if safe.startswith(_FORMULA) else safe
