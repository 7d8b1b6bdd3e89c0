"""Guards: one fails only on a drop that is proven across the whole family, all guards of one model in one suite.

Exact step-down min-P (Westfall & Young 1993; Westfall & Wolfinger 1997 for exact tests): how likely is it that, with no
drop anywhere, any of the guards still in question shows so small a p as this one does? Only p that a guard could have
shown at all count, which is what makes it sharper than Holm's method where guards have few items. The probability that
any guard fails without cause is 1 - confidence.

What is missing is completed for the whole family at once: in every completion a guard's p lies between that of its
worst and of its best one, and the chance that a guard with unknown answers shows a p up to t is between 0 and t. A
member that was not measured at all is no different: the family is fixed by the suite, and selecting some of it never
shrinks it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from dsafe_runner.errors import EvidenceError
from dsafe_runner.records import Status
from dsafe_runner.statistics.certain import Tally, differences, turned
from dsafe_runner.statistics.gaffke import Units
from dsafe_runner.statistics.paired_tests import SLACK, claim_of, sums
from dsafe_runner.statistics.power import ASSUMED_FLIPS, detectable_drop
from dsafe_runner.statistics.sign_test import sign_test
from dsafe_runner.verdicts.gate import SURE, Sure, Why, undecided
from dsafe_runner.vocabulary import Rule


@dataclass(frozen=True, slots=True)
class Guard:
    """One member of a family, as it was measured.

    ours, theirs  per item: answers that the metric counts, and answers that are unknown, of `samples`; same items
    higher        higher is better in this metric
    tripwire      a drop larger than this fails whatever the family says; None: there is no such limit
    clusters      per item what it is a near-duplicate of, if that matters
    """

    ours: Tally
    theirs: Tally
    samples: int = 1
    higher: bool = True
    tripwire: float | None = None
    clusters: Sequence[Hashable] | None = None


@dataclass(frozen=True, slots=True)
class Guarded:
    """The verdict on a guard and what it rests on.

    value, low, high  candidate minus reference in the metric's own direction (None: answers are missing), with
                      one-sided bounds of this guard alone, of the worst completion and of the best
    least, most       the value if what is missing turned out lowest, and highest
    lost, gained      items on which the candidate is worse, and better, in the completion that is best for it
    missing           unknown answers on both sides
    p                 of this guard alone, in the best completion
    family_p          how often a drop as clear as this shows in any of the family by chance; at most that, where
                      something is missing or was not measured
    family            guards of the family; `unmeasured` of them were not measured
    tripped           the drop is larger than the tripwire
    sees              the drop that it would find 80 % of the time
    blind             the reference has so little to lose (`loses` answers) that not even the loss of it all would fail:
                      it passes only where nothing is lost and nothing is missing
    """

    status: Status
    why: Why | None
    value: float | None
    low: float
    high: float
    lost: int
    gained: int
    items: int
    missing: int
    p: float
    family_p: float
    family: int
    unmeasured: int
    tripped: bool
    sees: float | None
    least: float
    most: float
    samples: int = 1
    blind: bool = False
    loses: int = 0


def decide_guards(
    family: Mapping[str, Guard | None], sure: Sure = SURE, flips: float = ASSUMED_FLIPS
) -> dict[str, Guarded]:
    """Verdicts on the measured guards of a family.

    family  all guards of one model that the suite has; None: not measured
    flips   share of items whose answer is expected to change without a reason, for `sees`

    Raises:
        EvidenceError: a guard without items, or with sides that do not hold the same ones.
    """
    known = {name: _Completions(name, guard) for name, guard in family.items() if guard is not None}
    highest = _family_p([known[name].highest if name in known else _UNKNOWN_HIGH for name in family])
    lowest = _family_p([known[name].lowest if name in known else _UNKNOWN_LOW for name in family])
    found = {}
    for name, high, low in zip(family, highest, lowest, strict=True):
        guard = family[name]
        if guard is not None:
            found[name] = _decide(guard, known[name], (low, high), len(family), len(known), sure, flips)
    return found


_Member = tuple[float, Callable[[float], float]]
"""p of a guard, and how likely it is by chance to be at most some level."""


def _as_likely_as_can_be(level: float) -> float:
    return level


def _not_at_all(level: float) -> float:
    return 0.0


_UNKNOWN_HIGH: _Member = (1.0, _as_likely_as_can_be)
_UNKNOWN_LOW: _Member = (0.0, _not_at_all)


class _Completions:
    """A guard's worst and best completion, and what each contributes to the family."""

    def __init__(self, name: str, guard: Guard) -> None:
        if not guard.ours or len(guard.ours) != len(guard.theirs):
            raise EvidenceError(f"guard {name}: the two models do not hold the same items; measure both again")
        sides = (guard.ours, guard.theirs)
        good, other = sides if guard.higher else (turned(side, guard.samples) for side in sides)
        ends = differences(good, other, guard.samples, guard.clusters)
        known = [(yes, 0) for yes, _ in other]
        self.nothing: Units = differences([(0, 0)] * len(known), known, guard.samples, guard.clusters)[0]
        self.worst: Units = ends[0]
        self.best: Units = ends[-1]
        lowest, _ = sign_test(self.worst)
        highest, chance = sign_test(self.best)
        whole = len(ends) == 1
        self.highest: _Member = (highest, chance if whole else _as_likely_as_can_be)
        self.lowest: _Member = (lowest, chance if whole else _not_at_all)


