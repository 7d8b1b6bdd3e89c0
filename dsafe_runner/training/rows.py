"""A recipe's rows as conversations, with the manifest of where they come from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dsafe_runner.benchmarks.tiny.rows import rows as tiny_rows
from dsafe_runner.records import Message
from dsafe_runner.training.mixture import mix
from dsafe_runner.training.recipe import Recipe, TinyData
from dsafe_runner.training.sources import TrainingRow
from dsafe_runner.training.template_check import check_template
from dsafe_runner.training.tokenise import Conversation, Tokenised, tokenise_all


@dataclass(frozen=True, slots=True)
class Rows:
    """What is trained on, what is only looked at, and JSON about both; `warnings` are one line each."""

    train: list[Conversation]
    held_out: list[Conversation]
    manifest: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


def recipe_rows(recipe: Recipe, path: Path, seed: int) -> Rows:
    """The rows of a recipe read from `path`. DataError, UnavailableError, TrainingError: see `mixture.mix`."""
    if isinstance(recipe.data, TinyData):
        place = f"tiny/{recipe.data.stage}"
        made = tiny_rows(recipe.data.stage, recipe.data.weights(), recipe.data.rows, seed)
        found = [
            Conversation((Message("user", r.prompt),), r.thinking, r.answer, kind=r.kind, where=f"{place}:{number}")
            for number, r in enumerate(made, 1)
        ]
        return Rows(found, [], {"use": "tiny", "stage": recipe.data.stage, "rows": len(found), "seed": seed})
    mixed = mix(recipe.data, path, seed)
    return Rows(_conversations(mixed.train), _conversations(mixed.held_out), mixed.manifest, mixed.warnings)


def _conversations(rows: Iterable[TrainingRow]) -> list[Conversation]:
    return [Conversation(r.messages, r.thinking, r.answer, id=r.id, kind=r.kind, where=r.where) for r in rows]


def tokenised(recipe: Recipe, tokenizer: Any, rows: Rows) -> tuple[Tokenised, Tokenised]:
    """Rows to train on and rows held out, as tokens. TrainingError: the template or a row cannot be trained with."""
    check_template(tokenizer, recipe.reasoning)
    reasoning, t = recipe.reasoning is not None, recipe.train
    made = tokenise_all(
        tokenizer, rows.train, reasoning=reasoning, max_length=t.max_length, max_left_out=t.max_left_out
    )
    if not rows.held_out:
        return made, Tokenised([], [], [])
    held = tokenise_all(tokenizer, rows.held_out, reasoning=reasoning, max_length=t.max_length, max_left_out=1.0)
    return made, held
