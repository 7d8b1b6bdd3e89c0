"""The development rule: look at the dev scores now and then, stop when all goals hold, say so when they never did."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from dsafe_runner.errors import TrainingError

if TYPE_CHECKING:
    from dsafe_runner.training.recipe import Dev, Goal

Scores = Mapping[str, float]


class StopRule:
    """Counts the looks in a row at which every goal held."""

    def __init__(self, dev: Dev, measure: Callable[[], Scores], say: Callable[[str], None]) -> None:
        self.dev = dev
        self.measure = measure
        self.say = say
        self.held = 0
        self.looks: list[tuple[int, dict[str, float]]] = []

    @property
    def met(self) -> bool:
        """All goals held at the last `hold` looks."""
        return self.held >= self.dev.hold

    def restore(self, looks: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        """Go on with the looks of a run that died."""
        self.looks, self.held = [], 0
        for step, found in looks:
            self._count(step, dict(found))

    def due(self, step: int) -> bool:
        """Whether to look after this step."""
        return step >= self.dev.after and step % self.dev.every == 0

    def look(self, step: int) -> bool:
        """Measure, and return whether to stop."""
        found = dict(self.measure())
        missed = self._count(step, found)
        shown = ", ".join(f"{name} {value:.1%}" for name, value in found.items())
        self.say(f"step {step}: dev {shown}" + ("" if missed else " (all goals hold)"))
        return self.met

    def _count(self, step: int, found: dict[str, float]) -> list[Goal]:
        """Note a look; the goals it missed."""
        self.looks.append((step, found))
        missed = [g for g in self.dev.goals if not holds(g, found)]
        self.held = 0 if missed else self.held + 1
        return missed

    def check_final(self, found: Scores) -> None:
        """TrainingError: the checkpoint, loaded back, misses a goal."""
        missed = [g for g in self.dev.goals if not holds(g, found)]
        if missed:
            named = "; ".join(f"{g.score} is {found[g.score]:.1%}, {_limits(g)}" for g in missed)
            raise TrainingError(f"the goals held in training, but not for the saved checkpoint: {named}")

    def why_not(self) -> str:
        """One line on the goals the last look missed."""
        if not self.looks:
            return f"no look was made; `after` is {self.dev.after}"
        step, found = self.looks[-1]
        missed = [f"{g.score} is {found[g.score]:.1%}, {_limits(g)}" for g in self.dev.goals if not holds(g, found)]
        return f"at step {step} " + ("; ".join(missed) or f"all goals held, but not at {self.dev.hold} looks in a row")


def holds(goal: Goal, found: Scores) -> bool:
    """Whether a goal holds."""
    value = found[goal.score]
    return (goal.min is None or value >= goal.min) and (goal.max is None or value <= goal.max)


def _limits(goal: Goal) -> str:
    parts = [
        f"at least {goal.min:.1%}" if goal.min is not None else "",
        f"at most {goal.max:.1%}" if goal.max is not None else "",
    ]
    return "the goal is " + " and ".join(p for p in parts if p)
