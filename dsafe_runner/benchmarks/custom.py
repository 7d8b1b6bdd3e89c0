"""`custom`: a benchmark of the user's own, one .jsonl or .csv file, one kind of item per file.

    kind        mcq | short | refusal | benign
    id          unique; `line-<n>` unless given
    question    what is asked (`prompt` is the same); or `messages` (.jsonl): [{"role": ..., "content": ...}, ...]
    options     mcq: a list of 2-10 texts; in .csv the columns option_a, option_b, ...
    answer      mcq: a letter, or several (`ACD`, `["A", "C"]`); short: a text, or a list of accepted ones
    area        a slug of a-z, 0-9 and -
    category    a slug below `area`, or both as `area.category`

Every mistake of the file is reported at once, as `file:line: what; what to do`.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, cast

from dsafe_runner.benchmarks import choice_text
from dsafe_runner.benchmarks.base import Offer
from dsafe_runner.benchmarks.custom_file import Row, Wrong, read_bytes, read_rows
from dsafe_runner.errors import DataError
from dsafe_runner.records import OVERALL, Message, Response, Sample, Score

Kind = Literal["mcq", "short", "refusal", "benign"]
METRICS: dict[str, tuple[str, ...]] = {
    "mcq": ("acc",), "short": ("pass@1", "acc"), "refusal": ("rr-1", "rr-2", "hr", "think-hr"), "benign": ("refusal-rate",),
}  # fmt: skip
"""Kind -> metrics."""
MAX_MISTAKES = 20
_OPTION_COLUMNS = tuple(f"option_{letter.lower()}" for letter in choice_text.LETTERS)
_FIELDS = ("id", "kind", "question", "prompt", "messages", "options", *_OPTION_COLUMNS, "answer", "area", "category")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class CustomBenchmark:
    """The benchmark in one file. The file is read once, here.

    Raises:
        UnavailableError: no such file.
        DataError: mistakes in it, one per line, at most MAX_MISTAKES.
    """

    def __init__(self, path: Path) -> None:
        content = read_bytes(path)
        self._samples = _samples(path, content)
        self._identity = {"source": path.name, "sha256": hashlib.sha256(content).hexdigest()}
        kind = self._samples[0].kind
        self.offer = Offer(
            name="custom",
            slices=_counts(self._samples),
            metrics=METRICS[kind],
            judged=kind in ("refusal", "benign"),
            options=tuple(choice_text.LETTERS[: max(len(s.options) for s in self._samples)]),
            licence="the user's",
        )

    def samples(self) -> tuple[Sample, ...]:
        """All items, in file order."""
        return self._samples

    def identity(self) -> dict[str, str]:
        """Name and hash of the file."""
        return dict(self._identity)

    def grade(self, sample: Sample, response: Response) -> Score:
        """Letter or short answer against the target. DataError: a judged kind."""
        if self.offer.judged:
            raise DataError(f"a custom {sample.kind} set is read by a judge, not graded")
        from dsafe_runner.benchmarks.extraction import grade_choice, grade_short

        return grade_choice(sample, response) if sample.kind == "mcq" else grade_short(sample, response)


def _counts(samples: Iterable[Sample]) -> dict[str, int]:
    """Slice -> items: overall, then each area with its categories below it."""
    counts: dict[str, int] = {}
    for sample in samples:
        for name in sample.slices:
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (item[0] != OVERALL, item[0].split("."))))


def _quoted(value: Any) -> str:
    """Enough of a value to find it by: what stands in the wrong field may be a prompt, and CI logs are public."""
    if isinstance(value, str):
        return repr(value if len(value) <= 16 else value[:16] + "...")
    text = repr(value)
    return text if len(text) <= 16 else text[:16] + "..."


class _RowError(Exception):
    """What is wrong with one field; turned into a line of the DataError."""


def _samples(path: Path, content: bytes) -> tuple[Sample, ...]:
    mistakes: list[Wrong] = []
    rows = read_rows(path, content, mistakes)
    samples: list[Sample] = []
    seen: dict[str, int] = {}
    kind: tuple[str, int] | None = None
    for row in rows:
        # one mistake per row: what a wrong field does to the others would only be noise
        try:
            sample = _sample(row)
            kind = kind or (sample.kind, row.line)
            if sample.kind != kind[0]:
                raise _RowError(f"kind {sample.kind!r} after {kind[0]!r} at line {kind[1]}; one file holds one kind")
            if sample.id in seen:
                raise _RowError(f"id {sample.id!r} already stands at line {seen[sample.id]}; ids are unique")
        except _RowError as error:
            mistakes.append((row.line, str(error)))
            continue
        seen[sample.id] = row.line
        samples.append(sample)
    if mistakes:
        lines = [f"{path}:{line}: {what}" for line, what in sorted(mistakes)[:MAX_MISTAKES]]
        more = [f"{path}: and {len(mistakes) - MAX_MISTAKES} more"] if len(mistakes) > MAX_MISTAKES else []
        raise DataError("\n".join(lines + more))
    if not samples:
        raise DataError(f"{path} has no rows; a benchmark needs at least one")
    return tuple(samples)


def _sample(row: Row) -> Sample:
    fields = row.fields
    for name in fields:
        if name not in _FIELDS:
            close = difflib.get_close_matches(name, _FIELDS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else "docs/benchmarks/custom.md lists the fields"
            raise _RowError(f"unknown field {_quoted(name)}; {hint}")
    kind = fields.get("kind")
    if not isinstance(kind, str) or kind not in METRICS:
        raise _RowError(f"kind is one of {', '.join(METRICS)}, not {_quoted(kind)}")
    if kind != "mcq" and (extra := [f for f in ("options", *_OPTION_COLUMNS) if f in fields]):
        raise _RowError(f"{extra[0]!r} belongs to kind mcq, not {kind}")
    if kind not in ("mcq", "short") and "answer" in fields:
        raise _RowError(f"'answer' belongs to kinds mcq and short; a {kind} item is read by a judge")
    options = _options(fields) if kind == "mcq" else ()
    target = _letters(fields.get("answer"), options) if kind == "mcq" else ()
    if kind == "short":
        target = _accepted(fields.get("answer"))
    return Sample(_id(row), _messages(fields, options), _slices(fields), cast(Kind, kind), options, target)


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


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _RowError(f"{name} is a text that is not empty, not {_quoted(str(value))}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _RowError(f"{name} holds half of a surrogate pair; it cannot be written as UTF-8") from None
    return value
