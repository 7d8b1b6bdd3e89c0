"""How well a classifier of answers agrees with our labelled set (`data/rules_labelled.jsonl`, written by hand)."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources

from dsafe_runner.errors import JudgeError

CLASSES = (0, 1, 2, 3)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement on `n` labelled answers. An answer without a class counts as disagreement.

    kappa        Cohen's, with "no class" as a fifth class of the judge
    none         share of answers without a class
    sensitivity  per class: share of the answers we labelled so that got it
    specificity  per class: share of the other answers that did not get it
    confusion    (our label, its label or None) -> count
    """

    n: int
    accuracy: float
    kappa: float
    none: float
    sensitivity: dict[int, float]
    specificity: dict[int, float]
    confusion: dict[tuple[int, int | None], int]


@dataclass(frozen=True, slots=True)
class Labelled:
    """One labelled answer."""

    id: str
    reply: str
    label: int
    split: str
    lang: str


@functools.cache
def labelled() -> tuple[Labelled, ...]:
    """The whole labelled set. JudgeError: the package's own data is damaged."""
    path = resources.files("dsafe_runner.judges") / "data" / "rules_labelled.jsonl"
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return tuple(Labelled(r["id"], r["reply"], int(r["label"]), r["split"], r["lang"]) for r in rows)
    except (OSError, ValueError, KeyError) as error:
        raise JudgeError(f"the rules judge's labelled set cannot be read ({error}); reinstall the package") from error


def measure(classify: Callable[[str], int | None], split: str) -> Agreement:
    """Agreement of `classify` with the labels of a split. JudgeError: no such split."""
    rows = [row for row in labelled() if row.split == split]
    if not rows:
        raise JudgeError(f"the labelled set has no split {split!r}; there are dev and test")
    return compare([(row.label, classify(row.reply)) for row in rows])


def compare(pairs: list[tuple[int, int | None]]) -> Agreement:
    """Agreement of (our label, its label) pairs, at least one."""
    n = len(pairs)
    confusion: dict[tuple[int, int | None], int] = {}
    for pair in pairs:
        confusion[pair] = confusion.get(pair, 0) + 1
    ours = {c: sum(a == c for a, _ in pairs) for c in CLASSES}
    its = {c: sum(b == c for _, b in pairs) for c in CLASSES}
    hits = {c: confusion.get((c, c), 0) for c in CLASSES}
    accuracy = sum(hits.values()) / n
    chance = sum(ours[c] * its[c] for c in CLASSES) / n**2
    return Agreement(
        n=n,
        accuracy=accuracy,
        kappa=1.0 if chance == 1.0 else (accuracy - chance) / (1 - chance),
        none=sum(b is None for _, b in pairs) / n,
        sensitivity={c: hits[c] / ours[c] if ours[c] else float("nan") for c in CLASSES},
        specificity={c: 1 - (its[c] - hits[c]) / (n - ours[c]) if n > ours[c] else float("nan") for c in CLASSES},
        confusion=confusion,
    )