def _family_p(members: Sequence[_Member]) -> list[float]:
    """Step-down min-P of each member."""
    order = sorted(range(len(members)), key=lambda i: members[i][0])
    found = [1.0] * len(members)
    so_far = 0.0
    for rank, i in enumerate(order):
        p = members[i][0]
        # at least p: a guard whose chances are unknown has shown this one
        by_chance = max(p, 1.0 - math.prod(1.0 - members[j][1](p) for j in order[rank:]))
        so_far = max(so_far, by_chance)
        if so_far > 1.0 - 1e-9:
            # and so it is for all the others
            break
        found[i] = so_far
    return found


def _decide(
    guard: Guard,
    ends: _Completions,
    family_p: tuple[float, float],
    family: int,
    measured: int,
    sure: Sure,
    flips: float,
) -> Guarded:
    low, high = family_p
    total, n = sums(ends.best)
    allowed = math.inf if guard.tripwire is None else guard.tripwire * n + SLACK
    tripped, may_trip = -total > allowed, -sums(ends.worst)[0] > allowed
    loses = -sums(ends.nothing)[0]
    blind = loses <= allowed and sign_test(ends.nothing)[0] > one_of(family, sure.alpha) + SLACK
    missing = sum(unknown for side in (guard.ours, guard.theirs) for _, unknown in side)
    lost = any(moved < 0 for (moved, _), count in ends.worst.items() if count)
    if high <= sure.alpha or tripped:
        status = Status.FAIL
    elif blind and (lost or missing):
        status = Status.INCONCLUSIVE
    elif low > sure.alpha and not may_trip:
        status = Status.PASS
    else:
        status = Status.INCONCLUSIVE
    seen = undecided(Rule.DROP, 0.0, sure, guard.ours, guard.samples, guard.theirs)
    claim = claim_of(Rule.DROP, guard.samples, guard.clusters is not None)
    bounds = claim.low(ends.worst, sure.alpha), claim.high(ends.best, sure.alpha)
    return Guarded(
        status=status,
        why=None if status is not Status.INCONCLUSIVE else Why.BLIND if blind else Why.MISSING,
        value=seen.value,
        least=seen.least,
        most=seen.most,
        low=bounds[0] if guard.higher else -bounds[1],
        high=bounds[1] if guard.higher else -bounds[0],
        lost=sum(count for (moved, _), count in ends.best.items() if moved < 0),
        gained=sum(count for (moved, _), count in ends.best.items() if moved > 0),
        items=len(guard.ours),
        missing=missing,
        p=ends.highest[0],
        family_p=high,
        family=family,
        unmeasured=family - measured,
        tripped=tripped,
        sees=detectable_drop(len(guard.ours), flips, one_of(family, sure.alpha), guard.samples),
        samples=guard.samples,
        blind=blind,
        loses=loses,
    )


def one_of(family: int, alpha: float) -> float:
    """The level of one guard when all of a family together are to have `alpha`."""
    return -math.expm1(math.log1p(-alpha) / family)
