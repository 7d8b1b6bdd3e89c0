"""A waiver covers a failure as bad as it says, and nothing else."""

import datetime

import pytest

from dsafe_runner.records import Status, Verdict
from dsafe_runner.suite.spec import Waiver
from dsafe_runner.suite.waivers import waiver_mistakes
from dsafe_runner.verdicts.waivers import Result, settle

TODAY = datetime.date(2026, 11, 24)
CHECK = "m::b/overall[acc-min]"


def waiver(**more):
    return Waiver(**{"check": CHECK, "reason": "known since the distillation", "owner": "wang", "value": 0.43, **more})


def verdict(status, stands="INCONCLUSIVE", worst=False):
    """A verdict; of a failure, how it stands to what is excused."""
    excuse = {"value": 0.43, "stands": stands, "open": False, "worst": worst}
    details = {"excuse": excuse} if status is Status.FAIL else {}
    return Verdict(CHECK, status, "acc 0.430 < 0.75 (needs 75 of 100, has 43)", details=details)


def test_it_covers_a_failure():
    result, line = settle(verdict(Status.FAIL), waiver(until=TODAY), TODAY)
    assert result is Result.WAIVED
    assert line.endswith("; waived until 2026-11-24: known since the distillation (owner wang)")


def test_it_does_not_cover_what_is_proven_worse():
    result, line = settle(verdict(Status.FAIL, "FAIL"), waiver(until=TODAY), TODAY)
    assert result is Result.FAILED
    assert line.endswith("its waiver excuses 0.43, and this is proven worse (owner wang)")


def test_it_covers_what_has_become_better_unless_it_would_cover_anything():
    assert settle(verdict(Status.FAIL, "PASS"), waiver(until=TODAY), TODAY)[0] is Result.WAIVED
    result, line = settle(verdict(Status.FAIL, "PASS", worst=True), waiver(until=TODAY), TODAY)
    assert result is Result.FAILED
    assert "excuse what is seen here" in line


def test_without_a_value_it_covers_nothing():
    bare = Verdict(CHECK, Status.FAIL, "acc 0.430 < 0.75")
    assert settle(bare, waiver(permanent=True, value=None), TODAY)[0] is Result.FAILED


def test_a_permanent_one_never_goes_red_by_the_calendar():
    assert settle(verdict(Status.FAIL), waiver(permanent=True), datetime.date(2099, 1, 1))[0] is Result.WAIVED


def test_an_expired_one_fails():
    result, line = settle(verdict(Status.FAIL), waiver(until=TODAY - datetime.timedelta(1)), TODAY)
    assert result is Result.FAILED
    assert "its waiver expired on 2026-11-23" in line


def test_one_on_a_passing_check_fails():
    result, line = settle(verdict(Status.PASS), waiver(permanent=True), TODAY)
    assert result is Result.FAILED
    assert line.startswith("passes, but is waived")


def test_missing_evidence_is_never_waived():
    assert settle(verdict(Status.INCONCLUSIVE), waiver(permanent=True), TODAY)[0] is Result.INCONCLUSIVE


def test_without_one_the_verdict_stands():
    assert settle(verdict(Status.PASS), None, TODAY)[0] is Result.PASSED
    assert settle(verdict(Status.FAIL), None, TODAY)[0] is Result.FAILED


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"until": datetime.date(2027, 11, 26)}, "more than a year ahead"),
        ({}, "has no end"),
        ({"permanent": True, "until": TODAY}, "has an end and is permanent"),
        ({"permanent": True, "reason": " \u3000 "}, "has a blank reason"),
        ({"permanent": True, "owner": "--"}, "has a blank owner"),
        ({"permanent": True, "check": "*"}, "would cover every check"),
        ({"permanent": True, "check": "*::*/*[*-*]"}, "would cover every check"),
        ({"permanent": True, "value": None}, "does not say which value it excuses"),
        ({"permanent": True, "check": "m::*"}, "is a pattern with one value for all checks"),
    ],
)
def test_what_cannot_be_meant_is_a_mistake(more, line):
    found = list(waiver_mistakes(0, waiver(**more), lambda *loc: ("x.yaml", 1, 1), TODAY))
    assert [line in mistake.what for mistake in found] == [True]


def test_a_year_ahead_is_not_too_far():
    ahead = waiver(until=datetime.date(2027, 11, 24))
    assert not list(waiver_mistakes(0, ahead, lambda *loc: ("x.yaml", 1, 1), TODAY))
