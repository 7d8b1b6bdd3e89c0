"""What lies in a folder of responses and is not read: named, and refused where it looks like responses itself.

Half a log that nobody reads is half of a model that nobody gates: the shard in a subfolder, the file named `.JSONL`,
the one that is still packed.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from dsafe_runner.engines.replay.files import Logs, find_logs, printable
from dsafe_runner.engines.replay.lm_eval import is_harness
from dsafe_runner.engines.replay.rows import is_ours
from dsafe_runner.errors import DataError, UnavailableError

_NOT_WALKED = frozenset({".git", ".hg", ".svn", ".venv", "node_modules", "__pycache__"})
_PEEK = 64 * 1024
_MOST_FILES = 10_000
_OPENERS: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
_NAMES = (".jsonl", ".ndjson", ".jsonlines")
_COLUMNS = frozenset({"answer", "response", "resps"})
_BEFORE = ("prompt", "messages", "thinking", "arguments", "doc")
"""Fields whose text may be so long that the answer is not reached."""


def find_all(path: Path, form: str) -> tuple[Logs, tuple[str, ...]]:
    """The files that count (see `find_logs`, which says what it raises), and the names of those that are not read.

    Raises:
        DataError: a file that is not read looks like recorded responses.
    """
    try:
        logs = find_logs(path, form)
    except UnavailableError:
        if path.is_dir():
            _unread(path, ())
        raise
    return logs, tuple(_unread(path, logs.paths())) if path.is_dir() else ()


def _unread(folder: Path, read: Collection[Path]) -> list[str]:
    known = set(read)
    names = []
    for path in _walk(folder):
        if path in known:
            continue
        name = printable(str(path.relative_to(folder)))
        if looks_like_responses(path):
            raise DataError(
                f"{folder} holds {name}, which looks like responses and is not read (only .jsonl files of one folder "
                "are); put it beside the others, unpacked and named .jsonl, or take it away"
            )
        names.append(name)
    return names


def looks_like_responses(path: Path) -> bool:
    """Whether a file begins as recorded responses do: rows of ours or of lm-eval, packed or not, or a table of them."""
    try:
        with path.open("rb") as stream:
            start = stream.read(_PEEK)
        opener = _OPENERS.get(start[:2])
        if opener is not None:
            with opener(path, "rb") as unpacked:
                start = unpacked.read(_PEEK)
            if start[257:262] == b"ustar":
                return True
        elif start.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(path) as archive:
                return any(name.casefold().endswith((*_NAMES, ".json")) for name in archive.namelist())
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, lzma.LZMAError, zlib.error):
        # what cannot be looked into is judged by its name
        return any(ending in path.name.casefold() for ending in _NAMES)
    lower = path.name.casefold()
    if lower.endswith((".zst", ".7z", ".rar")):
        return any(ending in lower for ending in (*_NAMES, ".json"))
    text = start.decode("utf-8-sig", "replace").lstrip()
    return _is_row(text) or (lower.endswith((".csv", ".tsv")) and _is_table(text))


def _is_row(text: str) -> bool:
    """Whether a text begins with a row, or with a list of rows as `.json` files have it."""
    text = text.removeprefix("[").lstrip()
    if not text.startswith("{"):
        return False
    try:
        found, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        # a row longer than what was read
        return len(text) > _PEEK // 8 and any(f'"{name}"' in text[:_PEEK] for name in (*_COLUMNS, *_BEFORE))
    return _has_row(found, 2)


def _has_row(found: Any, depth: int) -> bool:
    if not isinstance(found, dict):
        return False
    if is_ours(found) or is_harness(found):
        return True
    # {"data": [{...}, ...]}
    lists = [value for value in found.values() if isinstance(value, list) and value]
    return depth > 0 and any(_has_row(value[0], depth - 1) for value in lists)


def _is_table(text: str) -> bool:
    header = next(csv.reader(io.StringIO(text.replace("\t", ",").partition("\n")[0])), [])
    return not _COLUMNS.isdisjoint(name.strip().casefold() for name in header)


def _walk(folder: Path) -> Iterator[Path]:
    """Regular files below a folder; links to folders are not followed."""
    count = 0
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _NOT_WALKED)
        for name in sorted(files):
            # lm-eval writes one per run; it is read where its run is
            if name.startswith("results_") and name.endswith(".json"):
                continue
            path = Path(root, name)
            if path.is_file():
                count += 1
                if count > _MOST_FILES:
                    raise DataError(f"{folder} holds over {_MOST_FILES} other files; give responses their own folder")
                yield path
