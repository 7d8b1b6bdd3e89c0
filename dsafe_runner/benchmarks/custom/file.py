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
KIND = "kind"
KINDS = ("mcq", "short", "refusal", "benign", "content")
OTHER_DELIMITERS = (";", "\t", "|", "，")
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
            if error.msg == "Extra data":
                what = f"more than one value on the line, the second from column {error.colno} on; write one row a line"
                mistakes.append((number, what))
                continue
            mistakes.append((number, f"not JSON: {error.msg} at column {error.colno}"))
            continue
        except (ValueError, RecursionError) as error:
            mistakes.append((number, f"not JSON we read: {error}"))
            continue
        if isinstance(fields, dict):
            rows.append(Row(number, fields))
        else:
            mistakes.append((number, f'a row is an object, `{{"kind": ...}}`, not {type(fields).__name__}'))
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
    start = 1
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = [name.strip() for name in next(reader, [])]
        if wrong := _header(header):
            mistakes.append((1, wrong))
            return []
        rows, start = [], reader.line_num + 1
        for cells in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if wrong := _cells(cells, header):
                mistakes.append((line, wrong))
                continue
            # an empty cell is a field that was not given
            rows.append(Row(line, {name: cell for name, cell in zip(header, cells, strict=True) if cell.strip()}))
        return rows
    except csv.Error as error:
        mistakes.append((start, f"not CSV: {error}, in the row that begins here; look for a quote too many or too few"))
        return []
    finally:
        csv.field_size_limit(limit)


def _header(header: list[str]) -> str | None:
    """What is wrong with the names of the columns."""
    if not header or len(set(header)) < len(header) or not all(header):
        return "the header needs one name per column, none empty, none twice"
    if KIND not in header:
        first = repr(header[0][:16] + ("..." if len(header[0]) > 16 else ""))
        split = next((repr(sign) for sign in OTHER_DELIMITERS if KIND in map(str.strip, header[0].split(sign))), None)
        if len(header) == 1 and split:
            return f"the columns are separated by {split}; a comma is expected"
        return f"the first line names the columns, `kind` among them; this one begins with {first}"
    return None


def _cells(cells: list[str], header: list[str]) -> str | None:
    """What is wrong with the cells of a row, whatever their columns mean."""
    if any("\0" in cell for cell in cells):
        return "holds a NUL character; save the file as text"
    for column, cell in enumerate(cells):
        if (offset := _folded(cell, column, header.index(KIND))) is not None:
            name = header[column] if column < len(header) else f"cell {column + 1}"
            return (
                f"{name!r} spans lines, and its line {offset + 1} is shaped like a row of this file: a quote too many "
                "has folded rows into one cell; remove it, or give the item as .jsonl if the text is meant"
            )
    if len(cells) != len(header):
        other = next((sign for sign in OTHER_DELIMITERS if any(sign in cell for cell in cells)), None)
        mixed = f"; {other!r} separates no columns here" if other and len(cells) < len(header) else ""
        return f"{len(cells)} cells under {len(header)} columns; quote commas{mixed}"
    return None


def _folded(cell: str, column: int, kind: int) -> int | None:
    """The line of a cell that is (part of) a row of its own: the name of a kind stands in the column of kinds.

    A cell begins in its own column and the lines after it at the left margin, where a missing or surplus quote has put
    the end of one row and the rows after it into one cell.
    """
    lines = cell.splitlines()
    for number, line in enumerate(lines if len(lines) > 1 else []):
        try:
            parts = next(csv.reader([line.replace('"', "")]), [])
        except csv.Error:
            continue
        at = kind - column if number == 0 else kind
        if len(parts) > 1 and 0 <= at < len(parts) and parts[at].strip().casefold() in KINDS:
            return number
    return None
