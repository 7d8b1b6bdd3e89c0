"""Rows of a user's .jsonl or .csv file with their line numbers; what is wrong with the file itself, line by line."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsafe_runner.errors import DataError, UnavailableError

MAX_BYTES = 256 * 1024 * 1024
MAX_CELL = 4 * 1024 * 1024
"""Characters of one CSV cell."""
Wrong = tuple[int, str]
"""A mistake: line, and what is wrong there."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the user wrote it. `line` counts from 1; a CSV row of several lines is named by its first."""

    line: int
    fields: dict[str, Any]


def read_bytes(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        UnavailableError: it is not there.
        DataError: it is no readable file, or larger than MAX_BYTES.
    """
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path} is no file; give a .jsonl or .csv file")
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path} is larger than {MAX_BYTES // 1024 // 1024} MiB; split it")
        return path.read_bytes()
    except FileNotFoundError:
        raise UnavailableError(f"{path} is not there; `path:` of a custom benchmark is relative to its suite") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None


def read_rows(path: Path, content: bytes, mistakes: list[Wrong]) -> list[Row]:
    """Rows of the file; blank lines are skipped, a byte order mark is fine. Mistakes are appended.

    Raises:
        DataError: neither .jsonl nor .csv, or not UTF-8.
    """
    suffix = path.suffix.lower()
    if suffix not in (".jsonl", ".csv"):
        raise DataError(f"{path} is neither .jsonl nor .csv; convert it to one of them")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}:{line}: not UTF-8 text; save the file as UTF-8") from None
    return _jsonl(text, mistakes) if suffix == ".jsonl" else _csv(text, mistakes)


def _jsonl(text: str, mistakes: list[Wrong]) -> list[Row]:
    rows: list[Row] = []
    # only \n ends a line of JSON Lines; U+2028 and the like may stand inside a string
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line, object_pairs_hook=_no_repeats, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            mistakes.append((number, f"not JSON: {error.msg} at column {error.colno}"))
            continue
        except (ValueError, RecursionError) as error:
            mistakes.append((number, f"not JSON we read: {error}"))
            continue
        if isinstance(fields, dict):
            rows.append(Row(number, fields))
        else:
            mistakes.append((number, f"a row is an object, `{{\"kind\": ...}}`, not {type(fields).__name__}"))
    return rows


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"field {repeated!r} stands twice")
    return fields


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON value")


def _csv(text: str, mistakes: list[Wrong]) -> list[Row]:
    limit = csv.field_size_limit(MAX_CELL)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = [name.strip() for name in next(reader, [])]
        if len(set(header)) < len(header) or not all(header):
            mistakes.append((1, "the header needs one name per column, none empty, none twice"))
            return []
        rows, start = [], reader.line_num + 1
        for cells in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                mistakes.append((line, f"{len(cells)} cells under {len(header)} columns; quote commas"))
                continue
            # an empty cell is a field that was not given
            rows.append(Row(line, {name: cell for name, cell in zip(header, cells, strict=True) if cell.strip()}))
        return rows
    except csv.Error as error:
        mistakes.append((reader.line_num, f"not CSV: {error}"))
        return []
    finally:
        csv.field_size_limit(limit)
