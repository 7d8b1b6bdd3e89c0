"""TRL's SFTTrainer with what it does not say: losses per kind of row, tokens a second, and which rows a bad loss is of.

The kind of a row travels beside its tokens: every row has a number, the collator puts the numbers of a batch aside, and
the loss of each row is read off the log-probabilities TRL's fused head computes anyway.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from dsafe_runner.training.finite import Guard

ROW = "row"


class Collator:
    """TRL's own collator, the rows' numbers put aside."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """A batch as TRL makes it, and the rows' numbers under ROW."""
        import torch

        bare = [{key: value for key, value in example.items() if key != ROW} for example in examples]
        return {**self.inner(bare), ROW: torch.tensor([example[ROW] for example in examples])}


class Tally:
    """Sums of losses and trained tokens per kind since the last line of progress, and the clock."""

    def __init__(self, kinds: Sequence[str]) -> None:
        self.kinds = list(dict.fromkeys(kinds))
        self.sums = {kind: [0.0, 0.0] for kind in self.kinds}
        self.since: float | None = None
        self.tokens = 0.0

    def start(self) -> None:
        """A batch begins; the first one starts the clock."""
        self.since = self.since or time.monotonic()

    def add(self, kind: str, loss: float, tokens: float) -> None:
        """One row's summed loss over its trained tokens."""
        self.sums[kind][0] += loss
        self.sums[kind][1] += tokens

    def take(self, seen: float, reduce: Any) -> dict[str, float]:
        """`loss_<kind>` of all processes and `tokens_per_second`; then start again. `seen`: tokens since the start."""
        now = time.monotonic()
        found: dict[str, float] = {}
        if len(self.kinds) > 1:
            totals = reduce([x for kind in self.kinds for x in self.sums[kind]])
            pairs = zip(totals[::2], totals[1::2], strict=True)
            found = {f"loss_{k}": s / n for k, (s, n) in zip(self.kinds, pairs, strict=True) if n}
        if self.since is not None and now > self.since:
            found["tokens_per_second"] = (seen - self.tokens) / (now - self.since)
        self.sums = {kind: [0.0, 0.0] for kind in self.kinds}
        self.since, self.tokens = now, seen
        return found


def make_trainer(trl: Any, kinds: Sequence[str], guard: Guard, **arguments: Any) -> Any:
    """An SFTTrainer over data sets whose rows carry their number in ROW.

    kinds  of the training rows, by their number
    guard  is told every loss, gradient and step
    """

    class Trainer(trl.SFTTrainer):  # type: ignore[misc]
        def __init__(self, **own: Any) -> None:
            super().__init__(**own)
            self.data_collator: Any = Collator(self.data_collator)
            self.tally = Tally(kinds)
            self.heads: list[Any] = []
            self.model.register_forward_hook(self._keep)

        def _keep(self, module: Any, arguments: Any, output: Any) -> None:
            if getattr(output, "log_probs", None) is not None:
                self.heads = [(output.log_probs.detach(), output.label_mask)]

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            rows = inputs.pop(ROW).tolist()
            training, step = self.model.training, self.state.global_step
            self.heads.clear()
            if training:
                self.tally.start()
                guard.begin(rows)
            result = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            loss = float((result[0] if return_outputs else result).detach())
            sums: list[float] = []
            counts: list[float] = []
            if self.heads:
                log_probs, mask = self.heads[0]
                sums, counts = (-log_probs.float().sum(1)).tolist(), mask.sum(1).tolist()
            guard.loss(loss, step + training, rows, sums, held_out=not training)
            if training:
                for number, total, count in zip(rows, sums, counts, strict=False):
                    self.tally.add(kinds[number], total, count)
            return result

        def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
            found = super()._get_grad_norm(model, grad_norm=grad_norm)
            skipped = self.args.fp16 and self.accelerator.optimizer_step_was_skipped
            guard.norm(None if found is None else float(found), self.state.global_step + 1, skipped)
            return found

        def _save_checkpoint(self, *own: Any, **named: Any) -> Any:
            guard.close(self.accelerator.unwrap_model(self.model), self.optimizer, self.state.global_step)
            return super()._save_checkpoint(*own, **named)

        def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
            if "loss" in logs:
                logs.update(self.tally.take(float(self._total_train_tokens), self._summed))
            super().log(logs, start_time)

        def _summed(self, values: list[float]) -> list[float]:
            import torch

            held = torch.tensor([values], dtype=torch.float64, device=self.accelerator.device)
            return [float(x) for x in self.accelerator.gather(held).sum(0)]

    return Trainer(**arguments)
