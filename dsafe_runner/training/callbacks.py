"""The trainer callbacks: guard every step, ask the development rule, print a line a log, close a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dsafe_runner.training.finite import Guard
from dsafe_runner.training.progress import Progress
from dsafe_runner.training.ranks import shared
from dsafe_runner.training.stop import StopRule


def make_callbacks(
    rule: StopRule | None,
    say: Callable[[str], None],
    guard: Guard,
    saved: Callable[[Path, dict[str, Any]], None] | None = None,
) -> list[Any]:
    """Callbacks for SFTTrainer (made here so that importing this module needs no transformers).

    saved  told the folder of every checkpoint and where in the run it stands, in every process, once its own part of
           it is written
    """
    from transformers import TrainerCallback

    progress = Progress()

    class Rule(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
            progress.start(state.global_step)
            if state.global_step:
                guard.resumed(model, state.global_step)

        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            guard.before(state.global_step + 1)

        def on_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
            guard.after(model, state.global_step + 1)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
            if rule is not None and (rule.due(state.global_step) or state.global_step == state.max_steps):
                control.should_training_stop = shared(rule.look(state.global_step)) or control.should_training_stop
            return control

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            line = progress.line(logs or {}, state.global_step, state.max_steps)
            if line:
                say(line)

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if saved is not None:
                folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
                saved(folder, {"step": state.global_step, "of": state.max_steps, "epoch": float(state.epoch or 0.0)})

    return [Rule()]
