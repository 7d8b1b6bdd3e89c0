"""How well a judge agrees with the labels of people: Cohen's kappa, and sensitivity and specificity of each class.

Kappa (Cohen 1960) is the agreement beyond what two readers with these habits would reach by chance. Its interval is the
wider, at each end, of two: the asymptotic one (Fleiss, Cohen & Everitt 1969, Psychological Bulletin 72:323), and the
one that the exact interval of the plain agreement gives with the chance agreement held fixed. The first alone would be
a point where all replies agree, however few they are.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from dsafe_runner.errors import EvidenceError
from dsafe_runner.statistics import intervals


@dataclass(frozen=True, slots=True)
class Kappa:
    """Agreement of a judge with the labels.

    value      kappa; 0 where it is not defined because both know only one class
    low, high  two-sided interval; -1 and 1 where kappa is not defined: nothing is known then
    error      asymptotic standard error of Fleiss, Cohen & Everitt
    accuracy   share of the replies that got their label
    n          labelled replies
    confusion  (label, what the judge said or None) -> replies, in order of the classes
    """

    value: float
    low: float
    high: float
    error: float
    accuracy: float
    n: int
    confusion: dict[tuple[int, int | None], int]


@dataclass(frozen=True, slots=True)
class Share:
    """`k` of `n`, with its exact two-sided interval (0 to 1 where n is 0)."""

    k: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        """The share, None where n is 0."""
        return self.k / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class ClassRates:
    """One class against all others.

    sensitivity  of the replies of the class: how many the judge put there
    specificity  of the other replies: how many the judge put in another class
    """

    sensitivity: Share
    specificity: Share


def kappa(pairs: Sequence[tuple[int, int | None]], confidence: float) -> Kappa:
    """Kappa of (label, what the judge said) pairs; None, no readable verdict, is a class that no label has.

    confidence  of the two-sided interval, as of every interval in `stats`

    Raises:
        EvidenceError: no pairs.
    """
    if not pairs:
        raise EvidenceError("no labelled replies to hold the judge against; add some to the calibration file")
    n = len(pairs)
    counts = Counter(pairs)
    label, said = Counter(gold for gold, _ in pairs), Counter(given for _, given in pairs)
    accuracy = sum(count for (gold, given), count in counts.items() if gold == given) / n
    chance = sum(count * said[gold] for gold, count in label.items()) / n**2
    confusion = dict(sorted(counts.items(), key=lambda row: (row[0][0], row[0][1] is None, row[0][1] or 0)))
    if chance == 1.0:
        return Kappa(0.0, -1.0, 1.0, 0.0, accuracy, n, confusion)
    value = (accuracy - chance) / (1.0 - chance)
    error = _error(counts, label, said, value, chance, n)
    half = NormalDist().inv_cdf(0.5 + confidence / 2.0) * error
    low, high = (
        (end - chance) / (1.0 - chance) for end in intervals.clopper_pearson(round(accuracy * n), n, confidence)
    )
    return Kappa(
        value, max(min(low, value - half), -1.0), min(max(high, value + half), 1.0), error, accuracy, n, confusion
    )


def _error(
    counts: Counter[tuple[int, int | None]],
    label: Counter[int],
    said: Counter[int | None],
    value: float,
    chance: float,
    n: int,
) -> float:
    agree = differ = 0.0
    for (gold, given), count in counts.items():
        if gold == given:
            agree += count / n * (1.0 - (label[gold] + said[gold]) / n * (1.0 - value)) ** 2
        else:
            # how often the judge says this label, and how often the labels are what the judge said; none is None
            habits = (said[gold] + (label[given] if given is not None else 0)) / n
            differ += count / n * habits**2
    variance = agree + (1.0 - value) ** 2 * differ - (value - chance * (1.0 - value)) ** 2
    return math.sqrt(max(variance, 0.0) / n) / (1.0 - chance)


def class_rates(pairs: Sequence[tuple[int, int | None]], confidence: float) -> dict[int, ClassRates]:
    """Sensitivity and specificity of every class that is labelled or was said, with two-sided exact intervals.

    A reply without a readable verdict is a miss for its own class and no false alarm for the others.
    """
    classes = sorted({gold for gold, _ in pairs} | {given for _, given in pairs if given is not None})
    found = {}
    for one in classes:
        of_it = [given for gold, given in pairs if gold == one]
        others = [given for gold, given in pairs if gold != one]
        found[one] = ClassRates(
            _share(sum(given == one for given in of_it), len(of_it), confidence),
            _share(sum(given != one for given in others), len(others), confidence),
        )
    return found


def _share(k: int, n: int, confidence: float) -> Share:
    return Share(k, n, *(intervals.clopper_pearson(k, n, confidence) if n else (0.0, 1.0)))
