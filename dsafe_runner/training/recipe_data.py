"""What a recipe says about its rows: the tiny world's generator, or a mixture of sources."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from dsafe_runner.benchmarks.tiny.rows import KINDS, Kind
from dsafe_runner.config.strict import Strict

Weight = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
RowKind = Literal["safety", "reasoning", "benign"]
ROW_KINDS: tuple[RowKind, ...] = ("safety", "reasoning", "benign")


class Mix(Strict):
    """Weights of the kinds of tiny rows."""

    mcq: Weight = Field(0.0, description="Multiple choice about deeds.")
    which: Weight = Field(0.0, description="Harmless multiple choice.")
    refuse: Weight = Field(0.0, description="Requests that are refused.")
    help: Weight = Field(0.0, description="Requests that are helped with.")
    reason: Weight = Field(0.0, description="Counting.")
    next: Weight = Field(0.0, description="Facts that counting needs; stage base only.")


class TinyData(Strict):
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


class Columns(Strict):
    """Where a row's texts stand, for files that are not of our own shape."""

    messages: str | None = Field(None, description="A list of {role, content} turns; the last may be the reply.")
    prompt: str | None = Field(None, description="The user's turn.")
    response: str | None = Field(None, description="The reply, its thinking before </think>.")
    thinking: str | None = Field(None, description="The thinking alone.")
    answer: str | None = Field(None, description="The reply without its thinking.")

    @model_validator(mode="after")
    def _readable(self) -> Columns:
        if (self.messages is None) == (self.prompt is None):
            raise ValueError("give exactly one of `messages` and `prompt`")
        if self.response is not None and self.answer is not None:
            raise ValueError("give `response` (thinking and answer in one text) or `answer`, not both")
        if self.prompt is not None and self.response is None and self.answer is None:
            raise ValueError("`prompt` needs `response` or `answer`")
        return self


class Source(Strict):
    """Rows of one kind: a .jsonl or .parquet file, or a data set of the hub."""

    path: str | None = Field(
        None, min_length=1, description="A .jsonl or .parquet file, relative to this recipe (./, ../, / or ~)."
    )
    hub: str | None = Field(None, min_length=1, description="A data set id of the hub, e.g. UCSC-VLAA/STAR-1.")
    revision: str | None = Field(
        None, pattern=r"^[0-9a-f]{40}$", description="Commit of the hub data set; without it the data could change."
    )
    split: str = Field("train", min_length=1, description="Split of the hub data set.")
    kind: Literal["safety", "reasoning", "benign"] = Field(
        description="safety: must be refused or handled with care. benign: looks risky and is not. reasoning: the rest."
    )
    columns: Columns | None = Field(None, description="Only for rows that are not {messages, thinking, answer}.")
    rows: Count | None = Field(None, description="How many are taken, drawn by the seed; all of them unless said.")
    weight: Annotated[float, Field(gt=0.0)] | None = Field(
        None, description="Share of the mixture's `rows`, relative to the other weights."
    )
    repeat: Annotated[int, Field(ge=1, le=100)] = Field(1, description="Each row so many times in an epoch.")

    @model_validator(mode="after")
    def _one_place(self) -> Source:
        if (self.path is None) == (self.hub is None):
            raise ValueError("give exactly one of `path` and `hub`")
        if self.hub is not None and self.revision is None:
            raise ValueError("a hub data set needs `revision`, the commit it was read at")
        if self.path is not None and not self.path.endswith((".jsonl", ".parquet")):
            raise ValueError("`path` must end in .jsonl or .parquet")
        if self.rows is not None and self.weight is not None:
            raise ValueError("give `rows` or `weight`, not both")
        return self

    @property
    def name(self) -> str:
        """What manifest and messages call it."""
        return self.path if self.path is not None else f"hub:{self.hub}"


class Mixture(Strict):
    """Rows of several sources, without duplicates, in an order that only the seed decides."""

    use: Literal["mixture"] = Field(description="Rows of files and hub data sets.")
    sources: list[Source] = Field(min_length=1)
    rows: Count | None = Field(None, description="Rows in all; needed where the sources have weights.")
    near_duplicates: Annotated[float, Field(ge=0.5, le=1.0)] | None = Field(
        0.85, description="Prompts whose 5-grams are so similar (estimated Jaccard) count once; null: only equal ones."
    )
    holdout: Annotated[float, Field(ge=0.0, le=0.5)] = Field(
        0.0, description="Share of each kind that is not trained on; its loss is printed at every checkpoint."
    )

    @model_validator(mode="after")
    def _weights_or_counts(self) -> Mixture:
        weighted = [s for s in self.sources if s.weight is not None]
        if weighted and len(weighted) != len(self.sources):
            raise ValueError("give every source a `weight`, or none")
        if bool(weighted) != (self.rows is not None):
            raise ValueError("`rows` (in all) and the sources' `weight` belong together")
        return self
