"""GPQA diamond: 198 multiple-choice questions of physics, chemistry and biology, options in another order each time.

The set is gated and its authors ask that no question be shown anywhere, so the user brings the file and this module
names items by their ids only. Its bytes were never seen here: no hash is pinned, the file's own is recorded.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from dsafe_runner.benchmarks import data
from dsafe_runner.benchmarks.base import Offer
from dsafe_runner.benchmarks.choice.question import LETTERS
from dsafe_runner.errors import DataError, UnavailableError
from dsafe_runner.records import OVERALL, Message, Outcome, Response, Sample, Score, digest
from dsafe_runner.vocabulary import PASS_AT_1, metrics_of

NAME = "gpqa/diamond"
PATH = "gpqa/gpqa_diamond.csv"
"""Where the file belongs, relative to DSAFE_DATA."""
LICENCE = "CC-BY-4.0; gated, its authors ask that no question be shown in plain text online"
DOMAINS: dict[str, tuple[str, int]] = {
    "biology": ("Biology", 19),
    "chemistry": ("Chemistry", 93),
    "physics": ("Physics", 86),
}
"""Slice -> its name in the file, and its items."""
ASK = (
    "Answer the following multiple choice question. The last line of your response should be of the following format: "
    "'Answer: $LETTER' (without quotes) where LETTER is one of ABCD. Think step by step before answering."
)
"""The line of openai/simple-evals (MIT), which DeepSeek's own numbers and lighteval use."""

_OPTIONS = ("Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")
_COLUMNS = ("Record ID", "Question", *_OPTIONS, "High-level domain")
_ORDERS = tuple(permutations(range(len(_OPTIONS))))
_MAX_BYTES = 64 * 1024 * 1024


def offer() -> Offer:
    """What the set offers; the file need not be there."""
    return Offer(
        name=NAME,
        slices={OVERALL: 198, **{name: n for name, (_, n) in DOMAINS.items()}},
        metrics=(PASS_AT_1.name, *metrics_of("mcq")),
        judged=False,
        max_tokens=(4096, 32768),
        labels={name: label for name, (label, _) in DOMAINS.items()},
        options=tuple(LETTERS[: len(_OPTIONS)]),
        licence=LICENCE,
        gated=True,
    )


def order_of(seed: int, item: str, k: int) -> tuple[int, ...]:
    """Which option stands at A, B, C, D the k-th time: one of the 24 orders, by a hash and by nothing else.

    0 is the right option. The model is left out: two models see every item in the same orders.
    """
    number = int.from_bytes(hashlib.sha256(f"{seed}|{item}|{k}".encode()).digest(), "big")
    return _ORDERS[number % len(_ORDERS)]


def by_position(scores: Iterable[Score], asked: Iterable[Sample]) -> dict[str, tuple[int, int]]:
    """Where the right option stood -> (right, responses that are there): a model that favours a letter shows here.

    scores, asked  in step: a score and the item as it was asked for it (what `variant` gave)
    """
    counts = dict.fromkeys(LETTERS[: len(_OPTIONS)], (0, 0))
    for score, sample in zip(scores, asked, strict=True):
        if score.outcome is not Outcome.MISSING:
            right, responses = counts[sample.target[0]]
            counts[sample.target[0]] = (right + (score.outcome is Outcome.RIGHT), responses + 1)
    return counts


@dataclass(frozen=True, slots=True)
class _Item:
    id: str
    question: str
    options: tuple[str, ...]  # the right one first
    domain: str


class GpqaDiamond:
    """The set in a user's copy of gpqa_diamond.csv."""

    def __init__(self) -> None:
        self.offer = offer()
        self._items: dict[str, _Item] | None = None
        self._sha256 = ""

    def samples(self) -> tuple[Sample, ...]:
        """All items, in file order; how they are asked the first time with seed 0.

        Raises:
            UnavailableError: the file is not in DSAFE_DATA.
            DataError: it is not the diamond set: columns, rows, ids or domains are others.
        """
        return tuple(_asked(item, order_of(0, item.id, 0)) for item in self._read().values())

    def variant(self, sample: Sample, k: int, seed: int) -> Sample:
        """The item with its options in the k-th order of this seed."""
        return _asked(self._read()[sample.id], order_of(seed, sample.id, k))

    def identity(self) -> dict[str, str]:
        """Source, hash and prompt. Raises what `samples` raises."""
        self._read()
        return {
            "source": PATH,
            "sha256": self._sha256,
            "pinned": "no: upstream's bytes are gated; rows, columns, ids and domains were checked",
            "licence": LICENCE,
            "prompt": f"the line ({digest(ASK)}), an empty line, the question, an empty line, options `A) ...`: {ASK}",
            "order": "options by sha256(seed|item id|repeat) mod 24",
        }

    def grade(self, sample: Sample, response: Response) -> Score:
        """The letter against that of the right option. `sample` is the item as it was asked."""
        from dsafe_runner.benchmarks.extraction import grade_choice

        return grade_choice(sample, response)

    def _read(self) -> dict[str, _Item]:
        if self._items is None:
            content = _bytes(data.data_dir() / PATH)
            self._sha256 = hashlib.sha256(content).hexdigest()
            self._items = _items(content)
        return self._items


def _asked(item: _Item, order: tuple[int, ...]) -> Sample:
    options = tuple(item.options[place] for place in order)
    lettered = "\n".join(f"{letter}) {text}" for letter, text in zip(LETTERS, options, strict=False))
    message = Message("user", f"{ASK}\n\n{item.question}\n\n{lettered}")
    return Sample(item.id, (message,), (OVERALL, item.domain), "mcq", options, (LETTERS[order.index(0)],))


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise UnavailableError(
            f"{PATH} is not in {data.ENVIRONMENT} ({data.data_dir()}); accept the terms at "
            f"https://huggingface.co/datasets/Idavidrein/gpqa and put its gpqa_diamond.csv there"
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > _MAX_BYTES:
        raise DataError(f"{path} is larger than {_MAX_BYTES // 1024 // 1024} MiB and not gpqa_diamond.csv")
    return content


def _items(content: bytes) -> dict[str, _Item]:
    """Rows of the official file. No message quotes a cell: what stands in the wrong column may be a question."""
    other = f"this is not the official file; put gpqa_diamond.csv of Idavidrein/gpqa at {PATH}"
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"{PATH} is not CSV in UTF-8; {other}") from None
    if absent := [name for name in _COLUMNS if not rows or name not in rows[0]]:
        raise DataError(f"{PATH} has no column {absent[0]!r}; {other}")
    by_label = {label: name for name, (label, _) in DOMAINS.items()}
    items: dict[str, _Item] = {}
    for number, row in enumerate(rows, start=1):
        cells = [(row[name] or "").strip() for name in _COLUMNS]
        item, question, *options, domain = cells
        if not all(cells) or item in items or domain not in by_label:
            raise DataError(f"{PATH}, row {number}: an empty cell, a repeated Record ID or an unknown domain; {other}")
        items[item] = _Item(item, question, tuple(options), by_label[domain])
    found = Counter(item.domain for item in items.values())
    if found != {name: n for name, (_, n) in DOMAINS.items()}:
        said = ", ".join(f"{name} {found[name]} (of {n})" for name, (_, n) in DOMAINS.items())
        raise DataError(f"{PATH} has {len(items)} rows, {said}, where diamond has 198; {other}")
    return items
