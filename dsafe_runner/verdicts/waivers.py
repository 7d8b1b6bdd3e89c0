"""Known failures somebody has taken responsibility for.

A waiver turns a FAIL into WAIVED and nothing else: an error and a verdict that could not be reached for want of
responses stay what they are. It must earn its place: expired, it fails the check; on a passing check it fails too,
so that a repaired model cannot hide behind yesterday's excuse; and on a check that is proven to have become worse than
what was excused it fails, so that a known failure cannot cover a new one.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from dsafe_runner.records import Status, Verdict
from dsafe_runner.suite.spec import Waiver


class Result(StrEnum):
    """How a check counts once its waiver has been looked at; ERROR where it has nothing it may be decided on."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    WAIVED = "waived"
    ERROR = "error"


def settle(verdict: Verdict, waiver: Waiver | None, today: datetime.date) -> tuple[Result, str]:
    """The result that counts, and the line that explains it."""
    plain = {Status.PASS: Result.PASSED, Status.FAIL: Result.FAILED, Status.INCONCLUSIVE: Result.INCONCLUSIVE}[
        verdict.status
    ]
    if waiver is None or plain is Result.INCONCLUSIVE:
        return plain, verdict.reason
    if plain is Result.PASSED and verdict.details.get("role") == "guard":
        # a guard that fails to fail proves nothing, so its waiver may still be needed
        return plain, f"{verdict.reason}; waived, and not needed in this run"
    if plain is Result.PASSED:
        return Result.FAILED, f"passes, but is waived ({waiver.reason}); remove the waiver. {verdict.reason}"
    if waiver.until is not None and today > waiver.until:
        return Result.FAILED, f"{verdict.reason}; its waiver expired on {waiver.until} (owner {waiver.owner})"
    excuse = verdict.details.get("excuse")
    if excuse is None:
        return Result.FAILED, f"{verdict.reason}; its waiver names no value of it (owner {waiver.owner})"
    if (beyond := _beyond(verdict, excuse)) is not None:
        return Result.FAILED, f"{verdict.reason}; {beyond} (owner {waiver.owner})"
    term = "permanent" if waiver.permanent else f"until {waiver.until}"
    return Result.WAIVED, f"{verdict.reason}; waived {term}: {waiver.reason} (owner {waiver.owner})"


def _beyond(verdict: Verdict, excuse: Mapping[str, Any]) -> str | None:
    """Why a failure is not the one that was excused; None where it may be."""
    value = float(excuse["value"])
    if excuse["stands"] == Status.FAIL:
        return f"its waiver excuses {value:g}, and this is proven worse"
    if excuse["worst"]:
        return f"its waiver excuses {value:g}, which is any value at all; excuse what is seen here"
    return None
