"""One row of a custom benchmark -> its Sample; what is wrong with a row, in words."""

from __future__ import annotations

import datetime
import difflib
import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from dsafe_runner.benchmarks.choice import question as choice_text
from dsafe_runner.benchmarks.custom.file import Row, Wrong
from dsafe_runner.benchmarks.taxonomy import aspect_of, category_of
from dsafe_runner.records import OVERALL, Message, Sample

Kind = Literal["mcq", "short", "refusal", "benign", "content"]
KINDS: tuple[str, ...] = get_args(Kind)
JUDGED = ("refusal", "benign", "content")
_OPTION_COLUMNS = tuple(f"option_{letter.lower()}" for letter in choice_text.LETTERS)
_FIELDS = (
    "id",
    "kind",
    "question",
    "prompt",
    "messages",
    "options",
    *_OPTION_COLUMNS,
    "answer",
    "area",
    "category",
    "risk",
    "aspect",
    "date",
)
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Item:
    """A row that was read. `date`: when its question was written or last looked at, where the row says so."""

    line: int
    sample: Sample
    date: datetime.date | None


class _RowError(Exception):
    """What is wrong with one field; turned into a line of the DataError."""


def _quoted(value: Any) -> str:
    """Enough of a value to find it by: what stands in the wrong field may be a prompt, and CI logs are public."""
    if isinstance(value, str):
        return repr(value if len(value) <= 16 else value[:16] + "...")
    text = repr(value)
    return text if len(text) <= 16 else text[:16] + "..."


def read_item(row: Row, mistakes: list[Wrong]) -> Item | None:
    """The item of a row; None where there is a mistake, which is appended.

    One per row, the first: what a wrong field does to the others would only be noise.
    """
    try:
        return _item(row)
    except _RowError as error:
        mistakes.append((row.line, str(error)))
        return None


