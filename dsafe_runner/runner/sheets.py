"""Answers that people have to read are appended to a sheet (.csv) they fill in; what stands there stays as it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from dsafe_runner.files import writing
from dsafe_runner.judges.delimiters import well_formed
from dsafe_runner.judges.sheet import COLUMNS, fingerprint, read_rows, read_sheet, unreadable
from dsafe_runner.runner.judging import Answer

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""The full-width ones are formulas in the spreadsheets of China and Japan."""


def append_answers(path: Path, answers: Iterable[tuple[str, Answer]]) -> tuple[int, int]:
    """Append (model, answer) pairs that are not there yet: rows added, and those that stood there already.

    Answers that can have no verdict are left out.

    Raises:
        ConfigError: mistakes in the sheet.
        WriteError: it cannot be written.
    """
    old = read_sheet(path) or b""
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
                "fingerprint": key,
                "item": _cell(answer.sample.id),
                "model": model,
                "k": answer.response.k,
                "question": _cell(shown),
                "answer": _cell(answer.response.answer),
            }
        )
    if added:
        with writing(path):
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
    return f"'{safe}" if safe.startswith(_FORMULA) or safe.strip().startswith(_FORMULA) else safe
