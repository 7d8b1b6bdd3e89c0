"""Judges by what a suite says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsafe_runner.errors import JudgeError
from dsafe_runner.judges.base import Judge
from dsafe_runner.judges.rules import RulesJudge

if TYPE_CHECKING:  # pydantic is not needed to judge
    from dsafe_runner.suite.spec import Judge as JudgeSpec

KINDS: tuple[str, ...] = ("rules",)


def make_judge(spec: JudgeSpec) -> Judge:
    """The judge a suite asks for. JudgeError: a kind this version does not have."""
    if spec.kind == "rules":
        return RulesJudge()
    raise JudgeError(f"no judge of kind {spec.kind!r}; there is {', '.join(KINDS)}")
