"""Whether the limits of one threshold can be meant: they are there, none contradicts another, they fit the metric.

And each excludes something: a limit that every model keeps is no limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dsafe_runner.errors import Mistake
from dsafe_runner.suite.spec import Threshold
from dsafe_runner.vocabulary import ABSOLUTE, LIMITS, RELATIVE, Metric, Rule

_AT_MOST = frozenset(rule.key for rule in LIMITS if not rule.at_least)
_LEAST_SAID = 0.01
"""What a limit has to leave out at least: `min: 0.001` holds for a model that gets nothing right but by luck, and a
larger drop than `max_drop: 0.999` cannot be."""


def limit_mistakes(
    index: int, threshold: Threshold, metric: Metric | None, where: Callable[..., tuple[str, int, int]]
) -> Iterable[Mistake]:
    """Mistakes in the limits of `thresholds[index]`. `metric`: None where it is unknown."""
    loc = ("thresholds", index)
    higher_is_better = None if metric is None else metric.higher_is_better
    if threshold.role == "guard":
        yield from _guard_mistakes(loc, threshold, where)
        return
    if threshold.tripwire is not None:
        yield Mistake(*where(*loc, "tripwire"), "tripwire belongs to a guard", "add `role: guard`, or use max_drop")
    if threshold.pool is not None:
        yield Mistake(*where(*loc, "pool"), "pool belongs to a guard", "add `role: guard`, or remove it")
    relative = [rule for rule in RELATIVE if getattr(threshold, rule.key) is not None]
    absolute = [rule for rule in ABSOLUTE if getattr(threshold, rule.key) is not None]
    fitting, plain = (
        " or ".join(rule.key for rule in rules if higher_is_better is None or rule.higher is higher_is_better)
        for rules in (RELATIVE, ABSOLUTE)
    )
    if threshold.versus is None:
        for rule in relative:
            yield Mistake(*where(*loc, rule.key), f"{rule.key} compares with nothing", "add `versus: MODEL`")
        if not relative and not absolute:
            what = f"thresholds[{index}]: no limit"
            yield Mistake(*where(*loc), what, f"add {plain}, or versus with {fitting}")
    elif not relative:
        yield Mistake(*where(*loc, "versus"), "versus without a limit on the change", f"add {fitting}")
    yield from _turned_round(loc, threshold, [*absolute, *relative], higher_is_better, where)
    yield from _says_nothing(loc, threshold, [rule.key for rule in (*absolute, *relative)], where)
    for higher in (True, False):
        both = [rule for rule in relative if rule.higher is higher]
        if len(both) > 1:
            loose, strict = (rule.key for rule in both)
            what = f"{loose} and {strict} together: {strict} already forbids what {loose} would allow"
            yield Mistake(*where(*loc, strict), what, "keep one of the two")
    if threshold.review is not None and not (absolute == [Rule.MAX] and not relative):
        what = "review: a person confirms what counts against a `max`, which this threshold has not"
        yield Mistake(*where(*loc, "review"), what, "keep `max` alone with it, or remove it")
    if threshold.min is not None and threshold.max is not None and threshold.min > threshold.max:
        what = f"max {threshold.max:g} is below min {threshold.min:g}, so nothing can pass"
        yield Mistake(*where(*loc, "max"), what, "raise max or lower min")


def _turned_round(
    loc: tuple[str | int, ...],
    threshold: Threshold,
    rules: Iterable[Rule],
    higher_is_better: bool | None,
    where: Callable[..., tuple[str, int, int]],
) -> Iterable[Mistake]:
    """Limits that the worst model keeps and a good one breaks."""
    if higher_is_better is None:
        return
    for rule in rules:
        if rule.higher is higher_is_better:
            continue
        if rule.relative:
            better = "more" if rule.higher else "less"
            what = f"{rule.key} is for metrics where {better} is better, which {threshold.metric} is not"
        else:
            better = "more" if higher_is_better else "less"
            what = (
                f"{rule.key} on {threshold.metric}, of which {better} is better: the worse a model, the surer it passes"
            )
        yield Mistake(*where(*loc, rule.key), what, f"write {rule.opposite.key}")


def _says_nothing(
    loc: tuple[str | int, ...], threshold: Threshold, keys: Iterable[str], where: Callable[..., tuple[str, int, int]]
) -> Iterable[Mistake]:
    """Limits that every model keeps, or all but the very worst there can be."""
    for key in keys:
        limit = getattr(threshold, key)
        if key == Rule.MIN.key and limit < _LEAST_SAID:
            yield Mistake(*where(*loc, key), f"min: {limit:g} holds for every model", "raise it, or remove it")
        elif (key == "tripwire" or key in _AT_MOST) and limit > 1.0 - _LEAST_SAID:
            does = "holds for every model" if key != "tripwire" else "is tripped by no drop there can be"
            yield Mistake(*where(*loc, key), f"{key}: {limit:g} {does}", "lower it, or remove it")


def _guard_mistakes(
    loc: tuple[str | int, ...], threshold: Threshold, where: Callable[..., tuple[str, int, int]]
) -> Iterable[Mistake]:
    for key in (rule.key for rule in LIMITS):
        if getattr(threshold, key) is not None:
            what = f"{key} in a guard, which has no limit: it fails on a drop that is proven"
            yield Mistake(*where(*loc, key), what, "remove it, or write `tripwire`, or `role: gate`")
    yield from _says_nothing(loc, threshold, ["tripwire"] if threshold.tripwire is not None else [], where)
    if threshold.versus is None:
        yield Mistake(*where(*loc, "role"), "a guard compares with nothing", "add `versus: MODEL`")
    if threshold.uncertainty is not None:
        yield Mistake(*where(*loc, "uncertainty"), "a guard's test is about items like these", "remove it")
    if threshold.confidence is not None:
        what = "a guard has the confidence of its whole family, which the policy sets"
        yield Mistake(*where(*loc, "confidence"), what, "remove it")
    if threshold.review is not None:
        yield Mistake(*where(*loc, "review"), "a guard takes no review", "remove it")
