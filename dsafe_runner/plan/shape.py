"""What a suite asks for: Checks to decide, and the Measurements they read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from dsafe_runner.benchmarks.base import Benchmark, Offer, Varied
from dsafe_runner.judges.base import Judge
from dsafe_runner.judges.calibration import CalibrationSet
from dsafe_runner.plan.baseline import Baseline
from dsafe_runner.plan.checks import Check, GuardCheck
from dsafe_runner.plan.ids import judge_in, measurement_id, training_in
from dsafe_runner.plan.published import Published
from dsafe_runner.records import Sample, Sampling
from dsafe_runner.suite.names import level_of
from dsafe_runner.suite.spec import LoadedSuite
from dsafe_runner.vocabulary import metric_named


@dataclass(frozen=True, slots=True)
class Measurement:
    """All responses of one model to one benchmark: `samples` responses to every item."""

    model: str
    benchmark: str
    sampling: Sampling
    samples: int

    @property
    def id(self) -> str:
        """`<model>::<benchmark>`, unique in a suite."""
        return measurement_id(self.model, self.benchmark)

    @property
    def of_overlap(self) -> str | None:
        """The name of the training file that is compared with the benchmarks, else None."""
        return training_in(self.model)

    @property
    def of_judge(self) -> str | None:
        """The judge's name where the labelled replies of a calibration are measured, else None."""
        return judge_in(self.model)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a suite asks for.

    benchmarks, judges  by the names the suite gives them
    calibrations        judge -> the labelled replies it is held against
    baselines           what checks compare with besides models
    waived              check id -> index of its waiver
    remarks             what the suite leaves without a check, one line each
    """

    loaded: LoadedSuite
    checks: tuple[Check, ...]
    measurements: dict[str, Measurement]
    benchmarks: dict[str, Benchmark]
    judges: dict[str, Judge] = field(default_factory=dict)
    calibrations: dict[str, CalibrationSet] = field(default_factory=dict)
    baselines: dict[str, Baseline | Published] = field(default_factory=dict)
    waived: dict[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def offer(self, benchmark: str) -> Offer:
        """The offer behind a benchmark name of this suite."""
        return self.benchmarks[benchmark].offer

    def asked(self, benchmark: str, sample: Sample, k: int) -> Sample:
        """An item as it is asked the k-th time."""
        opened = self.benchmarks[benchmark]
        return opened.variant(sample, k, self.loaded.suite.seed) if isinstance(opened, Varied) else sample

    def judge_of(self, benchmark: str) -> str | None:
        """Name of the judge that reads the answers of a benchmark, None where it grades itself."""
        use = self.loaded.suite.benchmarks.get(benchmark)
        return use.judge if use else None

    def judges_thinking(self, benchmark: str) -> bool:
        """Whether some check wants the thinking judged too."""
        return any(check.benchmark == benchmark and metric_named(check.metric).thinking for check in self.checks)

    def family(self, model: str) -> tuple[GuardCheck, ...]:
        """All guards of a model: fixed by the suite, whatever was selected."""
        return tuple(check for check in self.checks if isinstance(check, GuardCheck) and check.model == model)

    def needed(self, checks: Iterable[Check]) -> dict[str, Measurement]:
        """The measurements some checks read, in suite order; with all checks, also those that are only reported."""
        chosen = list(checks)
        wanted = {m for check in chosen for m in check.measurements}
        if {check.id for check in chosen} >= {check.id for check in self.checks}:
            wanted |= {key for key, measurement in self.measurements.items() if self._reported(measurement.benchmark)}
        return {key: value for key, value in self.measurements.items() if key in wanted}

    def _reported(self, benchmark: str) -> bool:
        use = self.loaded.suite.benchmarks.get(benchmark)
        return use is not None and use.report


def level(slice_name: str, offer: Offer) -> str:
    """`overall`, `area`, `category` or `extra`, told by the name."""
    return "extra" if slice_name in offer.extra else level_of(slice_name)
