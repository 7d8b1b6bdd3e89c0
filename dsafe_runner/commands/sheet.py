"""`dsafe sheet`: put the answers that people have to read into a sheet they fill in (`judges: {kind: sheet}`)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dsafe_runner.commands.options import add_store
from dsafe_runner.errors import ExitCode, UsageError
from dsafe_runner.judges.sheet import SheetJudge
from dsafe_runner.plan import Plan, outline
from dsafe_runner.runner.judging import Answer
from dsafe_runner.runner.prepare import prepare
from dsafe_runner.runner.scoring import answers_of
from dsafe_runner.runner.sheets import append_answers
from dsafe_runner.runner.store import FileHashes, Store
from dsafe_runner.suite.load import load_suite


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What stands after `dsafe sheet`."""
    parser.add_argument("file", type=Path, metavar="SUITE")
    parser.add_argument("--judge", metavar="NAME", help="which one; needed where the suite has several")
    add_store(parser)


def run(arguments: argparse.Namespace) -> int:
    """0 every answer stands in the sheet, 4 some are not measured yet."""
    return write_sheet(arguments.file, judge=arguments.judge, store=arguments.store)


def write_sheet(path: Path, *, judge: str | None, store: Path) -> int:
    """Append every measured answer that the sheet does not hold yet. 0 when none is left to be measured, 4 otherwise.

    What is in the sheet stays as it is; an answer that several models or samples gave stands there once.

    Raises:
        ConfigError: mistakes in the suite or the sheet.
        UsageError: no such judge, or several to choose from.
    """
    plan = outline(load_suite(path))
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
                found = answers_of(plan, benchmark, requests, ready.samples[benchmark], opened, job.hearing)
                answers += [(job.model, answer) for answer in found]
    for reason in {*ready.unavailable.values(), *ready.failed.values()}:
        print(f"dsafe: not in the sheet: {reason}", file=sys.stderr)
    new, known = append_answers(reader.path, answers)
    unread = asked - len(answers)
    print(f"{reader.path}: {new} answers added, {known} were there; fill in `verdict` (pass or fail) and `reviewer`")
    if unread:
        print(f"dsafe: {unread} of {asked} answers are not measured yet; run the suite first", file=sys.stderr)
    return ExitCode.ENVIRONMENT if unread or ready.unavailable or ready.failed else ExitCode.FINE


def _chosen(plan: Plan, path: Path, judge: str | None) -> tuple[str, SheetJudge]:
    sheets = {name: made for name, made in plan.judges.items() if isinstance(made, SheetJudge)}
    if judge is None and len(sheets) == 1:
        return next(iter(sheets.items()))
    if judge not in sheets:
        said = f"no judge {judge!r} of kind sheet" if judge else f"{'several' if sheets else 'no'} judges of kind sheet"
        raise UsageError(f"{path} has {said}" + (f"; say --judge: {', '.join(sheets)}" if sheets else ""))
    return judge, sheets[judge]
