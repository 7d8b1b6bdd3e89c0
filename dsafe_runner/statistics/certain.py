"""The one rule for everything unfinished: decided is what no possible value of the missing answers could change.

It serves cut thinking, verdicts that cannot be read, engine failures, resuming and early stopping. All claims a check
makes are monotone: a better answer can only move a verdict from FAIL over INCONCLUSIVE towards PASS. So the completions
in which everything unknown is bad, and in which it is good, speak for all the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from dsafe_runner.records import Status

Tally = Sequence[tuple[int, int]]
"""Per item: answers that count, and answers that are unknown."""

T = TypeVar("T")


def certain(decide: Callable[[T], Status], extremes: Iterable[T]) -> Status | None:
    """The verdict that all completions have, or None while more than one is possible.

    decide    verdict on one completion
    extremes  completions between which all others lie. For a verdict: everything missing is bad, everything is good.
              For stopping early: everything not asked yet is bad, is good, and (where answers that cannot be read have
              a cap of their own) cannot be read; `decide` then is the whole verdict with what is missing for good.
    """
    verdict: Status | None = None
    for completion in extremes:
        found = decide(completion)
        if verdict is not None and found is not verdict:
            return None
        verdict = found
    return verdict


def rates(tally: Tally, samples: int, clusters: Sequence[Hashable] | None = None) -> list[Counter[tuple[int, int]]]:
    """The worst and the best completion of one side, as units; one of them where nothing is unknown.

    clusters  what each item is a near-duplicate of; the items of a cluster count as one draw
    """
    lows = [yes for yes, _ in tally]
    highs = [yes + unknown for yes, unknown in tally]
    ends = [lows] if lows == highs else [lows, highs]
    return [_units(end, samples, clusters) for end in ends]


def differences(
    ours: Tally, theirs: Tally, samples: int, clusters: Sequence[Hashable] | None = None
) -> list[Counter[tuple[int, int]]]:
    """The worst and the best completion of two sides, as units of candidate minus reference.

    An answer the reference does not have is as bad as one the candidate does not have: in the worst completion it was
    right.
    """
    lows = [yes - (other + unknown) for (yes, _), (other, unknown) in zip(ours, theirs, strict=True)]
    highs = [yes + unknown - other for (yes, unknown), (other, _) in zip(ours, theirs, strict=True)]
    ends = [lows] if lows == highs else [lows, highs]
    return [_units(end, samples, clusters) for end in ends]


def _units(totals: Sequence[int], samples: int, clusters: Sequence[Hashable] | None) -> Counter[tuple[int, int]]:
    if clusters is None:
        return Counter({(total, samples): count for total, count in Counter(totals).items()})
    sums: Counter[Hashable] = Counter()
    sizes: Counter[Hashable] = Counter()
    for total, cluster in zip(totals, clusters, strict=True):
        sums[cluster] += total
        sizes[cluster] += samples
    return Counter((sums[cluster], size) for cluster, size in sizes.items())


def worth(items: int, clusters: Sequence[Hashable] | None) -> float:
    """As many independent items as have the variance of these, were all of a cluster alike (Kish 1965)."""
    return items if clusters is None else items**2 / sum(size * size for size in Counter(clusters).values())


def turned(tally: Tally, samples: int) -> list[tuple[int, int]]:
    """The tally of the answers that do not count; the unknown stay unknown."""
    return [(samples - yes - unknown, unknown) for yes, unknown in tally]
