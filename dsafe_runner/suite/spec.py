"""What a suite file says, once it has been read: frozen, strict, nothing unknown allowed.

Field descriptions become the JSON Schema that editors show, so they are written for the person typing the suite.
Cross-references (does this model exist?) are checked in `names.py`, positions are added by `config.py`.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Rate = Annotated[float, Field(ge=0.0, le=1.0)]
Difference = Annotated[float, Field(ge=0.0, le=1.0)]
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=80)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", validate_default=True)


class Engine(_Strict):
    """Who answers."""

    backend: Literal["transformers"] = Field(description="The library that runs the model.")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="auto: float32 on CPU (batch-invariant), bfloat16 on a GPU."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="auto: a GPU where torch sees one, else CPU."
    )
    context_length: Annotated[int, Field(ge=16)] | None = Field(
        default=None, description="Tokens; the model's own unless said."
    )
    max_batch_tokens: Annotated[int, Field(ge=64)] = Field(
        default=65536, description="Prompt plus new tokens of one batch, padding included."
    )
    max_batch_size: Annotated[int, Field(ge=1)] = Field(default=32, description="Requests of one batch.")
    threads: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="CPU threads of one engine process; all of them unless said. Fewer lets models run side by side.",
    )
    attention: Literal["sdpa", "eager", "flash_attention_2"] = Field(
        default="sdpa", description="Attention implementation."
    )


class Model(_Strict):
    """One checkpoint under test, or a reference."""

    path: str = Field(min_length=1, description="A folder (./, ../, / or ~, relative to this file) or a hub id.")
    stage: Literal["base", "distilled", "safe", "other"] = Field(
        default="other", description="Its place in the training story."
    )
    engine: Name = Field(description="One of `engines`.")
    reasoning: Literal["deepseek-r1"] | None = Field(
        default=None, description="The format of its thinking: everything before </think> is not part of the answer."
    )
    revision: str | None = Field(default=None, description="Hub revision (commit, tag); ignored for folders.")
    chat_template_kwargs: dict[str, str | int | bool] = Field(default={}, description="Passed to the chat template.")
    system_prompt: str | None = Field(
        default=None, description="Put before every conversation that has no system turn."
    )
    trust_remote_code: bool = Field(default=False, description="Run Python code that comes with the checkpoint.")
    allow_pickle: bool = Field(default=False, description="Accept weights that are not safetensors.")


class Judge(_Strict):
    """Who reads a free-text answer."""

    kind: Literal["rules"] = Field(description="rules: the embedded rules, for short Chinese or English answers.")


class SamplingSpec(_Strict):
    """Sampling; what is not said comes from the model (greedy, or 0.6 / 0.95 for reasoning models)."""

    temperature: Annotated[float, Field(ge=0.0, le=5.0)] | None = None
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="New tokens, thinking included."
    )


class BenchmarkUse(_Strict):
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
    path: str | None = Field(default=None, description="custom: a .jsonl or .csv file, relative to this suite.")


class Threshold(_Strict):
    """A limit on one metric of one benchmark. Several limits in one entry give several checks."""

    benchmark: Name
    metric: str = Field(min_length=1, description="acc, rr-1, rr-2, hr, refusal-rate, pass@1")
    model: Name | list[Name] = Field(description="One of `models`, or a list.")
    per: list[Literal["overall", "area", "category"]] | None = Field(
        default=None, description="One check per slice of these levels."
    )
    slices: list[str] | None = Field(default=None, description="One check for each of these slices.")
    min: Rate | None = Field(default=None, description="At least this rate.")
    max: Rate | None = Field(default=None, description="At most this rate.")
    versus: Name | None = Field(default=None, description="The model compared with.")
    max_drop: Difference | None = Field(
        default=None, description="acc, rr-1, rr-2, pass@1: at most this far below `versus`."
    )
    min_gain: Difference | None = Field(
        default=None, description="acc, rr-1, rr-2, pass@1: at least this far above `versus`."
    )
    max_rise: Difference | None = Field(default=None, description="hr, refusal-rate: at most this far above `versus`.")
    min_fall: Difference | None = Field(default=None, description="hr, refusal-rate: at least this far below `versus`.")


class Policy(_Strict):
    """What counts as evidence."""

    on_inconclusive: Literal["fail", "skip"] = Field(
        default="fail", description="How pytest reports an INCONCLUSIVE check."
    )
    max_missing: Rate = Field(default=0.01, description="Over this share of missing responses a check cannot pass.")
    max_no_answer: Rate = Field(
        default=0.05,
        description="Over this share of truncated and unanswered responses, on either side, accuracy is INCONCLUSIVE.",
    )
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = Field(
        default=0.95, description="Of the printed intervals (two-sided)."
    )


class Waiver(_Strict):
    """A known failure somebody has taken responsibility for."""

    check: str = Field(min_length=1, description="A check id, or a pattern with * ? (brackets are literal).")
    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    until: datetime.date | None = Field(default=None, description="Last day it holds (YYYY-MM-DD).")
    permanent: bool = Field(default=False, description="Holds for ever; say why in `reason`.")


class Suite(_Strict):
    """A whole suite file, includes merged."""

    suite: Name = Field(description="The suite's name.")
    seed: int = Field(default=0, description="All sampling seeds derive from it.")
    engines: dict[Name, Engine] = Field(min_length=1)
    models: dict[Name, Model] = Field(min_length=1)
    judges: dict[Name, Judge] = {}
    benchmarks: dict[Name, BenchmarkUse] = Field(min_length=1)
    thresholds: list[Threshold] = Field(min_length=1)
    policy: Policy = Policy()
    waivers: list[Waiver] = []


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
