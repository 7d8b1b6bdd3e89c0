"""The verdict on training samples that hold benchmark items: a count, nothing is estimated."""

from __future__ import annotations

from dsafe_runner.plan import ContaminationCheck
from dsafe_runner.records import Estimate, Outcome, Status, Verdict
from dsafe_runner.verdicts.evidence import Evidence

LISTED = 20
"""Ids a verdict names; `dsafe overlap` names all, with the items."""


def overlap_verdict(check: ContaminationCheck, evidence: Evidence) -> Verdict:
    """FAIL where more samples overlap than the suite allows.

    Raises:
        EvidenceError: there are no samples.
    """
    rows = [(item, score) for item in evidence.items(check.slice) for score in evidence.scores[item]]
    found = [item for item, score in rows if score.outcome is not Outcome.RIGHT]
    k, n, most = len(found), len(rows), int(check.limit)
    which = f": {', '.join(found[:LISTED])}" + (f" and {k - LISTED} more" if k > LISTED else "") if found else ""
    reason = f"{k} of {n} training samples hold a benchmark item, allowed {most}{which}"
    status = Status.PASS if k <= most else Status.FAIL
    estimate = Estimate(k, n, k / n, k / n, k / n, check.confidence)
    details = {"role": "gate", "uncertainty": "none", "confidence": check.confidence}
    return Verdict(check.id, status, reason, estimate=estimate, details=details)
