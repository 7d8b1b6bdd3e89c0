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
Confidence = Annotated[float, Field(gt=0.5, lt=1.0)]
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=80)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", validate_default=True)


class _Local(_Strict):
    """What engines that load weights on this machine share."""

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="auto: float32 on CPU (batch-invariant), bfloat16 on a GPU."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="auto: a GPU where torch sees one, else CPU."
    )
    context_length: Annotated[int, Field(ge=16)] | None = Field(
        default=None, description="Tokens; the model's own unless said."
    )
    threads: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="CPU threads of one engine process; all of them unless said. Fewer lets models run side by side.",
    )


class TransformersEngine(_Local):
    """The embedded engine: runs on any machine, one process and one GPU per model."""

    backend: Literal["transformers"] = Field(description="The library that runs the model.")
    max_batch_tokens: Annotated[int, Field(ge=64)] = Field(
        default=65536, description="Prompt plus new tokens of one batch, padding included."
    )
    max_batch_size: Annotated[int, Field(ge=1)] = Field(default=32, description="Requests of one batch.")
    attention: Literal["sdpa", "eager", "flash_attention_2"] = Field(
        default="sdpa", description="Attention implementation."
    )


class VllmEngine(_Local):
    """vLLM inside an engine process: big models, several GPUs, many responses."""

    backend: Literal["vllm"] = Field(description="The library that runs the model; `dsafe doctor` says if it can here.")
    tensor_parallel_size: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="GPUs one model is spread over."
    )
    batch_invariant: Literal["auto", "require", "off"] = Field(
        default="auto",
        description="Answers independent of what else is in the batch: auto where this GPU can, require or fail.",
    )
    gpu_memory_utilization: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        default=0.9, description="Share of the GPU memory vLLM may take."
    )
    max_num_seqs: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Responses in progress at a time; vLLM's own choice unless said."
    )
    quantization: Name | None = Field(default=None, description="As vLLM names it; the checkpoint's own unless said.")
    enforce_eager: bool = Field(default=False, description="No CUDA graphs or compilation: slower, starts faster.")


class OpenAIEngine(_Strict):
    """One or several servers that speak the OpenAI chat API (vLLM, SGLang, TGI, a vendor's)."""

    backend: Literal["openai"] = Field(description="Any server with /v1/chat/completions.")
    base_urls: Annotated[
        list[Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]], Field(min_length=1, max_length=256)
    ] = Field(description="e.g. http://127.0.0.1:8000/v1; several serve the same model and share the load.")
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = Field(
        default=None, description="NAME of the environment variable that holds the key; never the key itself."
    )
    concurrency: Annotated[int, Field(ge=1, le=8192)] = Field(
        default=64, description="Requests in flight over all URLs together."
    )
    timeout: Annotated[float, Field(gt=0.0)] = Field(default=600.0, description="Seconds one attempt may take.")
    max_attempts: Annotated[int, Field(ge=1, le=100)] = Field(
        default=8, description="Attempts per response before it counts as missing."
    )
    budget: Annotated[float, Field(gt=0.0)] = Field(
        default=3600.0, description="Seconds one response may take, all attempts and waits together."
    )
    context_length: Annotated[int, Field(ge=16)] | None = Field(
        default=None, description="Tokens; what the server says unless said."
    )
    extra_body: dict[str, str | int | float | bool] = Field(
        default={}, description="Further fields of every request, e.g. top_k; servers ignore names they do not know."
    )
    identity: Name | None = Field(
        default=None,
        description="Stands for the URLs in a response's identity: say it where hosts change and the weights do not.",
    )


class ReplayEngine(_Strict):
    """Responses that exist already; a model's `path` is the file or folder that holds them."""

    backend: Literal["replay"] = Field(description="Reads responses from files instead of running a model.")
    format: Literal["auto", "dsafe", "lm-eval"] = Field(
        default="auto", description="Our JSONL, or lm-evaluation-harness --log_samples; auto tells by the rows."
    )
    match: Literal["prompt", "id"] = Field(
        default="prompt",
        description="prompt: a row answers the item whose question its prompt contains. id: rows name the item, and "
        "you vouch that it was asked.",
    )


Engine = Annotated[
    TransformersEngine | VllmEngine | OpenAIEngine | ReplayEngine, Field(discriminator="backend")
]
"""Who answers."""


class Checkpoint(_Strict):
    """A model, and how it is asked."""

    path: str = Field(
        min_length=1,
        description="A folder (./, ../, / or ~, relative to this file) or a hub id; for `openai` the served model's "
        "name, for `replay` the file or folder of responses.",
    )
    engine: Name = Field(description="One of `engines`.")
    reasoning: Literal["deepseek-r1"] | None = Field(
        default=None, description="The format of its thinking: everything before </think> is not part of the answer."
    )
    revision: str | None = Field(
        default=None, description="Hub revision (commit, tag); of a served model, what you call this version of it."
    )
    chat_template_kwargs: dict[str, str | int | bool] = Field(default={}, description="Passed to the chat template.")
    system_prompt: str | None = Field(
        default=None, description="Put before every conversation that has no system turn."
    )
    trust_remote_code: bool = Field(default=False, description="Run Python code that comes with the checkpoint.")
    allow_pickle: bool = Field(default=False, description="Accept weights that are not safetensors.")


class Model(Checkpoint):
    """One checkpoint under test, or a reference."""

    stage: Literal["base", "distilled", "safe", "other"] = Field(
        default="other", description="Its place in the training story."
    )


