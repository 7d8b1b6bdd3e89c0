"""The exact test of "no worse than its reference" on paired items, and the p it can give at all.

If a candidate answers like its reference, each item's difference is as likely to be -d as +d. So all ways of choosing
the signs are equally likely, and p is the share of them whose sum is no larger than the observed one. With one answer
per item that is McNemar's exact test; with several the sizes of the differences count too.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

from dsafe_runner.statistics.gaffke import Units

_LARGEST = 500_000
"""Sign patterns are counted up to this product of items and sum of sizes (20 ms); beyond it their sum is as good as
normal."""


@dataclass(frozen=True, slots=True)
class Signs:
    """All sums that the signs of some differences can give.

    p       p by the sum of the positive differences, from 0 on
    ladder  the p that can occur, ascending
    """

    p: tuple[float, ...]
    ladder: tuple[float, ...]

    def largest(self, level: float) -> float:
        """The largest p that can occur and is not above `level`: how likely p is to be that small by chance."""
        step = bisect_right(self.ladder, level + 1e-12)
        return self.ladder[step - 1] if step else 0.0


@lru_cache(maxsize=4096)
def signs(sizes: tuple[tuple[int, int], ...]) -> Signs:
    """The test for differences of given sizes: (size above 0, how many), ascending."""
    total = sum(count for _, count in sizes)
    span = sum(size * count for size, count in sizes)
    # ways[j] of the 2**total sign patterns have positive differences that add up to j: a product of polynomials,
    # multiplied as one integer each, with `width` bytes for every coefficient
    width = total // 8 + 1
    product = 1
    for size, count in sizes:
        row = bytearray((size * count + 1) * width)
        ways = 1
        for i in range(count + 1):
            row[size * i * width : (size * i + 1) * width] = ways.to_bytes(width, "little")
            ways = ways * (count - i) // (i + 1)
        product *= int.from_bytes(row, "little")
    raw = product.to_bytes((span + 1) * width, "little")
    everything, so_far = 1 << total, 0
    p, ladder = [], []
    for j in range(span + 1):
        ways = int.from_bytes(raw[j * width : (j + 1) * width], "little")
        so_far += ways
        p.append(so_far / everything)
        if ways:
            ladder.append(p[-1])
    return Signs(tuple(p), tuple(ladder))


def sign_test(units: Units) -> tuple[float, Callable[[float], float]]:
    """The p of "no drop" for units of candidate minus reference; and how likely a p up to some level is by chance."""
    sizes: dict[int, int] = {}
    positive = 0
    for (total, _), count in units.items():
        if total and count:
            sizes[abs(total)] = sizes.get(abs(total), 0) + count
            positive += total * count if total > 0 else 0
    divisor = math.gcd(*sizes)
    span = sum(size * count for size, count in sizes.items())
    if span * sum(sizes.values()) > _LARGEST * max(divisor, 1):
        spread = math.sqrt(sum(size * size * count for size, count in sizes.items()))
        return NormalDist().cdf((2 * positive - span + divisor) / spread), lambda level: level
    test = signs(tuple(sorted((size // divisor, count) for size, count in sizes.items())))
    return test.p[positive // max(divisor, 1)], test.largest
