"""Whether the limits of one threshold can be meant: there is one, none contradicts another, they fit the metric."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dsafe_runner.errors import Mistake
from dsafe_runner.suite.spec import Threshold

ABSOLUTE = ("min", "max")
RELATIVE = ("max_drop", "min_gain", "max_rise", "min_fall")
_OTHER_DIRECTION = {"max_drop": "max_rise", "min_gain": "min_fall", "max_rise": "max_drop", "min_fall": "min_gain"}
_HIGHER = {"max_drop": True, "min_gain": True, "max_rise": False, "min_fall": False}


def limit_mistakes(
    index: int, threshold: Threshold, higher_is_better: bool | None, where: Callable[..., tuple[str, int, int]]
) -> Iterable[Mistake]:
    """Mistakes in the limits of `thresholds[index]`. `higher_is_better`: of its metric, None when that is unknown."""
    loc = ("thresholds", index)
    relative = [key for key in RELATIVE if getattr(threshold, key) is not None]
    absolute = [key for key in ABSOLUTE if getattr(threshold, key) is not None]
    fitting = [key for key in RELATIVE if higher_is_better is None or _HIGHER[key] is higher_is_better]
    if threshold.versus is None:
        for key in relative:
            yield Mistake(*where(*loc, key), f"{key} compares with nothing", "add `versus: MODEL`")
        if not relative and not absolute:
            what = f"thresholds[{index}]: no limit"
            yield Mistake(*where(*loc), what, f"add min or max, or versus with {' or '.join(fitting)}")
    elif not relative:
        yield Mistake(*where(*loc, "versus"), "versus without a limit on the change", f"add {' or '.join(fitting)}")
    for key in relative:
        if higher_is_better is not None and _HIGHER[key] is not higher_is_better:
            better = "more" if _HIGHER[key] else "less"
            what = f"{key} is for metrics where {better} is better, which {threshold.metric} is not"
            yield Mistake(*where(*loc, key), what, f"write {_OTHER_DIRECTION[key]}")
    for loose, strict in (("max_drop", "min_gain"), ("max_rise", "min_fall")):
        if loose in relative and strict in relative:
            what = f"{loose} and {strict} together: {strict} already forbids what {loose} would allow"
            yield Mistake(*where(*loc, strict), what, "keep one of the two")
    if threshold.min is not None and threshold.max is not None and threshold.min > threshold.max:
        what = f"max {threshold.max:g} is below min {threshold.min:g}, so nothing can pass"
        yield Mistake(*where(*loc, "max"), what, "raise max or lower min")
