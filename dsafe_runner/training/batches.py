"""Tokenised rows as the trainer takes them, and a look at what it makes of them."""

from __future__ import annotations

from typing import Any

from dsafe_runner.errors import TrainingError
from dsafe_runner.training.tokenise import Tokenised
from dsafe_runner.training.trainer import ROW

IGNORED = -100
"""The label of a token that is not trained on (torch's convention)."""


def dataset(made: Tokenised) -> Any:
    """A data set whose rows carry their number."""
    from datasets import Dataset

    return Dataset.from_list(
        [
            {"input_ids": t.input_ids, "completion_mask": t.completion_mask, ROW: number}
            for number, t in enumerate(made.tokens)
        ]
    )


def by_kind(made: Tokenised) -> dict[str, Any]:
    """A data set per kind of row, so that each gets a loss of its own."""
    found: dict[str, Tokenised] = {}
    for row, tokens in zip(made.rows, made.tokens, strict=True):
        one = found.setdefault(row.kind, Tokenised([], [], []))
        one.rows.append(row)
        one.tokens.append(tokens)
    return {kind: dataset(rows) for kind, rows in found.items()}


def check_batch(batch: Any, eos: int) -> None:
    """Look at what really reaches the model. TrainingError: a row whose last trained token is not `eos`."""
    labels = batch["labels"]
    for row in labels:
        trained = row[row != IGNORED]
        if len(trained) == 0 or int(trained[-1]) != eos:
            raise TrainingError("the end of text is not trained on in a collated batch; check the TRL version")
