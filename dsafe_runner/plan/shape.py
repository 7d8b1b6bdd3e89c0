"""What a suite asks for: Checks to decide, and the Measurements they read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from dsafe_runner.benchmarks.base import Benchmark, Offer, Varied
from dsafe_runner.judges.base import Judge
from dsafe_runner.judges.calibration import CalibrationSet
from dsafe_runner.plan.baseline import Baseline
from dsafe_runner.plan.published import Published
from dsafe_runner.records import Sample, Sampling
from dsafe_runner.suite.names import level_of
from dsafe_runner.suite.spec import LoadedSuite
from dsafe_runner.vocabulary import Rule, metric_named

JUDGE = "judge."
"""What the name of a judge starts with where it stands beside the models."""


OVERLAP_OF = "overlap."
"""What the name of a training file starts with where it stands beside the models."""
OVERLAP = "overlap"
"""What stands for a benchmark where training samples are compared with all of them."""
CALIBRATION = "calibration"
"""What the labelled replies of a judge are called where a benchmark's name stands."""


def judge_in(subject: str) -> str | None:
    """The judge's name, of what stands in a model's place for a judge; else None."""
    return subject.removeprefix(JUDGE) if subject.startswith(JUDGE) else None


def measurement_id(model: str, benchmark: str) -> str:
    """`<model>::<benchmark>`, unique in a suite."""
    return f"{model}::{benchmark}"


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
        return self.model.removeprefix(OVERLAP_OF) if self.model.startswith(OVERLAP_OF) else None

    @property
    def of_judge(self) -> str | None:
        """The judge's name where the labelled replies of a calibration are measured, else None."""
        return judge_in(self.model)


@dataclass(frozen=True, slots=True)
class Check:
    """One decision: a metric of a model on a slice of a benchmark, held against a limit or guarded against a drop.

    rule         how the limit is held; of a guard that it is one
    limit        of the metric, or of its change; 0 for a guard, which has none
    versus       a model or a baseline of the suite
    n            items of the slice times responses per item
    where        file, line and column of the limit in the suite
    uncertainty  what the verdict is about: items, samples or none
    confidence   how sure it has to be, one-sided; of a guard: of its whole family
    tripwire     of a guard: a drop larger than this fails in any case
    reviewed     a person confirms the replies that count
    published    versus is a table of counts, so there are no items to compare
    calibration  measurement that tells how well the judge of a judged metric judges
    judge        the judge of a judged metric
    proofs       what that judge has to prove on its labelled replies before anything can pass on its word
    pool         too few items of a guard are pooled
    parts        the slices that are pooled in this one
    unlabelled   nobody has held its judge against labelled replies, so nothing can pass on its word
    """

    model: str
    benchmark: str
    slice: str
    metric: str
    rule: Rule
    limit: float
    versus: str | None
    n: int
    where: tuple[str, int, int]
    uncertainty: str = "items"
    confidence: float = 0.95
    tripwire: float | None = None
    reviewed: bool = False
    published: bool = False
    calibration: str | None = None
    judge: str = ""
    proofs: tuple[Check, ...] = ()
    unlabelled: bool = False
    pool: bool = False
    parts: tuple[str, ...] = ()

    @property
    def cells(self) -> str:
        """The slice as evidence knows it: pooled ones joined by `+`, which no name of a slice has."""
        return "+".join(self.parts) or self.slice

    @property
    def corrected(self) -> bool:
        """Whether labelled replies tell how often the judge errs in this metric; of thinking there are none."""
        return self.calibration is not None and not metric_named(self.metric).thinking

    @property
    def role(self) -> str:
        """`gate`: must be proven inside its limit. `guard`: fails only on a proven drop."""
        return "guard" if self.rule is Rule.GUARD else "gate"

    @property
    def rule_id(self) -> str:
        """`<metric>-<rule>` or `<metric>-<rule>.vs.<model>`; `pass@1` becomes `pass-at-1`: `@` breaks `pytest -k`."""
        vs = f".vs.{self.versus}" if self.versus else ""
        return f"{self.metric.replace('@', '-at-')}-{self.rule}{vs}"

    @property
    def name(self) -> str:
        """The part of the id below the model: `<benchmark>/<slice>[<metric>-<rule>]`."""
        return f"{self.benchmark}/{self.slice}[{self.rule_id}]"

    @property
    def id(self) -> str:
        """`<model>::<benchmark>/<slice>[<metric>-<rule>]`, unique in a suite."""
        return f"{self.model}::{self.name}"

    @property
    def own(self) -> str:
        """Id of the candidate's measurement."""
        return measurement_id(self.model, self.benchmark)

    @property
    def other(self) -> str | None:
        """Id of the reference's, None where there is none that has items."""
        return measurement_id(self.versus, self.benchmark) if self.versus and not self.published else None

    @property
    def measurements(self) -> tuple[str, ...]:
        """Ids of all measurements it reads."""
        return tuple(filter(None, (self.own, self.other, self.calibration)))


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

    def family(self, model: str) -> tuple[Check, ...]:
        """All guards of a model: fixed by the suite, whatever was selected."""
        return tuple(check for check in self.checks if check.rule is Rule.GUARD and check.model == model)

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
