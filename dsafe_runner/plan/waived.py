"""Waivers spread over the checks of a suite: which one covers which, and what it excuses of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from dsafe_runner.config.words import listed
from dsafe_runner.errors import Mistake
from dsafe_runner.plan.checks import Check
from dsafe_runner.suite.spec import LoadedSuite, Waiver
from dsafe_runner.vocabulary import KAPPA


def matching(pattern: str, ids: Iterable[str]) -> list[str]:
    """The check ids that a waiver's `check` covers."""
    # brackets are part of every check id, so they are literal here; fnmatch never backtracks over its stars
    literal = pattern.replace("[", "[[]")
    return [check_id for check_id in ids if fnmatchcase(check_id, literal)]


def waived_checks(loaded: LoadedSuite, checks: Mapping[str, Check], mistakes: list[Mistake]) -> dict[str, int]:
    """Check id -> index of its waiver. Mistakes: a waiver on nothing, on everything, on a check twice, or of no value.

    An excuse that the limit allows anyway is one too: nothing would be left to excuse, or it was typed wrongly.
    """
    waived: dict[str, int] = {}
    for index, waiver in enumerate(loaded.suite.waivers):
        matched = matching(waiver.check, checks)
        at = loaded.where("waivers", index, "check")
        if not matched:
            todo = "correct the id (`dsafe check FILE --list` prints all) or remove the waiver"
            mistakes.append(Mistake(*at, f"waiver {waiver.check!r} matches no check of this suite", todo))
        elif len(matched) == len(checks) > 1:
            what = f"waiver {waiver.check!r} covers all {len(checks)} checks of this suite, which then gates nothing"
            mistakes.append(Mistake(*at, what, "name the checks that fail"))
        for check_id in matched:
            if check_id in waived:
                _, line, _ = loaded.where("waivers", waived[check_id], "check")
                mistakes.append(Mistake(*at, f"{check_id} is already waived at line {line}", "keep one of the two"))
            else:
                waived[check_id] = index
        mistakes += _values(loaded, index, waiver, {check_id: checks[check_id] for check_id in matched})
    return waived


def _values(loaded: LoadedSuite, index: int, waiver: Waiver, matched: Mapping[str, Check]) -> Iterable[Mistake]:
    at = loaded.where("waivers", index, "value")
    if isinstance(waiver.value, dict):
        if without := [check_id for check_id in matched if check_id not in waiver.value]:
            what = f"waiver {waiver.check!r} names no value of {listed(without)}"
            yield Mistake(*at, what, "narrow the pattern, or let `dsafe waive` write the values")
        for check_id in waiver.value.keys() - matched.keys():
            what = f"waiver {waiver.check!r} does not cover {check_id}"
            yield Mistake(*loaded.where("waivers", index, "value", check_id), what, "remove the value")
    for check_id, check in matched.items():
        value = waiver.value_of(check_id)
        if value is None:
            continue
        place = loaded.where("waivers", index, "value", check_id)
        lowest = -1.0 if check.rule.relative or check.metric == KAPPA.name else 0.0
        if not lowest <= value <= 1.0 and not check.counts:
            kind = "a change" if check.rule.relative else "a rate"
            what = f"waiver {waiver.check!r}: {value:g} is no value of {check_id}"
            yield Mistake(*place, what, f"write {kind} between {lowest:g} and 1")
        elif check.keeps(value):
            what = f"waiver {waiver.check!r}: {value:g} is inside the limit of {check_id}, so nothing is excused"
            yield Mistake(*place, what, "write the value it has, or remove the waiver")
