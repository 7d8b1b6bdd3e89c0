"""`review: flagged`: people read every reply the judge calls risky; the run writes the sheet, the next one decides.

A verdict in the sheet holds for that question and that very text (judges.sheet): a reply that has changed since has not
been read, and counts as unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dsafe_runner.judges.sheet import SheetJudge
from dsafe_runner.plan import Check, Measurement, ModelCheck, Plan, resolve
from dsafe_runner.runner.judging import Answer
from dsafe_runner.runner.sheets import append_answers
from dsafe_runner.verdicts.evidence import Evidence

FLAGGED = 0
"""The class that people confirm."""


def reviewed_benchmarks(checks: Iterable[Check]) -> set[str]:
    """Ids of the measurements whose flagged replies people read."""
    return {check.own for check in checks if isinstance(check, ModelCheck) and check.reviewed}


def review(plan: Plan, measurement: Measurement, evidence: Evidence, answers: list[Answer]) -> str | None:
    """Put what people said into the evidence, and the replies nobody has read into the sheet. What is left, in words.

    Raises:
        ConfigError: mistakes in the sheet.
        WriteError: it cannot be written.
    """
    judge = plan.judge_of(measurement.benchmark)
    path = getattr(plan.loaded.suite.judges[judge], "review", None) if judge else None
    if path is None:
        return None
    file = resolve(plan.loaded.path.parent, path)
    sheet = SheetJudge(file)
    flagged = [answer for answer in answers if evidence.scores[answer.sample.id][answer.response.k].label == FLAGGED]
    unread = 0
    for answer in flagged:
        said = sheet.verdict(answer.sample, answer.response)
        unread += said is None
        row, k = evidence.scores[answer.sample.id], answer.response.k
        confirmed = replace(row[k], confirmed=None if said is None else said == FLAGGED)
        evidence.scores[answer.sample.id] = (*row[:k], confirmed, *row[k + 1 :])
    append_answers(file, ((measurement.model, answer) for answer in flagged))
    if not unread:
        return None
    todo = "fill in verdict and reviewer, then run again"
    return f"{measurement.id}: {unread} flagged replies are to be read in {file}: {todo}"
