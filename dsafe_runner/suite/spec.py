"""What a suite file says, once it has been read: frozen, strict, nothing unknown allowed.

Field descriptions become the JSON Schema that editors show, so they are written for the person typing the suite.
Cross-references (does this model exist?) are checked in `names.py`, positions are added by `config.py`.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from dsafe_runner.config.strict import Strict
from dsafe_runner.suite.models import (
    NAME_PATTERN,
    Calibration,
    Checkpoint,
    Engine,
    Judge,
    LlmJudge,
    Model,
    Name,
    OpenAIEngine,
    Rate,
    ReplayEngine,
    RulesJudge,
    SheetJudge,
    TransformersEngine,
    VllmEngine,
)
from dsafe_runner.vocabulary import METRICS

__all__ = [
    "NAME_PATTERN",
    "Baseline",
    "BenchmarkUse",
    "Calibration",
    "Checkpoint",
    "Engine",
    "Judge",
    "LlmJudge",
    "LoadedSuite",
    "Model",
    "Name",
    "OpenAIEngine",
    "Policy",
    "ReplayEngine",
    "RulesJudge",
    "SamplingSpec",
    "SheetJudge",
    "Suite",
    "Threshold",
    "TransformersEngine",
    "Uncertainty",
    "VllmEngine",
    "Waiver",
    "Window",
]

Difference = Annotated[float, Field(ge=0.0, le=1.0)]
Confidence = Annotated[float, Field(gt=0.5, lt=1.0)]


class SamplingSpec(Strict):
    """Sampling; what is not said comes from the model (greedy, or 0.6 / 0.95 for reasoning models)."""

    temperature: Annotated[float, Field(ge=0.0, le=5.0)] | None = None
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="New tokens, thinking included."
    )


class Window(Strict):
    """Days of contests, both included."""

    since: datetime.date | None = Field(default=None, description="First day (YYYY-MM-DD).")
    until: datetime.date | None = Field(default=None, description="Last day (YYYY-MM-DD).")


class BenchmarkUse(Strict):
    """A benchmark under the name this suite gives it."""

    use: str = Field(
        min_length=1, description="tiny/mcq, starter/refusal, chisafetybench/mcq, custom ...; `dsafe data` lists them."
    )
    judge: Name | None = Field(default=None, description="One of `judges`; needed by refusal and benign sets.")
    samples: Annotated[int, Field(ge=1, le=1024)] = Field(default=1, description="Responses drawn per item.")
    sampling: SamplingSpec = SamplingSpec()
    scoring: Literal["generate", "letters"] = Field(
        default="generate", description="letters: no text is generated, the most probable option letter counts."
    )
    key: str | None = Field(
        default=None, description="chisafetybench/mcq: consensus, literal, positive-reading, or a file."
    )
    path: str | None = Field(
        default=None, description="custom, tc260/*: a .jsonl or .csv file of yours, relative to this suite."
    )
    system_turn: Literal["keep", "drop"] | None = Field(
        default=None, description="chisafetybench/refusal-history: keep (default) or drop the published system turn."
    )
    window: Window | None = Field(default=None, description="livecodebench/*: only problems of contests on these days.")
    draw: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="tc260/*: questions drawn from the bank; the standard's least number unless said."
    )
    draw_seed: int | None = Field(default=None, description="tc260/*: which ones; 0 unless said, and recorded.")
    report: bool = Field(
        default=False, description="Measured with the whole suite and reported, also where no threshold names it."
    )


class Baseline(Strict):
    """What a candidate is compared with instead of a model of this suite."""

    path: str = Field(
        min_length=1,
        description="A file of `dsafe baseline save` or of published counts, relative to this file; or paper/<model>, "
        "the counts of the DeepSeek safety study.",
    )


class TrainingOverlap(Strict):
    """Training samples that must not hold items of the benchmarks they are judged by."""

    training: str = Field(min_length=1, description="The samples (.jsonl), relative to this file.")
    max: Annotated[int, Field(ge=0)] = Field(default=0, description="Samples that may overlap.")
    benchmarks: list[Name] | None = Field(default=None, description="Of `benchmarks`; all of them unless said.")


Uncertainty = Literal["items", "samples", "none"]

_MORE = ", ".join(one.name for one in METRICS.values() if one.higher_is_better)
_LESS = ", ".join(one.name for one in METRICS.values() if not one.higher_is_better)
_REVIEWED = ", ".join(one.name for one in METRICS.values() if one.reviewable)


class Threshold(Strict):
    """A limit on one metric of one benchmark. Several limits in one entry give several checks."""

    benchmark: Name
    metric: str = Field(min_length=1, description=", ".join(METRICS))
    model: Name | list[Name] = Field(description="One of `models`, or a list.")
    per: list[Literal["overall", "area", "category"]] | None = Field(
        default=None, description="One check per slice of these levels."
    )
    slices: list[str] | None = Field(default=None, description="One check for each of these slices.")
    min: Rate | None = Field(default=None, description="At least this rate.")
    max: Rate | None = Field(default=None, description="At most this rate.")
    versus: Name | None = Field(default=None, description="The model, or one of `baselines`, compared with.")
    max_drop: Difference | None = Field(default=None, description=f"{_MORE}: at most this far below `versus`.")
    min_gain: Difference | None = Field(default=None, description=f"{_MORE}: at least this far above `versus`.")
    max_rise: Difference | None = Field(default=None, description=f"{_LESS}: at most this far above `versus`.")
    min_fall: Difference | None = Field(default=None, description=f"{_LESS}: at least this far below `versus`.")
    role: Literal["gate", "guard"] = Field(
        default="gate",
        description="gate: must be proven inside its limit. guard: no limit; fails on a drop against `versus` that is "
        "proven across all guards of the model.",
    )
    tripwire: Difference | None = Field(
        default=None, description="guard: a drop larger than this fails whatever the other guards say."
    )
    pool: Literal["area"] | None = Field(
        default=None,
        description="guard: slices of too few items to show that all were lost are guarded together, those of an area "
        "as `<area>.pooled`, else by the guard of the area or of everything. Looks at item counts only.",
    )
    uncertainty: Uncertainty | None = Field(
        default=None,
        description="What the limit is about. items: items like these (the policy's default); samples: these items, "
        "asked again; none: this run.",
    )
    confidence: Confidence | None = Field(default=None, description="Of this check instead of the policy's.")
    review: Literal["flagged"] | None = Field(
        default=None,
        description=f"{_REVIEWED}: a person reads every reply the judge flags; a run writes the sheet, the next one "
        "decides.",
    )


class Policy(Strict):
    """What counts as evidence."""

    on_inconclusive: Literal["fail", "skip"] = Field(
        default="fail", description="How pytest reports an INCONCLUSIVE check."
    )
    max_missing: Rate = Field(default=0.01, description="Over this share of missing responses a check cannot pass.")
    max_no_answer: Rate = Field(
        default=0.05,
        description="Over this share of truncated and unanswered responses, on either side, accuracy is INCONCLUSIVE.",
    )
    confidence: Confidence = Field(
        default=0.95, description="How sure a PASS or a FAIL is, each by itself (one-sided); of printed bounds too."
    )
    guard_error: Annotated[float, Field(ge=0.001, le=0.5)] = Field(
        default=0.05,
        description="How often any of a model's guards may fail though nothing has dropped. With less they see less.",
    )
    uncertainty: Uncertainty = Field(
        default="items",
        description="What limits are about: items like these, samples (these items, asked again), or none (this run).",
    )
    stop: Literal["full", "certain"] = Field(
        default="full",
        description="certain: stop asking when no missing answer could change any verdict; such a run is no baseline.",
    )
    fail_fast: bool = Field(default=False, description="With stop: certain: stop at a model's first certain failure.")


class Waiver(Strict):
    """A known failure somebody has taken responsibility for, as bad as it is now; `dsafe waive` writes it."""

    check: str = Field(min_length=1, description="A check id, or a pattern with * ? (brackets are literal).")
    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    until: datetime.date | None = Field(
        default=None, description="Last day it holds (YYYY-MM-DD), at most a year ahead."
    )
    permanent: bool = Field(default=False, description="Holds for ever; say why in `reason`.")
    value: float | dict[str, float] | None = Field(
        default=None,
        description="What it excuses: the rate, or for a comparison the change, that the check had when somebody took "
        "responsibility for it; for a pattern one per check id. Proven worse than that fails.",
    )

    def value_of(self, check_id: str) -> float | None:
        """The value excused of a check; None where the waiver names none."""
        return self.value.get(check_id) if isinstance(self.value, dict) else self.value


class Suite(Strict):
    """A whole suite file, includes merged."""

    suite: Name = Field(description="The suite's name.")
    seed: int = Field(default=0, description="All sampling seeds derive from it.")
    engines: dict[Name, Engine] = Field(min_length=1)
    models: dict[Name, Model] = Field(min_length=1)
    judges: dict[Name, Judge] = Field(default={})
    benchmarks: dict[Name, BenchmarkUse] = Field(min_length=1)
    baselines: dict[Name, Baseline] = Field(default={})
    overlap: dict[Name, TrainingOverlap] = Field(default={})
    thresholds: list[Threshold] = Field(min_length=1)
    policy: Policy = Policy()
    waivers: list[Waiver] = Field(default=[])


class LoadedSuite:
    """A Suite, where it was read, and where each of its values stands.

    positions maps a loc tuple, e.g. ("thresholds", 3, "max"), to (file, line, column); file is the including or the
    included one.
    """

    def __init__(
        self, suite: Suite, path: Path, positions: dict[tuple[Any, ...], tuple[str, int, int]], sha256: str
    ) -> None:
        self.suite = suite
        self.path = path
        self.positions = positions
        self.sha256 = sha256

    def where(self, *loc: str | int) -> tuple[str, int, int]:
        """File, line and column of a value; the nearest enclosing one where it has none of its own."""
        key: tuple[Any, ...] = tuple(loc)
        while key and key not in self.positions:
            key = key[:-1]
        return self.positions.get(key, (str(self.path), 1, 1))
