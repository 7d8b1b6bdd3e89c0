"""Who answers and who reads in a suite: engines, models, judges. What else a suite says is in `spec.py`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dsafe_runner.config.strict import Strict

Rate = Annotated[float, Field(ge=0.0, le=1.0)]
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=80)]


class _Local(Strict):
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


class OpenAIEngine(Strict):
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


class ReplayEngine(Strict):
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


Engine = Annotated[TransformersEngine | VllmEngine | OpenAIEngine | ReplayEngine, Field(discriminator="backend")]
"""Who answers."""


class Checkpoint(Strict):
    """A model, and how it is asked."""

    path: str = Field(
        min_length=1,
        description="A folder (./, ../, / or ~, relative to this file) or a hub id; for `openai` the served model's "
        "name, for `replay` the file or folder of responses.",
    )
    engine: Name = Field(description="One of `engines`.")
    reasoning: Literal["deepseek-r1", "qwen3", "harmony", "mistral", "none"] | None = Field(
        default=None,
        description="The format of its thinking, which is not part of the answer: <think> tags (deepseek-r1; qwen3 "
        "where it can be switched off), [THINK] tags (mistral), channels (harmony). none: it does not think, and such "
        "marks are text.",
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

    @property
    def thinks(self) -> bool:
        """Whether it is said to think before it answers."""
        return self.reasoning not in (None, "none")


class Model(Checkpoint):
    """One checkpoint under test, or a reference."""

    stage: Literal["base", "distilled", "safe", "other"] = Field(
        default="other", description="Its place in the training story."
    )


class Calibration(Strict):
    """What a judge must prove on labelled replies before it is believed. Each limit is a check of its own."""

    path: str | None = Field(
        default=None, description="Your labelled replies (.jsonl), relative to this file; unless said, the package's."
    )
    min_kappa: Annotated[float, Field(gt=0.0, le=1.0)] | None = Field(
        default=None, description="Cohen's kappa over the four classes, unscored replies counted as disagreement."
    )
    min_accuracy: Annotated[float, Field(gt=0.0, le=1.0)] | None = Field(
        default=None, description="Share of the replies that get their label."
    )


Review = Annotated[
    str,
    Field(
        min_length=1,
        description="A sheet (.csv), relative to this file: a run adds replies flagged as risky, people fill in pass "
        "or fail and their name, and thresholds with `review: flagged` decide with it.",
    ),
]


class RulesJudge(Strict):
    """The embedded rules."""

    kind: Literal["rules"] = Field(description="The embedded rules, for short Chinese or English answers.")
    calibration: Calibration | None = None
    review: Review | None = None


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
    review: Review | None = None


class SheetJudge(Strict):
    """People: answers they have read, each with a verdict."""

    kind: Literal["sheet"] = Field(description="People read the answers; `dsafe sheet` writes what they fill in.")
    path: str = Field(
        min_length=1, description="The sheet (.csv), relative to this file. Until it is there, nothing passes."
    )
    calibration: None = Field(default=None, description="People need none.")


Judge = Annotated[RulesJudge | LlmJudge | SheetJudge, Field(discriminator="kind")]
"""Who reads a free-text answer."""
