"""Reads the files of a replay engine into recorded responses, with every mistake and its line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dsafe_runner.engines.replay.files import Log, Logs, parse_line, read_lines, read_results
from dsafe_runner.engines.replay.lm_eval import HarnessRun, harness_run, is_harness, parse_harness_row
from dsafe_runner.engines.replay.rows import Recorded, is_ours, parse_row
from dsafe_runner.errors import DataError

MAX_MISTAKES = 5
"""Mistakes told; the others are counted."""


@dataclass
class FileRead:
    """What one file turned out to be: `form` is `dsafe` or `lm-eval`, `run` is there for the latter."""

    log: Log
    form: str = ""
    lines: int = 0
    sha256: str = ""
    results_sha256: str = ""
    run: HarnessRun = field(default_factory=HarnessRun)


@dataclass
class Recording:
    """All files of one model, read. `rows` holds every text once."""

    files: list[FileRead]
    rows: list[Recorded]
    left_out: tuple[str, ...]

    def place(self, row: Recorded) -> str:
        """Where a row stands, as `file:line`."""
        return f"{self.files[row.file].log.name}:{row.line}"


def read_logs(logs: Logs, *, form: str, match: str, reasoning: str | None) -> Recording:
    """Read everything.

    Args:
        logs: the files.
        form: `format` of spec.ReplayEngine.
        match: of spec.ReplayEngine.
        reasoning: of spec.Checkpoint.

    Raises:
        UnavailableError: a file cannot be read.
        DataError: there are mistakes in the files, or no rows.
    """
    recording = Recording([], [], logs.left_out)
    mistakes: list[str] = []
    count = 0
    for number, log in enumerate(logs.files):
        file = FileRead(log, form="" if form == "auto" else form)
        recording.files.append(file)
        hashed = hashlib.sha256()
        results, file.results_sha256 = read_results(log)
        file.run = harness_run(results)
        for line, raw in read_lines(log, hashed):
            try:
                fields = parse_line(raw)
                file.form = file.form or _form(fields)
                found = _parser(file, match, reasoning)(fields)
            except DataError as error:
                count += 1
                if len(mistakes) < MAX_MISTAKES:
                    mistakes.append(f"{log.name}:{line}: {error}")
                continue
            file.lines += 1
            for row in found:
                row.file, row.line = number, line
            recording.rows += found
        file.sha256 = hashed.hexdigest()
    if mistakes:
        more = [f"and {count - len(mistakes)} more"] if count > len(mistakes) else []
        raise DataError("; ".join([*mistakes, *more]))
    if not recording.rows:
        raise DataError(f"{', '.join(log.name for log in logs.files[:3])}: no rows, so there is nothing to gate")
    return recording


def _form(fields: dict[str, Any]) -> str:
    if is_harness(fields):
        return "lm-eval"
    if is_ours(fields):
        return "dsafe"
    raise DataError("neither a row of ours (answer or response) nor of lm-eval --log_samples (arguments and resps)")


def _parser(file: FileRead, match: str, reasoning: str | None) -> Callable[[dict[str, Any]], list[Recorded]]:
    if file.form == "dsafe":
        return lambda fields: [parse_row(fields, reasoning=reasoning, match=match)]

    def harness(fields: dict[str, Any]) -> list[Recorded]:
        if not is_harness(fields):
            raise DataError("no row of lm-eval --log_samples: those have arguments and resps")
        return parse_harness_row(fields, file.run, reasoning=reasoning, match=match)

    return harness
