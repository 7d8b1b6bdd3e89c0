"""What keeps a release from going out: the rule behind pytest's exit status and a notebook's `ok`.

Light on purpose, as the plugin is: nothing is imported that a pytest run without suites would pay for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

OK, FINDINGS, UNDECIDED = 0, 1, 4


def in_ci() -> bool:
    """Does the environment say that this is a build?"""
    # CI=yes, or a vendor's name: whoever sets it means a build that nobody watches, as long as it does not say no
    return os.environ.get("CI", "").strip().lower() not in ("", "0", "false", "no", "off")


def blocks(result: str, *, lenient: bool) -> bool:
    """Must this result of a check fail the build?

    lenient  the suite says `on_inconclusive: skip`, where that may be said
    """
    if result == "inconclusive":
        return not lenient
    return result not in ("passed", "waived")


def status_of(results: Iterable[tuple[str, bool]], *, complete: bool) -> int:
    """0 where everything is in order, 1 where something blocks, 4 where not enough was decided.

    results   of each check, and whether it blocks
    complete  everything asked for is among them, or its absence is allowed
    """
    found = list(results)
    if any(blocking for _, blocking in found):
        return FINDINGS
    decided = any(result != "inconclusive" for result, _ in found)
    return OK if decided and complete else UNDECIDED
