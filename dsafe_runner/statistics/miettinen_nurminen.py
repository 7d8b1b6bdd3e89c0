"""The difference of two rates of which only the counts are known: against a published table.

Miettinen & Nurminen (1985, Statistics in Medicine 4:213): a score test with the variance of the closest rates that have
the difference in question. Two models on the same items agree more than two independent samples do, which makes it
conservative here; it can turn a verdict into INCONCLUSIVE and none into PASS.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist


def score(k: float, n: float, other_k: float, other_n: float, difference: float) -> float:
    """Score statistic of "k/n's true rate minus the other's is `difference`"; counts may be fractional."""
    other_rate = _closest(k, n, other_k, other_n, difference)
    rate = min(max(other_rate + difference, 0.0), 1.0)
    total = n + other_n
    variance = (rate * (1.0 - rate) / n + other_rate * (1.0 - other_rate) / other_n) * total / (total - 1.0)
    numerator = k / n - other_k / other_n - difference
    if variance <= 1e-18:
        return 0.0 if abs(numerator) < 1e-12 else math.copysign(math.inf, numerator)
    return numerator / math.sqrt(variance)


def _closest(k: float, n: float, other_k: float, other_n: float, difference: float) -> float:
    """The other's most likely rate if the difference were that: the root of a cubic that lies where both are rates."""
    total = n + other_n
    b = ((n + 2.0 * other_n) * difference - total - (k + other_k)) / (3.0 * total)
    c = ((other_n * difference - total - 2.0 * other_k) * difference + k + other_k) / (3.0 * total)
    d = other_k * difference * (1.0 - difference) / (2.0 * total)
    q = b**3 - 1.5 * b * c + d
    p = math.copysign(math.sqrt(max(b * b - c, 0.0)), q)
    root = -b
    if p != 0.0:
        angle = (math.pi + math.acos(min(max(q / p**3, -1.0), 1.0))) / 3.0
        root += 2.0 * p * math.cos(angle)
    return min(max(root, -difference, 0.0), 1.0 - difference, 1.0)


@lru_cache(maxsize=4096)
def interval(k: float, n: float, other_k: float, other_n: float, confidence: float) -> tuple[float, float]:
    """Two-sided score interval of k/n minus the other."""
    quantile = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    estimate = k / n - other_k / other_n

    def end(outside: float) -> float:
        inside = estimate
        for _ in range(44):
            middle = (inside + outside) / 2.0
            if abs(score(k, n, other_k, other_n, middle)) <= quantile:
                inside = middle
            else:
                outside = middle
        return inside

    return end(-1.0), end(1.0)
