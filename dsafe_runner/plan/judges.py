"""Judges by what a suite says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dsafe_runner.judges.base import Judge
from dsafe_runner.judges.rules import RulesJudge
from dsafe_runner.judges.sheet import SheetJudge

if TYPE_CHECKING:  # pydantic is not needed to judge
    from dsafe_runner.suite.spec import Judge as JudgeSpec


def make_judge(spec: JudgeSpec, folder: Path) -> Judge:
    """The judge a suite asks for. `folder` is what a template's path is relative to.

    Raises:
        ConfigError: a template or a sheet of the user's with mistakes in it.
    """
    if spec.kind == "rules":
        return RulesJudge()
    if spec.kind == "sheet":
        return SheetJudge((folder / Path(spec.path).expanduser()).resolve())
    from dsafe_runner.judges.llm import LlmJudge
    from dsafe_runner.judges.template import load_template

    return LlmJudge(load_template(spec.template, folder), max_tokens=spec.max_tokens)