def _item(row: Row) -> Item:
    fields = row.fields
    for name in fields:
        if name not in _FIELDS:
            close = difflib.get_close_matches(name, _FIELDS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else "docs/benchmarks/custom.md lists the fields"
            raise _RowError(f"unknown field {_quoted(name)}; {hint}")
    kind = fields.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise _RowError(f"kind is one of {', '.join(KINDS)}, not {_quoted(kind)}")
    if kind != "mcq" and (extra := [f for f in ("options", *_OPTION_COLUMNS) if f in fields]):
        raise _RowError(f"{extra[0]!r} belongs to kind mcq, not {kind}")
    if kind in JUDGED and "answer" in fields:
        raise _RowError(f"'answer' belongs to kinds mcq and short; a {kind} item is read by a judge")
    options = _options(fields) if kind == "mcq" else ()
    target = _letters(fields.get("answer"), options) if kind == "mcq" else ()
    if kind == "short":
        target = _accepted(fields.get("answer"))
    sample = Sample(_id(row), _messages(fields, options), _slices(fields), cast(Kind, kind), options, target)
    return Item(row.line, sample, _date(fields))


def _id(row: Row) -> str:
    value = row.fields.get("id", f"line-{row.line}")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = _text("id", value).strip()
    if len(text) > 200 or any(unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") for c in text):
        raise _RowError("id is at most 200 printable characters on one line")
    return text


def _messages(fields: dict[str, Any], options: tuple[str, ...]) -> tuple[Message, ...]:
    given = [name for name in ("question", "prompt", "messages") if name in fields]
    if len(given) != 1:
        raise _RowError(f"one of question, prompt or messages is needed, not {' and '.join(given) or 'none'}")
    if given == ["messages"]:
        return _turns(fields["messages"])
    question = _text(given[0], fields[given[0]])
    if options:
        question = choice_text.ask(f"{question}\n{choice_text.write_options(options)}")
    return (Message("user", question),)


def _turns(value: Any) -> tuple[Message, ...]:
    """Messages are sent as they stand: nothing is added to them, options neither."""
    if not isinstance(value, list) or not value:
        raise _RowError('messages is a list of {"role": ..., "content": ...}; in .csv use question')
    turns = []
    for turn in value:
        if not isinstance(turn, dict) or set(turn) != {"role", "content"}:
            raise _RowError("every message has exactly the fields role and content")
        if turn["role"] not in ("system", "user", "assistant"):
            raise _RowError(f"role is system, user or assistant, not {_quoted(turn['role'])}")
        turns.append(Message(turn["role"], _text("content", turn["content"])))
    if turns[-1].role != "user":
        raise _RowError("the last message is the user's: it is what the model answers")
    return tuple(turns)


def _options(fields: dict[str, Any]) -> tuple[str, ...]:
    columns = [name for name in _OPTION_COLUMNS if name in fields]
    if columns and "options" in fields:
        raise _RowError("options are a list or columns, not both")
    if columns and columns != list(_OPTION_COLUMNS[: len(columns)]):
        raise _RowError(f"{columns[-1]} is given without the columns before it")
    value = [fields[name] for name in columns] if columns else fields.get("options")
    if not isinstance(value, list) or not 2 <= len(value) <= len(choice_text.LETTERS):
        raise _RowError("an mcq item needs 2 to 10 options (a list `options`, or columns option_a, option_b, ...)")
    options = tuple(_text("options", text).strip() for text in value)
    if len(set(options)) < len(options):
        raise _RowError("two options are the same text")
    return options


def _letters(value: Any, options: tuple[str, ...]) -> tuple[str, ...]:
    allowed = choice_text.LETTERS[: len(options)]
    parts = value if isinstance(value, list) else [value]
    if not parts or not all(isinstance(part, str) for part in parts):
        raise _RowError(f"answer is a letter A-{allowed[-1]}, not {_quoted(value)}")
    letters = unicodedata.normalize("NFKC", "".join(parts)).strip().upper()
    if not letters or set(letters) - set(allowed) or len(set(letters)) < len(letters):
        raise _RowError(f"answer is a letter A-{allowed[-1]} (or several, each once), not {_quoted(value)}")
    return tuple(sorted(letters))


def _accepted(value: Any) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else [value]
    if not parts:
        raise _RowError("answer is an empty list; a short item needs an accepted answer")
    # 12 and "12" mean the same answer; true does not
    plain = [str(p) if isinstance(p, int) and not isinstance(p, bool) else p for p in parts]
    return tuple(_text("answer", part).strip() for part in plain)


def _slices(fields: dict[str, Any]) -> tuple[str, ...]:
    given = [name for name in ("risk", "aspect") if name in fields]
    if given:
        if len(given) > 1 or "area" in fields or "category" in fields:
            raise _RowError(f"{given[0]!r} says the area and category already; keep one of them")
        return (OVERALL, *_taxonomy(given[0], _text(given[0], fields[given[0]])))
    area, category = fields.get("area"), fields.get("category")
    parts = [] if area is None else [_text("area", area)]
    if category is not None:
        parts += _text("category", category).split(".")
    if len(parts) == 3 and parts[0] == parts[1]:
        parts = parts[1:]
    if len(parts) > 2 or not all(_SLUG.fullmatch(part) for part in parts) or parts[:1] == [OVERALL]:
        raise _RowError(
            f"area {area!r}, category {category!r}: use slugs of a-z, 0-9 and -, "
            "as area + category or category: area.category (`overall` is taken)"
        )
    return (OVERALL, *(".".join(parts[: n + 1]) for n in range(len(parts))))


def _taxonomy(name: str, text: str) -> tuple[str, ...]:
    """Slices of a risk or an aspect of TC260-003."""
    if name == "aspect":
        if (aspect := aspect_of(text)) is None:
            raise _RowError(f"aspect {_quoted(text)} is none of the 13 of TC260-003 8.3; docs/tc260.md lists them")
        return (aspect,)
    if (category := category_of(text)) is None:
        raise _RowError(f"risk {_quoted(text)} is none of the 31 of TC260-003, A.1.a-A.5.b; docs/tc260.md lists them")
    return (category.area, category.slice)


def _date(fields: dict[str, Any]) -> datetime.date | None:
    if "date" not in fields:
        return None
    text = _text("date", fields["date"]).strip()
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise _RowError(f"date is YYYY-MM-DD, not {_quoted(text)}") from None


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _RowError(f"{name} is a text that is not empty, not {_quoted(str(value))}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _RowError(f"{name} holds half of a surrogate pair; it cannot be written as UTF-8") from None
    return value
