"""What a recipe says about the training itself: optimisation, checkpoints, selection, the development rule."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from dsafe_runner.config.strict import Strict
from dsafe_runner.training.recipe_data import Count, Share, Weight

Positive = Annotated[float, Field(gt=0.0)]


class Optimisation(Strict):
    """Handed to TRL's SFTTrainer."""

    steps: Count | None = Field(
        None, description="Optimiser steps at most; the schedule is laid out over all of them. Or `epochs`."
    )
    epochs: Positive | None = Field(None, description="Times every row is seen. Or `steps`.")
    batch_size: Count = Field(description="Rows per step and device.")
    accumulate: Count | None = Field(None, description="Batches summed into one optimiser step; 1 unless said.")
    global_batch: Count | None = Field(
        None, description="Rows of one optimiser step over all devices; `accumulate` is then worked out."
    )
    learning_rate: Positive = Field(description="Peak.")
    min_lr_ratio: Share = Field(0.1, description="The cosine ends at this share of the peak.")
    warmup: Share = Field(0.05, description="Share of the steps.")
    beta2: Share = Field(0.999, description="AdamW's second beta; the first is 0.9.")
    weight_decay: Weight = Field(0.0, description="On matrices only.")
    clip: Positive = Field(1.0, description="Largest gradient norm.")
    max_length: Annotated[int, Field(ge=16)] = Field(description="Tokens of a row. No row is ever cut.")
    max_left_out: Share = Field(
        0.0, description="Share of the rows that may be left out for being longer than max_length; more is an error."
    )
    precision: Literal["float32", "bfloat16"] = Field("float32", description="Of the training computation.")
    gradient_checkpointing: bool = Field(False, description="Less memory for more computation.")
    attention: Literal["sdpa", "eager", "flash_attention_2"] | None = Field(
        None, description="Attention implementation; transformers' own choice unless said."
    )
    log_every: Count = Field(50, description="Steps between lines of progress.")

    @model_validator(mode="after")
    def _one_length(self) -> Optimisation:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give exactly one of `steps` and `epochs`")
        if self.accumulate is not None and self.global_batch is not None:
            raise ValueError("give `accumulate` or `global_batch`, not both")
        return self


class Goal(Strict):
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


class Dev(Strict):
    """The development rule: training stops once all goals hold, and fails if they never do."""

    every: Count = Field(description="Steps between looks.")
    after: Annotated[int, Field(ge=0)] = Field(0, description="No look before this step.")
    hold: Count = Field(1, description="The goals must hold at so many looks in a row.")
    max_tokens: Count = Field(64, description="New tokens per dev answer, thinking included.")
    goals: list[Goal] = Field(min_length=1)


class Checkpoints(Strict):
    """What a run that dies goes on from. Weights and optimiser: 14 to 16 bytes a parameter each."""

    every: Literal["epoch"] | Count = Field(description="`epoch`, or a number of steps.")
    keep: Annotated[int, Field(ge=2)] = Field(
        2, description="The newest so many. At least two: one that is being written is no checkpoint yet."
    )


class Select(Strict):
    """A development suite, run on the model of every epoch; the best one is what is kept."""

    suite: str = Field(
        min_length=1, description="A suite, relative to this recipe; its candidate's `path` is ${DSAFE_CHECKPOINT}."
    )
    model: str = Field("safe", min_length=1, description="The candidate's name in that suite.")
    release: str = Field(
        min_length=1,
        description="The suite that decides on the release. It must share no item with the development suite.",
    )


class Save(Strict):
    """What is written."""

    dtype: Literal["float32", "bfloat16"] = Field("bfloat16", description="Of the saved weights.")
