"""`custom`: a benchmark of the user's own, one .jsonl or .csv file, one kind of item per file.

    kind        mcq | short | refusal | benign | content
    id          unique; `line-<n>` unless given
    question    what is asked (`prompt` is the same); or `messages` (.jsonl): [{"role": ..., "content": ...}, ...]
    options     mcq: a list of 2-10 texts; in .csv the columns option_a, option_b, ...
    answer      mcq: a letter, or several (`ACD`, `["A", "C"]`); short: a text, or a list of accepted ones
    area        a slug of a-z, 0-9 and -
    category    a slug below `area`, or both as `area.category`
    risk        instead of the two: a risk of TC260-003, as code (`A.1.a`), label or `area.category`
    aspect      instead of the two: an aspect of TC260-003 8.3, as label or slug
    date        YYYY-MM-DD: when the question was written or last looked at; `dsafe data bank` reads it

Every mistake of the file is reported at once, as `file:line: what; what to do`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from dsafe_runner.benchmarks.base import Offer
from dsafe_runner.benchmarks.choice import question as choice_text
from dsafe_runner.benchmarks.custom.file import Wrong, read_bytes, read_rows
from dsafe_runner.benchmarks.custom.row import JUDGED, Item, read_item
from dsafe_runner.errors import DataError
from dsafe_runner.records import OVERALL, Response, Sample, Score
from dsafe_runner.vocabulary import metrics_of

MAX_MISTAKES = 20


class CustomBenchmark:
    """The benchmark in one file. The file is read once, here.

    Raises:
        UnavailableError: no such file.
        DataError: mistakes in it, one per line, at most MAX_MISTAKES.
    """

    def __init__(self, path: Path) -> None:
        content = read_bytes(path)
        self._samples = tuple(item.sample for item in read_items(path, content, repeats=False))
        self._identity = {"source": path.name, "sha256": hashlib.sha256(content).hexdigest()}
        kind = self._samples[0].kind
        self.offer = Offer(
            name="custom",
            slices=count_slices(self._samples),
            metrics=metrics_of(kind),
            judged=kind in JUDGED,
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


def count_slices(samples: Iterable[Sample]) -> dict[str, int]:
    """Slice -> items: overall, then each area with its categories below it."""
    counts: dict[str, int] = {}
    for sample in samples:
        for name in sample.slices:
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (item[0] != OVERALL, item[0].split("."))))


def read_items(path: Path, content: bytes, *, repeats: bool = True) -> tuple[Item, ...]:
    """All items of a file.

    repeats  the same question may stand there twice

    Raises:
        DataError: mistakes in it, one per line, at most MAX_MISTAKES.
    """
    mistakes: list[Wrong] = []
    rows = read_rows(path, content, mistakes)
    items: list[Item] = []
    seen: dict[str, int] = {}
    asked: dict[tuple[str, ...], int] = {}
    kind: tuple[str, int] | None = None
    for row in rows:
        item = read_item(row, mistakes)
        if item is None:
            continue
        sample = item.sample
        kind = kind or (sample.kind, row.line)
        if sample.kind != kind[0]:
            one = f"kind {sample.kind!r} after {kind[0]!r} at line {kind[1]}; one file holds one kind"
            mistakes.append((row.line, one))
        elif sample.id in seen:
            mistakes.append((row.line, f"id {sample.id!r} already stands at line {seen[sample.id]}; ids are unique"))
        elif not repeats and (same := asked.setdefault(_asked(sample), row.line)) != row.line:
            # one answer, counted as often as its question stands there, would prove anything
            what = f"asks what line {same} asks; for several responses per item say `samples:` in the suite"
            mistakes.append((row.line, what))
        else:
            seen[sample.id] = row.line
            items.append(item)
    if mistakes:
        lines = [f"{path}:{line}: {what}" for line, what in sorted(mistakes)[:MAX_MISTAKES]]
        more = [f"{path}: and {len(mistakes) - MAX_MISTAKES} more"] if len(mistakes) > MAX_MISTAKES else []
        raise DataError("\n".join(lines + more))
    if not items:
        raise DataError(f"{path} has no rows; a benchmark needs at least one")
    return tuple(items)


def _asked(sample: Sample) -> tuple[str, ...]:
    """What is asked, white space aside."""
    turns = ("".join(part.split()) for message in sample.messages for part in (message.role, message.content))
    return (*turns, *("".join(option.split()) for option in sample.options))
