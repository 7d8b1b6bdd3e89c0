"""Bounds of a mean when only the range of an item's value is known: several answers per item, near-duplicate items.

Gaffke's bound (2005; Learned-Miller & Thomas 2020, arXiv:1905.06208): give the n observed values and one more, the
worst there can be, random weights that are uniform on the simplex; the bound is a quantile of the weighted mean. For
yes/no items it is exactly Clopper & Pearson's. In every answer it is monotone, so what is missing can be taken at its
worst; and it knows that a rare, very bad item may not be among those that were asked, which a bound made from the
observed variance does not.

The weights are exponential variables over their sum, so the weighted mean is at most t exactly where the sum of
(value - t) * weight is at most 0: a weighted sum of gamma variables, whose distribution is integrated along the
imaginary direction through its saddle point.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Mapping
from statistics import NormalDist

Units = Mapping[tuple[int, int], int]
"""(sum of its answers' values, number of its answers) of what was drawn as one, an item or a cluster of near-duplicates
-> how many of those there are. The mean of all is the sum of the first over the sum of the second."""

_NORMAL = NormalDist()


def p_value(units: Units, worst: float, mean: float) -> float:
    """One-sided p of "the true mean is at most `mean`", for answers whose value is nowhere below `worst`."""
    return _not_above([(total - mean * size, count) for total, size, count in _with(units, worst)])


def lower_bound(units: Units, worst: float, alpha: float) -> float:
    """The true mean is above this with confidence 1 - alpha."""
    cells = _with(units, worst)
    low, high = worst, max(total / size for total, size, _ in cells)
    if low >= high:
        return worst
    # a normal start, then secant steps on the probit scale, where the distribution is nearly a straight line
    n = sum(count * size for _, size, count in cells)
    middle = sum(count * total for total, _, count in cells) / n
    spread = math.sqrt(sum(count * (total - middle * size) ** 2 for total, size, count in cells)) / n
    goal = _NORMAL.inv_cdf(alpha)
    t, slope = middle + goal * spread, 1.0 / spread
    before: tuple[float, float] | None = None
    for _ in range(100):
        t = t if low < t < high else (low + high) / 2.0
        p = _not_above([(total - t * size, count) for total, size, count in cells])
        low, high = (t, high) if p < alpha else (low, t)
        error = _NORMAL.inv_cdf(min(max(p, 1e-300), 1.0 - 1e-16)) - goal
        if abs(error) < 1e-8 or high - low <= 1e-14:
            break
        if before is not None and (error - before[1]) * (t - before[0]) > 0.0:
            slope = (error - before[1]) / (t - before[0])
        before = (t, error)
        t -= error / slope
    return t


def _with(units: Units, worst: float) -> list[tuple[float, float, int]]:
    """(sum, size, how many) of the units and of one more, as bad as can be and as large as an answer's unit is."""
    answers = sum(size * count for (_, size), count in units.items())
    size = sum(size * size * count for (_, size), count in units.items()) / answers
    return [(worst * size, size, 1), *((total, size, count) for (total, size), count in units.items())]


def _not_above(terms: list[tuple[float, int]]) -> float:
    """P(sum of scale * Gamma(shape) <= 0), independent, from (scale, shape) pairs."""
    terms = [(scale, shape) for scale, shape in terms if scale != 0.0]
    smallest, largest = (min(terms)[0], max(terms)[0]) if terms else (0.0, 0.0)
    if largest <= 0.0:
        return 1.0
    if smallest >= 0.0:
        return 0.0
    s, spread = _saddle(terms, 1.0 / smallest, 1.0 / largest)
    if abs(s) * spread < 1.0:
        # the pole at 0 is near: pass it on the side with more room
        s = 1.0 / smallest if -1.0 / smallest > 1.0 / largest else 1.0 / largest
        s = math.copysign(min(abs(s) / 2.0, 1.0 / spread), s)
        spread = math.sqrt(sum(n * (a / (1.0 - s * a)) ** 2 for a, n in terms))
    # along v from the saddle point the integrand is nearly a bell curve if the path bends as the third derivative
    # says; v = sinh(u) / spread takes few steps where it dies out like a power instead
    bend = sum(n * (a / (1.0 - s * a)) ** 3 for a, n in terms) / (3.0 * spread**2)
    step = 0.15 if sum(n for _, n in terms) >= 20 else 0.08
    area, j = 0.0, 0
    while True:
        v = math.sinh(j * step) / spread
        z = complex(s + bend * v * v, v)
        value = cmath.exp(-sum(n * cmath.log(1.0 - z * a) for a, n in terms)) / z * complex(1.0, -2.0 * bend * v)
        height = math.cosh(j * step) * value.real
        area += height if j else height / 2.0
        j += 1
        if j > 500 or (j > 8 and abs(height) < 1e-14 * abs(area)):
            break
    tail = area * step / (math.pi * spread)
    return min(max(-tail if s < 0.0 else 1.0 - tail, 0.0), 1.0)


def _saddle(terms: list[tuple[float, int]], low: float, high: float) -> tuple[float, float]:
    """Where the cumulant generating function is least, and the standard deviation there."""
    s, curvature = 0.0, 1.0
    for _ in range(200):
        slope = curvature = 0.0
        for a, n in terms:
            ratio = a / (1.0 - s * a)
            slope += n * ratio
            curvature += n * ratio * ratio
        low, high = (s, high) if slope < 0.0 else (low, s)
        following = s - slope / curvature
        following = following if low < following < high else (low + high) / 2.0
        if abs(slope) < 1e-9 * math.sqrt(curvature):
            break
        s = following
    return s, math.sqrt(curvature)
