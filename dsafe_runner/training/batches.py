"""Tokenised rows as the trainer takes them, and a look at what it makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dsafe_runner.errors import TrainingError
from dsafe_runner.training.tokenise import Tokenised
from dsafe_runner.training.trainer import ROW

IGNORED = -100
"""The label of a token that is not trained on (torch's convention)."""


def dataset(made: Tokenised, numbers: Sequence[int] | None = None) -> Any:
    """A data set whose rows carry their number; counted from 0 unless `numbers` says them."""
    from datasets import Dataset

    return Dataset.from_list(
        [
            {"input_ids": t.input_ids, "completion_mask": t.completion_mask, ROW: number}
            for number, t in zip(numbers or range(len(made.tokens)), made.tokens, strict=True)
        ]
    )


def by_kind(made: Tokenised, first: int = 0) -> dict[str, Any]:
    """A data set per kind of row, so that each gets a loss of its own; the rows are numbered from `first` on."""
    found: dict[str, tuple[Tokenised, list[int]]] = {}
    for number, (row, tokens) in enumerate(zip(made.rows, made.tokens, strict=True), first):
        one, numbers = found.setdefault(row.kind, (Tokenised([], [], []), []))
        one.rows.append(row)
        one.tokens.append(tokens)
        numbers.append(number)
    return {kind: dataset(rows, numbers) for kind, (rows, numbers) in found.items()}


def check_batch(batch: Any, eos: int) -> None:
    """Look at what really reaches the model. TrainingError: a row whose last trained token is not `eos`."""
    labels = batch["labels"]
    for row in labels:
        trained = row[row != IGNORED]
        if len(trained) == 0 or int(trained[-1]) != eos:
            raise TrainingError("the end of text is not trained on in a collated batch; check the TRL version")
