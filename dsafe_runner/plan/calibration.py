"""What judges must prove on labelled replies: each limit of a judge's `calibration` is a check of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from dsafe_runner.errors import DataError, Mistake, UnavailableError
from dsafe_runner.judges.base import Judge
from dsafe_runner.judges.calibration import CalibrationSet, load_calibration
from dsafe_runner.plan.checks import CalibrationCheck
from dsafe_runner.plan.ids import CALIBRATION, judge_subject
from dsafe_runner.plan.shape import Measurement, Plan
from dsafe_runner.plan.subjects import judge_sampling, resolve
from dsafe_runner.records import OVERALL
from dsafe_runner.suite.spec import BenchmarkUse, LoadedSuite, Suite
from dsafe_runner.vocabulary import ACCURACY, KAPPA

_METRICS = {f"min_{metric.name}": metric.name for metric in (KAPPA, ACCURACY)}
"""Limit of a calibration -> its metric."""


def open_calibrations(loaded: LoadedSuite, mistakes: list[Mistake]) -> dict[str, CalibrationSet]:
    """The labelled replies of every judge that has a `calibration`."""
    found = {}
    for name, judge in loaded.suite.judges.items():
        if judge.calibration is None:
            continue
        path = judge.calibration.path
        try:
            found[name] = load_calibration(resolve(loaded.path.parent, path) if path else None)
        except (DataError, UnavailableError) as error:
            at = loaded.where("judges", name, "calibration", "path")
            mistakes.extend(Mistake(*at, line) for line in str(error).splitlines())
        if all(getattr(judge.calibration, key) is None for key in _METRICS):
            at = loaded.where("judges", name, "calibration")
            mistakes.append(Mistake(*at, "calibration without a limit", f"add {' or '.join(_METRICS)}"))
    return found


def calibration_only(plan: Plan, name: str, replies: CalibrationSet) -> Plan:
    """A plan that does nothing but hold one judge against labelled replies."""
    check = CalibrationCheck(
        judge=name,
        slice=OVERALL,
        metric=KAPPA.name,
        limit=-1.0,
        n=len(replies.replies),
        where=plan.loaded.where("judges", name),
    )
    measurement = calibration_measurement(plan.loaded, name, plan.judges[name])
    return replace(
        plan,
        checks=(check,),
        measurements={measurement.id: measurement},
        calibrations={name: replies},
        baselines={},
        waived={},
    )


def calibrated(judge: str | None, suite: Suite) -> bool:
    """Whether the suite has labelled replies that a judge is held against."""
    return judge is not None and judge in suite.judges and suite.judges[judge].calibration is not None


def nobody_has_labelled(use: BenchmarkUse, suite: Suite) -> bool:
    """Whether a benchmark is read by a judge without labelled replies.

    People need none, and the replies to tiny/* are made to be unmistakable for the embedded rules.
    """
    judge = suite.judges.get(use.judge or "")
    if judge is None or judge.kind == "sheet" or judge.calibration is not None:
        return False
    return not (judge.kind == "rules" and use.use.startswith("tiny/"))


def calibration_measurement(loaded: LoadedSuite, name: str, judge: Judge) -> Measurement:
    """One verdict of a judge on every labelled reply."""
    return Measurement(judge_subject(name), CALIBRATION, judge_sampling(loaded, name, judge), samples=1)


def calibration_checks(loaded: LoadedSuite, calibrations: Mapping[str, CalibrationSet]) -> Iterable[CalibrationCheck]:
    """The checks of all judges, in suite order."""
    for name, replies in calibrations.items():
        for key, metric in _METRICS.items():
            limit = getattr(loaded.suite.judges[name].calibration, key)
            if limit is not None:
                yield CalibrationCheck(
                    judge=name,
                    slice=OVERALL,
                    metric=metric,
                    limit=float(limit),
                    n=len(replies.replies),
                    where=loaded.where("judges", name, "calibration", key),
                )
