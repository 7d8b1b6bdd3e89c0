"""The rows of a training file as texts that can be compared; a row that holds none is an error, never an all-clear.

A text may be hidden from a comparison by how it is written: as JSON inside a string, with escapes for its characters,
one token per string, spread over the turns of a conversation. All of these are read. Token ids are not text.
"""

from __future__ import annotations

import html
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dsafe_runner.contamination.index import SHORT, Row, tokens
from dsafe_runner.errors import DataError

LABELS = frozenset(
    {
        "id",
        "uid",
        "uuid",
        "idx",
        "index",
        "kind",
        "type",
        "role",
        "from",
        "source",
        "dataset",
        "split",
        "lang",
        "language",
        "area",
        "category",
        "task",
        "subset",
        "name",
        "license",
        "created_at",
        "date",
        "url",
        "model",
    }
)
"""Keys whose values describe a row: a row with no other text has none."""
IDS = 16
"""Numbers in a row that are token ids, not figures of a text."""
DEPTH = 6
"""JSON in JSON in JSON ..."""
_ESCAPED = re.compile(r"(?:\\+u[0-9a-fA-F]{4})+")
_NUMBERS = re.compile(r"[\[(\s]*\d+(?:[\s,;]+\d+)*[\s,;\])]*")
_BYTES = {
    chr(code): code if code < 256 else byte
    for byte, code in (
        lambda plain: (
            [(b, b) for b in plain] + [(b, 256 + n) for n, b in enumerate(b for b in range(256) if b not in plain)]
        )
    )([*range(33, 127), *range(161, 173), *range(174, 256)])
}
"""The letters in which byte-level tokenizers spell the 256 bytes."""


class _RepeatedError(ValueError):
    """A key that stands twice in one object."""


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a .jsonl file. Every text of a row is compared, whatever its key; `id`, else the line, names it.

    Raises:
        DataError: the file cannot be read, holds no row, or a line is not a JSON object, holds no text or token ids.
    """
    found = False
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                found = True
                yield _row(line, number, f"{path}:{number}")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({type(error).__name__})") from error
    if not found:
        raise DataError(f"{path}: holds no rows, so nothing would be compared")


def _row(line: str, number: int, where: str) -> Row:
    try:
        data = json.loads(line, object_pairs_hook=_no_repeats)
    except _RepeatedError as error:
        raise DataError(f"{where}: the key {str(error)!r} stands twice; only the last would be compared") from None
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise DataError(f"{where}: not a JSON object; one row a line is expected")
    texts: dict[str, list[str]] = defaultdict(list)
    _gather(data, "", texts, where, DEPTH)
    if not any(tokens(text) for key, held in texts.items() if key.rsplit(".")[-1] not in LABELS for text in held):
        raise DataError(f"{where}: the row holds no text, so nothing would be compared; remove it, or give its text")
    parts = [text for held in texts.values() for text in held]
    parts += [joined for held in texts.values() if len(held) > 1 for joined in _joined(held)]
    return Row(str(data.get("id", number)), where, spelt_out(parts))


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise _RepeatedError(key)
        made[key] = value
    return made


def _gather(value: Any, key: str, texts: dict[str, list[str]], where: str, depth: int) -> None:
    """The texts of a value by the keys that lead to them, positions in lists aside."""
    if isinstance(value, str):
        inner = _json(value, where) if depth else None
        if inner is not None:
            _gather(inner, key, texts, where, depth - 1)
        elif _NUMBERS.fullmatch(value) and len(tokens(value)) >= IDS:
            _refuse_ids(key, where)
        texts[key].append(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if len(tokens(name)) >= SHORT:
                texts[f"{key}.key"].append(name)
            _gather(inner, f"{key}.{name}", texts, where, depth)
    elif isinstance(value, list):
        numbers = sum(isinstance(one, int | float) and not isinstance(one, bool) for one in value)
        if numbers >= IDS or (numbers and key.rsplit(".")[-1] in ("input_ids", "token_ids", "prompt_ids")):
            _refuse_ids(key, where)
        for inner in value:
            _gather(inner, key, texts, where, depth)


def _refuse_ids(key: str, where: str) -> None:
    name = key.lstrip(".")
    raise DataError(f"{where}: {name!r} holds numbers (token ids?), which cannot be compared; give the rows as text")


def _json(text: str, where: str) -> Any:
    """What a string holds where it is a JSON object or list of its own."""
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return None
    try:
        found = json.loads(text, object_pairs_hook=_no_repeats)
    except _RepeatedError as error:
        raise DataError(f"{where}: the key {str(error)!r} stands twice in a string of JSON; say it once") from None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list | str) else None


def _joined(pieces: list[str]) -> Iterator[str]:
    """Pieces as one text: words and turns with a space between them, parts of words without."""
    yield " ".join(pieces)
    close = "".join(pieces)
    if len(close) < 4 * len(pieces) or all(set(piece) <= _BYTES.keys() for piece in pieces):
        yield close


def spelt_out(parts: list[str]) -> tuple[str, ...]:
    """Texts, and what they say where characters are written as escapes or in the letters of a byte-level tokenizer."""
    made = dict.fromkeys(parts)
    for part in parts:
        if _ESCAPED.search(part):
            made[_ESCAPED.sub(_unescape, part)] = None
        if "&#" in part:
            made[html.unescape(part)] = None
        if not part.isascii() and (plain := _from_bytes(part)) is not None:
            made[plain] = None
    return tuple(made)


def _unescape(match: re.Match[str]) -> str:
    codes = re.findall("u([0-9a-fA-F]{4})", match[0])
    return "".join(chr(int(code, 16)) for code in codes).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _from_bytes(text: str) -> str | None:
    """The text behind the letters of a byte-level tokenizer; None where it is written in others."""
    try:
        return bytes(_BYTES[letter] for letter in text if letter != " ").decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return None
