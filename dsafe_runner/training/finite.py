"""Nothing that is not finite is trained on or written: which tensor of a model or an optimiser holds nan or inf.

Every process looks at what it holds itself (under ZeRO a part of the weights and of the optimiser), then all agree:
what one has found stops all, before any of them writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from dsafe_runner.errors import TrainingError
from dsafe_runner.training.ranks import all_said

HINT = (
    "lower learning_rate or clip; under DeepSpeed with sdpa, `attention: flash_attention_2` has cured it "
    "(LLaMA-Factory#9631)"
)
NAMED = 40
"""Rows a message names."""


def first_bad(tensors: Iterable[tuple[str, Any]]) -> str | None:
    """What is wrong with the first tensor that is not finite, or None: "nan in model.norm.weight"."""
    import torch

    held = [(name, t.detach()) for name, t in tensors if t.is_floating_point() and t.numel() and not t.is_meta]
    # the largest absolute value: one pass, no copy, and nan and inf are passed on
    largest = [torch.linalg.vector_norm(t, float("inf")).float() for _, t in held]
    if not largest:
        return None
    values = torch.stack([value.to(largest[0].device) for value in largest])
    good = torch.isfinite(values)
    if bool(good.all()):
        return None
    number = int((~good).int().argmax())
    return f"{'nan' if bool(torch.isnan(values[number])) else 'inf'} in {held[number][0]}"


def weights_of(model: Any) -> Iterator[tuple[str, Any]]:
    """Parameters and buffers by name; of a parameter that ZeRO-3 has spread, the part this process holds."""
    for name, parameter in model.named_parameters():
        yield name, getattr(parameter, "ds_tensor", parameter)
    yield from model.named_buffers()


def state_of(optimizer: Any, model: Any) -> Iterator[tuple[str, Any]]:
    """What an optimiser holds: its state, and its own copy of the weights where it keeps one (DeepSpeed)."""
    while hasattr(optimizer, "optimizer"):
        optimizer = optimizer.optimizer
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for number, (parameter, state) in enumerate(optimizer.state.items()):
        name = names.get(id(parameter), f"part {number}")
        yield f"the optimiser's copy of {name}", parameter
        for kind, value in state.items():
            if hasattr(value, "is_floating_point"):
                yield f"the optimiser's {kind} of {name}", value


def check_start(model: Any, name: str) -> None:
    """TrainingError, in every process: the weights training starts from are not finite."""
    found = agreed(first_bad(weights_of(model)))
    if found is not None:
        raise TrainingError(f"the starting model {name} holds {found}; training only spreads it, take other weights")


def check_written(state: Iterable[tuple[str, Any]], dtype: str) -> None:
    """TrainingError: the weights that are about to be saved are not finite (they may become so by the cast)."""
    found = first_bad(state)
    if found is not None:
        raise TrainingError(f"the trained weights, as {dtype}, hold {found}; nothing is written")


def agreed(found: str | None) -> str | None:
    """What any of the processes found."""
    return next((said for said in all_said(found) if said is not None), None)


class Guard:
    """Keeps the rows of the optimiser step that is being made, and stops the run at the first value that is not finite.

    names  of the rows by number: those trained on, then those held out
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.rows: list[int] = []
        self.seen = 0
        self.skipped = 0

    def resumed(self, model: Any, step: int) -> None:
        """TrainingError, in every process: the checkpoint a run goes on from holds what is not finite."""
        found = agreed(first_bad(weights_of(model)))
        if found is not None:
            raise TrainingError(f"{found} in the checkpoint of step {step}; remove it, and go on from an older one")

    def begin(self, rows: Sequence[int]) -> None:
        """A batch of the step."""
        self.rows += rows

    def loss(self, value: float, step: int, rows: Sequence[int], each: Sequence[float], held_out: bool) -> None:
        """TrainingError, in this process: the loss of a batch, or of a row where it is known, is not finite."""
        first = [row for row, one in zip(rows, each, strict=False) if not _finite(one)]
        if not _finite(value) or first:
            named = self._named([*first, *(row for row in rows if row not in first)])
            what = f"held-out loss is {value} after" if held_out else f"loss is {value} at"
            raise TrainingError(f"the {what} step {step} (rows {named}); {HINT}")

    def norm(self, value: float | None, step: int, skipped: bool) -> None:
        """The norm of the summed gradients of all processes, before the step; None where the trainer cannot know it.

        skipped  under float16 the step was not taken and the scale of the loss lowered: normal, and counted

        TrainingError: it is not finite.
        """
        self.seen = step
        if skipped:
            self.skipped += 1
        elif value is not None and not (_finite(value) and value >= 0):  # DeepSpeed's sign for nan and inf is -1
            said = value if value >= 0 or value != value else "not finite"
            raise TrainingError(f"the norm of the gradient is {said} at step {step} (rows {self._all()}); {HINT}")

    def before(self, step: int) -> None:
        """TrainingError: the step would be taken without the gradient having been looked at."""
        if self.seen != step:
            raise TrainingError(
                f"the trainer takes step {step} without saying the norm of its gradient; "
                "this version of transformers is not supported"
            )

    def after(self, model: Any, step: int) -> None:
        """TrainingError, in every process: the step has made the weights not finite. Else the next one begins."""
        self._refuse(first_bad(weights_of(model)), f"after step {step}")
        self.rows = []

    def close(self, model: Any, optimizer: Any, step: int) -> None:
        """TrainingError, in every process: a checkpoint of this step would hold what is not finite."""
        found = first_bad(weights_of(model)) or first_bad(state_of(optimizer, model))
        self._refuse(found, f"in the checkpoint of step {step}, which is not written")

    def _refuse(self, found: str | None, when: str) -> None:
        found = agreed(found)
        if found is not None:
            raise TrainingError(f"{found} {when} (rows {self._all()}); {HINT}")

    def _all(self) -> str:
        """The rows of the step, of all processes. Only where all of them get here."""
        return self._named([row for rows in all_said(self.rows) for row in rows])

    def _named(self, rows: Sequence[int]) -> str:
        more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
        return ", ".join(self.names[row] for row in rows[:NAMED]) + more


def _finite(value: float) -> bool:
    return float("-inf") < value < float("inf")
