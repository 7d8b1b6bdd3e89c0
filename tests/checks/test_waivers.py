"""A waiver covers a failure and nothing else."""

import datetime

from dsafe_runner.checks.waivers import Result, settle
from dsafe_runner.records import Status, Verdict
from dsafe_runner.suite.spec import Waiver

TODAY = datetime.date(2026, 11, 24)


def waiver(**more):
    return Waiver(check="m::b/overall[acc-min]", reason="known since the distillation", owner="wang", **more)


def verdict(status):
    return Verdict("m::b/overall[acc-min]", status, "acc 0.430 < 0.75 (needs 75 of 100, has 43)")


def test_it_covers_a_failure():
    result, line = settle(verdict(Status.FAIL), waiver(until=TODAY), TODAY)
    assert result is Result.WAIVED
    assert line.endswith("waived until 2026-11-24: known since the distillation (owner wang)")


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
