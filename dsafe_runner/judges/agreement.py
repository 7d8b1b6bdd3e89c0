"""How well a classifier of answers agrees with our labelled set (`data/rules_labelled.jsonl`, written by hand)."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources

from dsafe_runner.errors import JudgeError
from dsafe_runner.statistics.kappa import kappa

_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement on `n` labelled answers. An answer without a class counts as disagreement.

    accuracy   share of the answers that got their label
    kappa      Cohen's (`statistics.kappa`)
    confusion  (our label, its label or None) -> count
    """

    n: int
    accuracy: float
    kappa: float
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
    found = kappa([(row.label, classify(row.reply)) for row in rows], _CONFIDENCE)
    return Agreement(found.n, found.accuracy, found.value, found.confusion)
