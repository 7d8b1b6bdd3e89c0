"""The kinds of check, a class for each: what it is about, and what its verdict needs to know, as fields."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import ClassVar

from dsafe_runner.plan.ids import CALIBRATION, OVERLAP, calibrating, judge_subject, measurement_id, training_subject
from dsafe_runner.vocabulary import METRICS, Rule, metric_named, rule_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(ABC):
    """One decision: a metric on a slice, held against a limit or guarded against a drop.

    limit       of the metric, or of its change; 0 for a guard, which has none
    n           items of the slice times responses per item
    where       file, line and column of the limit in the suite
    confidence  how sure the verdict has to be, one-sided; of a guard: of its whole family
    """

    slice: str
    metric: str
    rule: Rule
    limit: float
    n: int
    where: tuple[str, int, int]
    confidence: float = 0.95

    role: ClassVar[str] = "gate"
    """`gate`: must be proven inside its limit. `guard`: fails only on a proven drop."""
    counts: ClassVar[bool] = False
    """Whether its value is a number of samples and no rate."""

    @property
    @abstractmethod
    def model(self) -> str:
        """The model that is decided on, or what stands in its place in ids."""

    @property
    @abstractmethod
    def benchmark(self) -> str:
        """The benchmark it is measured on, or what stands in its place in ids."""

    @property
    def versus(self) -> str | None:
        """The model or baseline that it is compared with."""
        return None

    @property
    def other(self) -> str | None:
        """Id of the reference's measurement, None where there is none that has items."""
        return None

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
    def measurements(self) -> tuple[str, ...]:
        """Ids of all measurements it reads."""
        return (self.own,)

    def excusing(self, value: float) -> Check:
        """The check that asks for no more than a value (of a comparison: a change) that is excused."""
        return replace(self, limit=-value if self.rule.down else value)

    def keeps(self, value: float) -> bool:
        """Whether a value (of a comparison: a change) is inside the limit."""
        return self.rule.holds(value, self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationCheck(Check):
    """A judge has to be proven to agree with the labels of the replies it is held against."""

    judge: str
    rule: Rule = field(default=Rule.MIN, init=False)

    @property
    def model(self) -> str:
        """What stands for the judge in ids."""
        return judge_subject(self.judge)

    @property
    def benchmark(self) -> str:
        """What stands for its labelled replies in ids."""
        return CALIBRATION


@dataclass(frozen=True, slots=True, kw_only=True)
class ContaminationCheck(Check):
    """At most so many samples of a training file may hold an item of a benchmark."""

    training: str
    rule: Rule = field(default=Rule.MAX, init=False)
    counts: ClassVar[bool] = True

    @property
    def model(self) -> str:
        """What stands for the training file in ids."""
        return training_subject(self.training)

    @property
    def benchmark(self) -> str:
        """What stands for the benchmarks in ids."""
        return OVERLAP


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCheck(Check):
    """What gates and guards share: a model's answers to a benchmark.

    versus      a model or a baseline of the suite
    published   versus is a table of counts, so there are no items to compare
    judge       the judge of a judged metric
    calibrated  that judge is held against labelled replies, which are part of the verdict
    proofs      what that judge has to prove on its labelled replies before anything can pass on its word
    unlabelled  nobody has held its judge against labelled replies, so nothing can pass on its word
    reviewed    a person confirms the replies that count
    """

    # `field()` because a dataclass would take the property above for a default
    model: str = field()
    benchmark: str = field()
    versus: str | None = field(default=None)
    published: bool = False
    judge: str = ""
    calibrated: bool = False
    proofs: tuple[CalibrationCheck, ...] = ()
    unlabelled: bool = False
    reviewed: bool = False

    @property
    def cells(self) -> str:
        """The slice as evidence knows it."""
        return self.slice

    @property
    def calibration(self) -> str | None:
        """Id of the measurement that tells how well its judge judges."""
        return calibrating(self.judge) if self.calibrated else None

    @property
    def corrected(self) -> bool:
        """Whether labelled replies tell how often the judge errs in this metric; of thinking there are none."""
        return self.calibrated and not metric_named(self.metric).thinking

    @property
    def other(self) -> str | None:
        """Id of the reference's measurement, None where there is none that has items."""
        return measurement_id(self.versus, self.benchmark) if self.versus and not self.published else None

    @property
    def measurements(self) -> tuple[str, ...]:
        """Ids of all measurements it reads."""
        return tuple(filter(None, (self.own, self.other, self.calibration)))


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCheck(ModelCheck):
    """A metric, or its change, has to be proven inside a limit.

    uncertainty  what the verdict is about: items, samples or none
    """

    uncertainty: str = "items"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardCheck(ModelCheck):
    """A metric must not be proven to have become worse, among all guards of its model.

    tripwire  a drop larger than this fails in any case
    pool      pooled with others where it has too few items
    parts     the slices that are pooled in this one
    """

    rule: Rule = field(default=Rule.GUARD, init=False)
    limit: float = field(default=0.0, init=False)
    tripwire: float | None = None
    pool: bool = False
    parts: tuple[str, ...] = ()
    role: ClassVar[str] = "guard"

    @property
    def cells(self) -> str:
        """The slice as evidence knows it: pooled ones joined by `+`, which no name of a slice has."""
        return "+".join(self.parts) or self.slice

    def excusing(self, value: float) -> GateCheck:
        """The gate on the same change; as guards are, about items like these, whatever the judge is worth."""
        rule = rule_of(higher=METRICS[self.metric].higher_is_better, relative=True, at_least=False)
        return GateCheck(
            slice=self.cells,
            metric=self.metric,
            rule=rule,
            limit=-value if rule.down else value,
            n=self.n,
            where=self.where,
            confidence=self.confidence,
            model=self.model,
            benchmark=self.benchmark,
            versus=self.versus,
            published=self.published,
            judge=self.judge,
            unlabelled=self.unlabelled,
            reviewed=self.reviewed,
        )

    def keeps(self, value: float) -> bool:
        """Whether a change is none for the worse."""
        return self.excusing(value).limit <= 0.0
