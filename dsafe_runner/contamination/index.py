"""Which training texts contain benchmark items: text against text, whatever the spacing, width, case or punctuation.

    made = compare(read_rows(path), items_of("mcq", samples))
    made.k, made.overlapping

A text becomes a row of tokens: a Han character is one, so is a word of any other script. An item overlaps with a text
when at least `SHARE` of its 3-grams stand together in it, in a stretch not much longer than the item: a copy does, and
so does one with a few words changed; another question on the same matter does not. What many items of a benchmark share
(stems, instructions) is no evidence and is not counted. Containment is computed exactly: benchmarks are small enough
for an index of all their n-grams, so MinHash, which estimates it, would only add error here.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dsafe_runner.errors import DataError
from dsafe_runner.records import Sample

SHARE = 0.6
"""Of an item's 3-grams. Eight scattered changes in 60 characters leave 0.6; of our own texts, written on the same
matters as CHiSafetyBench's, none reaches 0.4 of any of its items."""
STEM = 16
"""Tokens from which on the question of a multiple-choice item is also looked for without its options."""
SHORT = 8
"""Items of fewer tokens are too short for n-grams: they overlap only with a turn that is equal to them."""
_FIRST = 0.2
"""Share of an item's 5-grams a text must hold to be looked at closely."""
_COMMON = 0.05
"""An n-gram in more than this share of a benchmark's items (and in more than two) is boilerplate."""
_HAN = "㐀-鿿豈-﫿\U00020000-\U000323af"
_TOKEN = re.compile(f"[{_HAN}]|[^\\W{_HAN}_]+")
_LETTERS = re.compile(r"(?m)^\s*[A-Z]\s*[.、．)）:：]?\s*$")
_OTHER = "\x00"
_PRIVATE = 0xF0000


@dataclass(frozen=True, slots=True)
class Item:
    """What is compared of one benchmark item."""

    benchmark: str
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """A training sample: its id, where it stands, and each of its texts (turns, thinking, answer)."""

    id: str
    where: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Overlap:
    """A training sample that holds an item. `share`: of the item's 3-grams; 1.0 is a copy."""

    row: str
    where: str
    benchmark: str
    item: str
    share: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Samples held against items: what a gate decides on.

    samples, items  how many were compared; neither is 0
    found           every pair that overlaps
    """

    samples: int
    items: int
    found: tuple[Overlap, ...]

    @property
    def overlapping(self) -> tuple[str, ...]:
        """Ids of the samples that hold at least one item, each once, sorted."""
        return tuple(sorted({one.row for one in self.found}))

    @property
    def k(self) -> int:
        """How many samples overlap; samples of one id in different places count each."""
        return len({(one.where, one.row) for one in self.found})


def compare(rows: Iterable[Row], items: Sequence[Item]) -> Comparison:
    """All samples against all items. DataError: there are no items or no samples, so nothing would be compared."""
    index = Index(items)
    held = list(rows)
    if not held:
        raise DataError("there are no training samples to compare")
    return Comparison(len(held), len({(i.benchmark, i.id) for i in items}), tuple(index.overlaps(held)))


def tokens(text: str) -> list[str]:
    """Han characters one by one, other words whole; width, case and compatibility forms made equal, signs dropped."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())


def items_of(benchmark: str, samples: Iterable[Sample]) -> list[Item]:
    """What is looked for of each sample; all parts of one bear its id.

    Its user turns together; all its turns together where there are others, and each of them alone; of multiple choice
    the question alone, and the options. What stands alone must be long enough, and of this sample only.
    """
    made: list[Item] = []
    alone: dict[str, dict[str, Item]] = defaultdict(dict)
    for sample in samples:
        asked = "\n".join(m.content for m in sample.messages if m.role == "user")
        made.append(Item(benchmark, sample.id, asked))
        parts = []
        if any(m.role != "user" for m in sample.messages):
            parts.append("\n".join(m.content for m in sample.messages))
        if len(sample.messages) > 1:
            parts += [m.content for m in sample.messages]
        if sample.options:
            parts += [_stem(asked, sample.options), "\n".join(sample.options)]
        for part in parts:
            found = tokens(part)
            if len(found) >= STEM:
                alone["".join(found)].setdefault(sample.id, Item(benchmark, sample.id, part))
    return made + [item for held in alone.values() if len(held) == 1 for item in held.values()]


def _stem(text: str, options: Sequence[str]) -> str:
    """A question without its options."""
    for option in sorted(options, key=len, reverse=True):
        text = text.replace(option, "\n")
    return _LETTERS.sub("", text)


