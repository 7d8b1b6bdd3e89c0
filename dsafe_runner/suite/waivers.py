"""Whether a waiver can be meant, by itself: somebody answers for something, as bad as it is, until some day."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterable, Mapping

from dsafe_runner.config.words import printable, quoted
from dsafe_runner.errors import Mistake
from dsafe_runner.suite.spec import Waiver

LONGEST = datetime.timedelta(days=366)
"""How far ahead `until` may lie: whoever answers for a failure looks at it again once a year."""
_STRUCTURE = "*?:/[].-"

Where = Callable[..., tuple[str, int, int]]


def waiver_mistakes(index: int, waiver: Waiver, where: Where, today: datetime.date | None = None) -> Iterable[Mistake]:
    """Mistakes in `waivers[index]` that need no look at the checks."""
    loc = ("waivers", index)
    name = f"waiver {printable(waiver.check)}"
    latest = (today or datetime.date.today()) + LONGEST
    if waiver.until is None and not waiver.permanent:
        yield Mistake(*where(*loc), f"{name} has no end", "add `until: YYYY-MM-DD` or `permanent: true`")
    elif waiver.until is not None and waiver.permanent:
        yield Mistake(*where(*loc, "permanent"), f"{name} has an end and is permanent", "keep one of the two")
    elif waiver.until is not None and waiver.until > latest:
        what = f"{name} holds until {waiver.until}, more than a year ahead"
        yield Mistake(*where(*loc, "until"), what, f"write {latest} or earlier, or `permanent: true`")
    for key in ("reason", "owner"):
        if not any(character.isalnum() for character in getattr(waiver, key)):
            yield Mistake(*where(*loc, key), f"{name} has a blank {key}", "say why, and who answers for it")
    if not waiver.check.strip(_STRUCTURE):
        what = f"{name} would cover every check"
        yield Mistake(*where(*loc, "check"), what, "name the check, or the model and benchmark whose checks fail")
        return
    yield from _value_mistakes(waiver, name, lambda *key: where(*loc, *key))


def _value_mistakes(waiver: Waiver, name: str, where: Where) -> Iterable[Mistake]:
    wild = any(character in waiver.check for character in "*?")
    todo = f"remove it, run, and let `dsafe waive {quoted(waiver.check)} ...` write it with what that run shows"
    if waiver.value is None or waiver.value == {}:
        yield Mistake(*where(), f"{name} does not say which value it excuses", todo)
        return
    if wild and not isinstance(waiver.value, dict):
        what = f"{name} is a pattern with one value for all checks"
        yield Mistake(*where("value"), what, f"give each check its own; {todo}")
    values = waiver.value if isinstance(waiver.value, dict) else {"": waiver.value}
    for check_id, value in values.items():
        if not math.isfinite(value):
            yield Mistake(*where("value", check_id), f"{name} excuses {value}", todo)


def from_environment(raw: Mapping[tuple[str | int, ...], str], where: Where) -> Iterable[Mistake]:
    """A waiver that the environment fills says something else on every machine, and nobody has reviewed it.

    raw  values changed by the environment -> their text in the file
    """
    for loc, text in raw.items():
        if loc[0] == "waivers":
            what = f"a waiver's {loc[-1]} comes from the environment ({printable(text)})"
            yield Mistake(*where(*loc), what, "write it out, where it is reviewed")
