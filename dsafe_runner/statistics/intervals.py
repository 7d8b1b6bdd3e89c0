"""Intervals, in the standard library alone: scipy and statsmodels are the oracles of the tests, not a run-time need.

Clopper-Pearson (1934) for a rate; Tango (1998, Statistics in Medicine 17:891) for the difference of two paired rates.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist


def regularised_beta(x: float, a: float, b: float) -> float:
    """I_x(a, b), the distribution function of Beta(a, b) at x (continued fraction, Numerical Recipes 6.4)."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - regularised_beta(1.0 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    tiny = 1e-300
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    fraction = d
    for m in range(1, 10_000):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0)),
        ):
            d = 1.0 + numerator * d
            c = 1.0 + numerator / c
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = c if abs(c) > tiny else tiny
            step = d * c
            fraction *= step
        if abs(step - 1.0) < 1e-15:
            break
    return front * fraction


def beta_quantile(p: float, a: float, b: float) -> float:
    """The x with I_x(a, b) = p: Newton steps from the normal approximation, kept inside a shrinking bracket."""
    mean = a / (a + b)
    spread = math.sqrt(mean * (1.0 - mean) / (a + b + 1.0))
    low, high = 0.0, 1.0
    x = min(max(mean + NormalDist().inv_cdf(p) * spread, 1e-12), 1.0 - 1e-12)
    log_norm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    for _ in range(200):
        error = regularised_beta(x, a, b) - p
        low, high = (x, high) if error < 0 else (low, x)
        density = math.exp(log_norm + (a - 1.0) * math.log(x) + (b - 1.0) * math.log1p(-x))
        step = x - error / density if density > 0.0 else low
        following = step if low < step < high else (low + high) / 2.0
        if abs(following - x) <= 1e-15 + 1e-11 * x:
            return following
        x = following
    return x


@lru_cache(maxsize=65536)
def clopper_pearson(k: float, n: float, confidence: float) -> tuple[float, float]:
    """Two-sided exact interval of a rate, k of n; k and n may be fractional (effective counts)."""
    alpha = (1.0 - confidence) / 2.0
    low = 0.0 if k <= 0 else beta_quantile(alpha, k, n - k + 1.0)
    high = 1.0 if k >= n else beta_quantile(1.0 - alpha, k + 1.0, n - k)
    return low, high


def tango_z(lost: int, gained: int, n: int, difference: float) -> float:
    """Tango's score statistic of H0: rate(candidate) - rate(reference) = difference.

    lost: items right only in the reference; gained: items right only in the candidate; n: pairs.
    """
    a = 2.0 * n
    b = -lost - gained + (2.0 * n - gained + lost) * difference
    c = -lost * difference * (1.0 - difference)
    # the constrained estimate of the rate of "lost" pairs
    q = max((math.sqrt(max(b * b - 4.0 * a * c, 0.0)) - b) / (2.0 * a), 0.0)
    variance = n * (2.0 * q + difference * (1.0 - difference))
    numerator = gained - lost - n * difference
    if variance <= 0.0:
        return 0.0 if numerator == 0 else math.copysign(math.inf, numerator)
    return numerator / math.sqrt(variance)


@lru_cache(maxsize=65536)
def tango(lost: int, gained: int, n: int, confidence: float) -> tuple[float, float]:
    """Two-sided score interval of rate(candidate) - rate(reference), paired."""
    quantile = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    estimate = (gained - lost) / n

    def bound(z: float, inside: float, outside: float) -> float:
        for _ in range(44):
            middle = (inside + outside) / 2.0
            if abs(tango_z(lost, gained, n, middle)) <= z:
                inside = middle
            else:
                outside = middle
        return inside

    return bound(quantile, estimate, -1.0), bound(quantile, estimate, 1.0)