class Index:
    """The items' n-grams, ready to be looked for.

    Raises:
        DataError: there is no item, or one without any letter.
    """

    def __init__(self, items: Sequence[Item]) -> None:
        if not items:
            raise DataError("there are no benchmark items to compare with")
        self.items = items
        self._words: dict[str, str] = {}
        self._texts = [self._learn(item) for item in items]
        self._equal: dict[str, list[int]] = defaultdict(list)
        for number, text in enumerate(self._texts):
            self._equal[text].append(number)
        self._fine = self._grams(3)
        coarse = self._grams(5)
        self._coarse_sizes = [len(grams) for grams in coarse]
        self._coarse: dict[str, list[int]] = defaultdict(list)
        for number, grams in enumerate(coarse):
            for gram in grams:
                self._coarse[gram].append(number)

    def overlaps(self, rows: Iterable[Row]) -> list[Overlap]:
        """Every (sample, item) that overlap, sorted; the largest share over the sample's texts counts."""
        best: dict[tuple[str, str, str, str], float] = {}
        for row in rows:
            for part in row.parts:
                for number, share in self._in(self._spell(tokens(part))):
                    item = self.items[number]
                    key = (row.id, row.where, item.benchmark, item.id)
                    best[key] = max(share, best.get(key, 0.0))
        return sorted(Overlap(*key, share) for key, share in best.items())

    def _learn(self, item: Item) -> str:
        """An item's tokens as one character each. Only words of items get one: no other word can match anything."""
        found = tokens(item.text)
        if not found:
            raise DataError(f"{item.benchmark}: item {item.id} has no text to compare")
        for token in found:
            if len(token) > 1 and token not in self._words:
                if len(self._words) >= 0x1FFF0:
                    raise DataError("more than 131,000 different words in the items; compare fewer benchmarks at once")
                self._words[token] = chr(_PRIVATE + len(self._words))
        return self._spell(found)

    def _spell(self, found: list[str]) -> str:
        return "".join(token if len(token) == 1 else self._words.get(token, _OTHER) for token in found)

    def _grams(self, size: int) -> list[frozenset[str]]:
        """Each item's n-grams, without its benchmark's boilerplate; whole where nothing else would be left."""
        made = [_ngrams(text, size) if len(text) >= SHORT else frozenset() for text in self._texts]
        whole: dict[tuple[str, str], set[str]] = defaultdict(set)  # the parts of one item repeat each other
        for item, grams in zip(self.items, made, strict=True):
            whole[item.benchmark, item.id].update(grams)
        seen: dict[str, Counter[str]] = defaultdict(Counter)
        count: Counter[str] = Counter(benchmark for benchmark, _ in whole)
        for (benchmark, _), found in whole.items():
            seen[benchmark].update(found)
        result = []
        for item, grams in zip(self.items, made, strict=True):
            limit = max(2.0, _COMMON * count[item.benchmark])
            own = frozenset(g for g in grams if seen[item.benchmark][g] <= limit)
            result.append(own if len(own) >= min(4, len(grams)) else grams)
        return result

    def _in(self, text: str) -> Iterator[tuple[int, float]]:
        """The items that stand in a text, with their shares."""
        for number in self._equal.get(text, ()):
            yield number, 1.0
        held: Counter[int] = Counter()
        for gram in _ngrams(text, 5):
            for number in self._coarse.get(gram, ()):
                held[number] += 1
        for number, count in held.items():
            if count >= _FIRST * self._coarse_sizes[number]:
                share = self._densest(text, number)
                if share >= SHARE:
                    yield number, share

    def _densest(self, text: str, number: int) -> float:
        """The largest share of an item's 3-grams in any stretch of the text half as long again as the item."""
        grams = self._fine[number]
        width = len(self._texts[number]) * 3 // 2 + 3
        where = [(i, text[i : i + 3]) for i in range(len(text) - 2) if text[i : i + 3] in grams]
        inside: Counter[str] = Counter()
        best = first = 0
        for position, gram in where:
            inside[gram] += 1
            while where[first][0] < position - width:
                gone = where[first][1]
                inside[gone] -= 1
                if not inside[gone]:
                    del inside[gone]
                first += 1
            best = max(best, len(inside))
        return best / len(grams)


def _ngrams(text: str, size: int) -> frozenset[str]:
    return frozenset(text[i : i + size] for i in range(len(text) - size + 1))
