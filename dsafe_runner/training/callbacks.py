"""The trainer callbacks: ask the development rule after a step, print one line a log, stop at the first bad loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from dsafe_runner.errors import TrainingError
from dsafe_runner.training.stop import StopRule


def make_callbacks(rule: StopRule | None, say: Callable[[str], None]) -> list[Any]:
    """Callbacks for SFTTrainer (made here so that importing this module needs no transformers)."""
    from transformers import TrainerCallback

    class Rule(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
            if rule is not None and (rule.due(state.global_step) or state.global_step == state.max_steps):
                control.should_training_stop = rule.look(state.global_step) or control.should_training_stop
            return control

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            loss = (logs or {}).get("loss")
            if loss is None:
                return
            if not math.isfinite(float(loss)):
                raise TrainingError(f"the loss is {loss} at step {state.global_step}; lower learning_rate or clip")
            say(f"step {state.global_step}: loss {float(loss):.4f}")

    return [Rule()]
