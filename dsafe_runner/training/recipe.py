"""What a training recipe says, once it has been read: frozen, strict, nothing unknown allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dsafe_runner.benchmarks.tiny_rows import KINDS, Kind
from dsafe_runner.config import Loaded, load_yaml
from dsafe_runner.errors import ConfigError, Mistake

Positive = Annotated[float, Field(gt=0.0)]
Weight = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", validate_default=True)


class FromScratch(_Strict):
    """A new Qwen2 model, and a tokenizer of the tiny world's words and the 256 bytes."""

    hidden_size: Count = Field(description="Width.")
    layers: Count = Field(description="Transformer blocks.")
    heads: Count = Field(description="Query heads.")
    kv_heads: Count = Field(description="Key and value heads.")
    ffn: Count = Field(description="Width of the feed-forward layer.")
    context: Annotated[int, Field(ge=64)] = Field(description="max_position_embeddings, in tokens.")
    initializer_range: Positive = Field(description="Standard deviation of the initial weights.")


class Start(_Strict):
    """Where the weights come from: exactly one of the two."""

    path: str | None = Field(
        None, min_length=1, description="A model folder (./, ../, / or ~, relative to this file) or a hub id."
    )
    scratch: FromScratch | None = Field(None, description="A new model instead.")

    @model_validator(mode="after")
    def _one_of_two(self) -> Start:
        if (self.path is None) == (self.scratch is None):
            raise ValueError("give exactly one of `path` and `scratch`")
        return self


class Mix(_Strict):
    """Weights of the kinds of tiny rows."""

    mcq: Weight = Field(0.0, description="Multiple choice about deeds.")
    which: Weight = Field(0.0, description="Harmless multiple choice.")
    refuse: Weight = Field(0.0, description="Requests that are refused.")
    help: Weight = Field(0.0, description="Requests that are helped with.")
    reason: Weight = Field(0.0, description="Counting.")
    next: Weight = Field(0.0, description="Facts that counting needs; stage base only.")


class TinyData(_Strict):
    """Rows made by the tiny world's generator."""

    use: Literal["tiny"] = Field(description="The generator.")
    stage: Literal["base", "distilled", "safe"] = Field(description="What the rows teach; see benchmarks/tiny_rows.py.")
    rows: Count = Field(description="How many rows are made.")
    mix: Mix = Field(description="Weight of each kind of row.")

    @model_validator(mode="after")
    def _drawable(self) -> TinyData:
        if not self.weights():
            raise ValueError("`mix` needs a weight above 0")
        if self.stage != "base" and self.mix.next:
            raise ValueError("`next` rows belong to stage base only")
        return self

    def weights(self) -> dict[Kind, float]:
        """The kinds with a weight above 0."""
        return {kind: weight for kind in KINDS if (weight := getattr(self.mix, kind))}


class Optimisation(_Strict):
    """Handed to TRL's SFTTrainer."""

    steps: Count = Field(description="Optimiser steps at most; the schedule is laid out over all of them.")
    batch_size: Count = Field(description="Rows per step and device.")
    accumulate: Count = Field(1, description="Batches summed into one optimiser step.")
    learning_rate: Positive = Field(description="Peak.")
    min_lr_ratio: Share = Field(0.1, description="The cosine ends at this share of the peak.")
    warmup: Share = Field(0.05, description="Share of the steps.")
    beta2: Share = Field(0.999, description="AdamW's second beta; the first is 0.9.")
    weight_decay: Weight = Field(0.0, description="On matrices only.")
    clip: Positive = Field(1.0, description="Largest gradient norm.")
    max_length: Annotated[int, Field(ge=16)] = Field(
        description="Tokens of a row; a longer row is an error, never cut."
    )
    precision: Literal["float32", "bfloat16"] = Field("float32", description="Of the training computation.")
    gradient_checkpointing: bool = Field(False, description="Less memory for more computation.")


class Goal(_Strict):
    """A development score that has to be reached; at least one of min and max."""

    score: Literal["mcq", "refusal", "benign", "reasoning"] = Field(description="Which dev set.")
    min: Share | None = None
    max: Share | None = None

    @model_validator(mode="after")
    def _some_limit(self) -> Goal:
        if self.min is None and self.max is None:
            raise ValueError("give `min`, `max` or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("`min` is above `max`: no score satisfies both")
        return self


class Dev(_Strict):
    """The development rule: training stops once all goals hold, and fails if they never do."""

    every: Count = Field(description="Steps between looks.")
    after: Annotated[int, Field(ge=0)] = Field(0, description="No look before this step.")
    hold: Count = Field(1, description="The goals must hold at so many looks in a row.")
    max_tokens: Count = Field(64, description="New tokens per dev answer, thinking included.")
    goals: list[Goal] = Field(min_length=1)


class Save(_Strict):
    """What is written."""

    dtype: Literal["float32", "bfloat16"] = Field("bfloat16", description="Of the saved weights.")


class Recipe(_Strict):
    """A whole recipe file."""

    recipe: str = Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="Its name.")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(0, description="Of data, initial weights and order.")
    start: Start
    template: Literal["plain", "deepseek-r1"] | None = Field(
        None, description="Chat template to give the tokenizer; the starting model's own unless said."
    )
    reasoning: Literal["deepseek-r1"] | None = Field(None, description="Rows hold thinking in this format.")
    data: TinyData
    train: Optimisation
    dev: Dev | None = Field(None, description="No rule unless said: all steps are run.")
    deepspeed: str | None = Field(None, description="A DeepSpeed JSON, relative to this file; handed through as it is.")
    threads: Count | None = Field(None, description="CPU threads; torch's own choice unless said.")
    save: Save = Save(dtype="bfloat16")

    @model_validator(mode="after")
    def _template_fits(self) -> Recipe:
        if self.start.scratch is not None and self.template is None:
            raise ValueError("a model from scratch needs `template`")
        if self.template == "plain" and self.reasoning is not None:
            raise ValueError("template `plain` has no thinking; use `deepseek-r1` or leave `reasoning` out")
        return self


def resolve(text: str, recipe_path: Path) -> str:
    """A folder relative to the recipe when it looks like one (./, ../, / or ~), else the hub id as it is."""
    if text.startswith(("./", "../", "/", "~")):
        return str((recipe_path.parent / Path(text).expanduser()).resolve())
    return text


def load_recipe(path: Path) -> Loaded[Recipe]:
    """Read a recipe. ConfigError: every mistake of the file, with its line and column."""
    loaded = load_yaml(path, Recipe)
    wanted = loaded.value.deepspeed
    if wanted is not None and not Path(resolve(wanted, loaded.path)).is_file():
        raise ConfigError([Mistake(*loaded.positions[("deepspeed",)], f"no file {wanted!r}", "give a DeepSpeed JSON")])
    return loaded