class Calibration(_Strict):
    """What a judge must prove on labelled replies before it is believed. Each limit is a check of its own."""

    path: str | None = Field(
        default=None, description="Your labelled replies (.jsonl), relative to this file; unless said, the package's."
    )
    min_kappa: Annotated[float, Field(ge=-1.0, le=1.0)] | None = Field(
        default=None, description="Cohen's kappa over the four classes, unscored replies counted as disagreement."
    )
    min_accuracy: Rate | None = Field(default=None, description="Share of the replies that get their label.")


class RulesJudge(_Strict):
    """The embedded rules."""

    kind: Literal["rules"] = Field(description="The embedded rules, for short Chinese or English answers.")
    calibration: Calibration | None = None


class LlmJudge(Checkpoint):
    """A model that reads answers."""

    kind: Literal["llm"] = Field(description="A model reads the answers.")
    template: str = Field(
        min_length=1, description="chisafetybench, chisafetybench-en, guard, harmbench, or a .yaml file of yours."
    )
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="New tokens per verdict; the template's unless said."
    )
    calibration: Calibration | None = None


class SheetJudge(_Strict):
    """People: answers they have read, each with a verdict."""

    kind: Literal["sheet"] = Field(description="People read the answers; `dsafe sheet` writes what they fill in.")
    path: str = Field(
        min_length=1, description="The sheet (.csv), relative to this file. Until it is there, nothing passes."
    )
    calibration: None = Field(default=None, description="People need none.")


Judge = Annotated[RulesJudge | LlmJudge | SheetJudge, Field(discriminator="kind")]
"""Who reads a free-text answer."""


class SamplingSpec(_Strict):
    """Sampling; what is not said comes from the model (greedy, or 0.6 / 0.95 for reasoning models)."""

    temperature: Annotated[float, Field(ge=0.0, le=5.0)] | None = None
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="New tokens, thinking included."
    )


class Window(_Strict):
    """Days of contests, both included."""

    since: datetime.date | None = Field(default=None, description="First day (YYYY-MM-DD).")
    until: datetime.date | None = Field(default=None, description="Last day (YYYY-MM-DD).")


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
    path: str | None = Field(
        default=None, description="custom, tc260/*: a .jsonl or .csv file of yours, relative to this suite."
    )
    system_turn: Literal["keep", "drop"] | None = Field(
        default=None, description="chisafetybench/refusal-history: keep (default) or drop the published system turn."
    )
    window: Window | None = Field(
        default=None, description="livecodebench/*: only problems of contests on these days."
    )
    draw: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="tc260/*: questions drawn from the bank; the standard's least number unless said."
    )
    draw_seed: int | None = Field(default=None, description="tc260/*: which ones; 0 unless said, and recorded.")


class Baseline(_Strict):
    """What a candidate is compared with instead of a model of this suite."""

    path: str = Field(
        min_length=1,
        description="A file of `dsafe baseline save` or of published counts, relative to this file; or paper/<model>, "
        "the counts of the DeepSeek safety study.",
    )


Uncertainty = Literal["items", "samples", "none"]


class Threshold(_Strict):
    """A limit on one metric of one benchmark. Several limits in one entry give several checks."""

    benchmark: Name
    metric: str = Field(
        min_length=1, description="acc, rr-1, rr-2, hr, think-hr, refusal-rate, asr, content-pass, pass@1"
    )
    model: Name | list[Name] = Field(description="One of `models`, or a list.")
    per: list[Literal["overall", "area", "category"]] | None = Field(
        default=None, description="One check per slice of these levels."
    )
    slices: list[str] | None = Field(default=None, description="One check for each of these slices.")
    min: Rate | None = Field(default=None, description="At least this rate.")
    max: Rate | None = Field(default=None, description="At most this rate.")
    versus: Name | None = Field(default=None, description="The model, or one of `baselines`, compared with.")
    max_drop: Difference | None = Field(
        default=None, description="acc, rr-1, rr-2, pass@1: at most this far below `versus`."
    )
    min_gain: Difference | None = Field(
        default=None, description="acc, rr-1, rr-2, pass@1: at least this far above `versus`."
    )
    max_rise: Difference | None = Field(
        default=None, description="hr, asr, refusal-rate: at most this far above `versus`."
    )
    min_fall: Difference | None = Field(
        default=None, description="hr, asr, refusal-rate: at least this far below `versus`."
    )
    role: Literal["gate", "guard"] = Field(
        default="gate",
        description="gate: must be proven inside its limit. guard: no limit; fails on a drop against `versus` that is "
        "proven across all guards of the model.",
    )
    tripwire: Difference | None = Field(
        default=None, description="guard: a drop larger than this fails whatever the other guards say."
    )
    uncertainty: Uncertainty | None = Field(
        default=None,
        description="What the limit is about. items: items like these (the policy's default); samples: these items, "
        "asked again; none: this run.",
    )
    confidence: Confidence | None = Field(default=None, description="Of this check instead of the policy's.")
    review: Literal["flagged"] | None = Field(
        default=None,
        description="hr, asr: a person reads every reply the judge flags; a run writes the sheet, the next one decides.",
    )


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
    confidence: Confidence = Field(
        default=0.95, description="How sure a PASS or a FAIL is, each by itself (one-sided); of printed bounds too."
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
    baselines: dict[Name, Baseline] = {}
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
