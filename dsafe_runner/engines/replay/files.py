"""Files of recorded responses: which of them count, and their lines as JSON."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsafe_runner.errors import DataError, UnavailableError

MAX_LINE = 64 * 1024 * 1024
"""Bytes of one line."""
_SAMPLES = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)\.jsonl", re.DOTALL)
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
_PACKED_STARTS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"PK\x03\x04")
_TABLES = (".csv", ".tsv", ".parquet", ".arrow", ".xlsx", ".xls")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,30}")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Log:
    """One file of responses.

    name     its name, printable
    label    what stands for the benchmark in rows that name none: the lm-eval task, else the name without `.jsonl`
    results  the file that lm-evaluation-harness wrote about the same run
    """

    path: Path
    name: str
    label: str
    results: Path | None = None


@dataclass(frozen=True, slots=True)
class Logs:
    """The files that count, in order of their names, and the names of those that a later run of their task replaced."""

    files: tuple[Log, ...]
    left_out: tuple[str, ...]

    def paths(self) -> list[Path]:
        """Files that are accounted for: those that count, and those that a later run of their task replaced."""
        parent = self.files[0].path.parent
        return [*(log.path for log in self.files), *(parent / name for name in self.left_out)]


def find_logs(path: Path, form: str) -> Logs:
    """The files at a path: a file, a folder of `.jsonl` files, or a folder that holds one such folder.

    Args:
        path: absolute.
        form: `format` of spec.ReplayEngine; files named by lm-evaluation-harness are taken apart unless it is `dsafe`.

    Raises:
        UnavailableError: nothing is there, or it cannot be read.
        DataError: it is not what this engine reads.
    """
    if not _is_folder(path):
        if path.suffix.lower() in _PACKED:
            raise DataError(f"{path} is packed; unpack it first")
        if path.suffix.lower() in _TABLES:
            raise DataError(f"{path} is a table; write JSON Lines, one object per response")
        return Logs((_log(path, form),), ())
    found = _jsonl(path)
    if not found:
        below = [child for child in _children(path) if os.path.isdir(child) and _jsonl(child)]
        if len(below) > 1:
            raise DataError(f"{path} holds {len(below)} folders with .jsonl files; say which one in `path`")
        found = _jsonl(below[0]) if below else []
    if not found:
        packed = [child for child in _children(path) if child.suffix.lower() in _PACKED]
        hint = "; there are packed files: unpack them" if packed else ""
        raise UnavailableError(f"{path} holds no .jsonl file{hint}")
    for file in found:
        if _is_folder(file):
            raise DataError(f"{file} is a folder; only files may be named .jsonl")
    if form == "dsafe":
        return Logs(tuple(_log(file, form) for file in found), ())
    latest: dict[str, Path] = {}
    for file in sorted(found, key=lambda file: (_date(file), file.name)):
        latest[_task(file) or file.name] = file
    kept = sorted(latest.values())
    return Logs(tuple(_log(file, form) for file in kept), tuple(printable(f.name) for f in found if f not in set(kept)))


def read_lines(log: Log, sha256: Any) -> Iterator[tuple[int, bytes]]:
    """Numbered lines that are not blank, with their ends; every byte goes through `sha256` (a hashlib object).

    Raises:
        UnavailableError: the file cannot be read.
        DataError: a line is longer than MAX_LINE, or the file is packed.
    """
    try:
        with log.path.open("rb") as stream:
            number = 0
            while line := stream.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    raise DataError(f"{log.name}:{number}: a line of over {MAX_LINE >> 20} MiB; is it JSON Lines?")
                if number == 1 and line.startswith(_PACKED_STARTS):
                    raise DataError(f"{log.name} is packed; unpack it first")
                sha256.update(line)
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                if line.strip():
                    yield number, line
    except OSError as error:
        raise UnavailableError(f"{log.path} cannot be read: {error.strerror or error}") from None


def parse_line(line: bytes) -> dict[str, Any]:
    """The object in one line; what is wrong with it is told without quoting it.

    NaN and infinities are let through: logs hold them in fields nobody reads here.

    Raises:
        DataError: not UTF-8, not JSON, a field twice, or no object.
    """
    try:
        fields = json.loads(line.rstrip(b"\r\n").decode("utf-8"), object_pairs_hook=_no_repeats)
    except UnicodeDecodeError:
        raise DataError("not UTF-8 text; save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        if not line.endswith(b"\n") and line.lstrip().startswith(b"{"):
            what = "the file ends in the middle of a row; was it still being written, or copied in part?"
            raise DataError(what) from None
        raise DataError(f"not JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError):
        raise DataError("not JSON we read: nested too deeply, or a number too long") from None
    if not isinstance(fields, dict):
        raise DataError("a row is an object, {...}")
    return fields


def read_results(log: Log) -> tuple[dict[str, Any] | None, str]:
    """What lm-evaluation-harness wrote about the run of a log (None where it is not there), and its SHA-256.

    Raises:
        UnavailableError: the file cannot be read.
        DataError: it is no JSON object.
    """
    if log.results is None:
        return None, ""
    try:
        content = log.results.read_bytes()
    except OSError as error:
        raise UnavailableError(f"{log.results} cannot be read: {error.strerror or error}") from None
    try:
        return parse_line(content + b"\n"), hashlib.sha256(content).hexdigest()
    except DataError as error:
        raise DataError(f"{printable(log.results.name)}: {error}; get the file of this run again") from None


def is_text(value: Any) -> bool:
    """Whether a value is a string that can be written as UTF-8: half a surrogate pair cannot."""
    return isinstance(value, str) and _SURROGATE.search(value) is None


def _log(path: Path, form: str) -> Log:
    found = None if form == "dsafe" else _SAMPLES.fullmatch(path.name)
    if found is None:
        return Log(path, printable(path.name), path.name.removesuffix(".jsonl"))
    results = path.with_name(f"results_{found['date']}.json")
    return Log(path, printable(path.name), found["task"], results if os.path.isfile(results) else None)


def _task(file: Path) -> str | None:
    found = _SAMPLES.fullmatch(file.name)
    return f"task {found['task']}" if found else None


def _date(file: Path) -> str:
    found = _SAMPLES.fullmatch(file.name)
    return found["date"] if found else ""


def _is_folder(path: Path) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise UnavailableError(f"{path} cannot be read: {error.strerror}; check the model's `path`") from None
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise DataError(f"{path} is neither a file nor a folder")
    return stat.S_ISDIR(mode)


def _jsonl(folder: Path) -> list[Path]:
    return [child for child in _children(folder) if child.suffix == ".jsonl" and not child.name.startswith(".")]


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise UnavailableError(f"{folder} cannot be read: {error.strerror}") from None


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        # a name that is none may be a text in the wrong place
        raise DataError(f"field {twice} stands twice" if _PLAIN.fullmatch(twice) else "a field stands twice")
    return fields


def printable(name: str) -> str:
    """A file's name as it may be shown."""
    return "".join(c if c.isprintable() else "?" for c in name)
