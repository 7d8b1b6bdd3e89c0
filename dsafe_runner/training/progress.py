"""One line of progress a log: losses, speed, time left."""

from __future__ import annotations

import time
from collections.abc import Mapping


class Progress:
    """Turns the trainer's logs into lines.

    >>> p = Progress(); p.start(0)
    >>> p.line({"loss": 1.5, "loss_safety": 1.0, "tokens_per_second": 5120.0}, 10, 10)
    'step 10/10: loss 1.5000 (safety 1.0000), 5,120 tokens/s'
    """

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.first = 0

    def start(self, step: int) -> None:
        """Training begins after `step` steps (not 0 where a run goes on)."""
        self.begun, self.first = time.monotonic(), step

    def line(self, logs: Mapping[str, float], step: int, steps: int) -> str | None:
        """A line, or None for logs that are not about a loss."""
        held_out = {k[5:-5]: v for k, v in logs.items() if k.startswith("eval_") and k.endswith("_loss")}
        if held_out:
            return f"step {step}/{steps}: held-out loss " + ", ".join(f"{k} {v:.4f}" for k, v in held_out.items())
        loss = logs.get("loss")
        if loss is None:
            return None
        kinds = [f"{key[5:]} {value:.4f}" for key, value in logs.items() if key.startswith("loss_")]
        parts = [f"loss {float(loss):.4f}" + (f" ({', '.join(kinds)})" if kinds else "")]
        if "tokens_per_second" in logs:
            parts.append(f"{logs['tokens_per_second']:,.0f} tokens/s")
        if self.first < step < steps:
            left = (time.monotonic() - self.begun) / (step - self.first) * (steps - step)
            parts.append(f"{_clock(left)} left")
        return f"step {step}/{steps}: " + ", ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
