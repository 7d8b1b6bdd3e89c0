"""The gate hook: a development suite is run on the model of every epoch, in a process of its own, and the best is kept.

Best is: the fewest checks of the candidate that do not pass; then the highest mean of its overall rates (for metrics
where less is better, of what they leave of 1); then the later epoch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dsafe_runner.errors import ExitCode, TrainingError
from dsafe_runner.training.recipe import resolve
from dsafe_runner.training.recipe_train import Select
from dsafe_runner.vocabulary import METRICS

CHECKPOINT = "DSAFE_CHECKPOINT"
"""Environment variable a development suite takes its candidate's path from."""
PASSING = ("passed", "waived")
_NOT_PASSED_ON = (
    "RANK",
    "WORLD_SIZE",
    "LOCAL_",
    "GROUP_",
    "ROLE_",
    "MASTER_",
    "TORCHELASTIC_",
    "ACCELERATE_",
    "PYTEST_",
)


@dataclass(frozen=True, slots=True)
class EpochScore:
    """What the development suite said about one epoch's model."""

    epoch: int
    checks: int
    not_passing: int
    mean: float


@dataclass(frozen=True, slots=True)
class Chosen:
    """The best epoch, the folder of its model, and what was said about all of them."""

    epoch: int
    folder: Path
    scores: list[EpochScore]

    def record(self, suite: str) -> dict[str, Any]:
        """JSON types, for training.json."""
        return {"suite": suite, "epoch": self.epoch, "epochs": [asdict(score) for score in self.scores]}


def refuse_shared_items(select: Select, recipe_path: Path) -> None:
    """TrainingError: the development suite holds items of the release suite, or they cannot be compared."""
    suite, release = (resolve(text, recipe_path) for text in (select.suite, select.release))
    done = _dsafe("overlap", suite, "--suite", release)
    if done.returncode == ExitCode.FINE:
        return
    if done.returncode == ExitCode.FINDINGS:
        found = done.stdout.splitlines() or ["it does not say which"]
        raise TrainingError(
            f"select.suite {select.suite} shares items with the release suite, so choosing by it would leak into the "
            f"gate: {found[-1]}; first: {found[0]}"
        )
    said = (done.stdout + done.stderr).strip().splitlines()
    raise TrainingError(f"select.suite and release cannot be compared: {said[-1] if said else 'no output'}")


def choose(
    select: Select, recipe_path: Path, epochs: Sequence[tuple[int, Path]], folder: Path, say: Callable[[str], None]
) -> Chosen:
    """Run the suite on every epoch's model and take the best.

    epochs  number and model folder of each
    folder  where the runs' reports and the store of responses go

    TrainingError: there is no epoch, or the suite could not be run on one.
    """
    if not epochs:
        raise TrainingError("no epoch was finished, so there is nothing to select from; train for at least one epoch")
    suite = Path(resolve(select.suite, recipe_path))
    scores = []
    for epoch, model in epochs:
        scores.append(_score(select, suite, epoch, model, folder))
        one = scores[-1]
        say(
            f"epoch {epoch}: {one.checks - one.not_passing} of {one.checks} checks of {select.suite} pass, "
            f"mean {one.mean:.4f}"
        )
    best = max(scores, key=lambda s: (-s.not_passing, s.mean, s.epoch))
    say(f"epoch {best.epoch} is kept")
    return Chosen(best.epoch, dict(epochs)[best.epoch], scores)


def _score(select: Select, suite: Path, epoch: int, model: Path, folder: Path) -> EpochScore:
    reports = folder / f"select-epoch-{epoch}"
    command = [
        sys.executable,
        "-m",
        "pytest",
        str(suite),
        f"--rootdir={suite.parent}",
        "-c",
        os.devnull,
        "-q",
        "-p",
        "no:cacheprovider",
        f"--dsafe-reports={reports}",
        f"--dsafe-store={folder / 'select.sqlite'}",
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**_environment(), CHECKPOINT: str(model.resolve())}
    )
    written = sorted(reports.glob("*/verdicts.json"))
    if done.returncode not in (0, 1) or not written:
        last = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()][-3:]
        raise TrainingError(
            f"{select.suite} could not be run on epoch {epoch} (exit {done.returncode}): {' / '.join(last)}"
        )
    verdicts = json.loads(written[-1].read_text(encoding="utf-8"))
    for undecided in ("errors", "not_gated"):
        for check, why in verdicts[undecided].items():
            raise TrainingError(f"{select.suite} could not be run on epoch {epoch}: {check}: {why}")
    return read_score(verdicts, select.model, epoch)


def read_score(verdicts: dict[str, Any], model: str, epoch: int) -> EpochScore:
    """What a run's verdicts.json says about a model. TrainingError: it has no check of that model."""
    checks = [check for check in verdicts["checks"] if check["model"] == model]
    if not checks:
        raise TrainingError(f"the development suite has no check of the model {model!r}; say `select: {{model: ...}}`")
    overall: dict[tuple[str, str], float] = {}
    for check in checks:
        value = (check.get("estimate") or {}).get("value")
        if check["slice"] == "overall" and value is not None and check["metric"] in METRICS:
            better = METRICS[check["metric"]].higher_is_better
            overall[check["benchmark"], check["metric"]] = value if better else 1.0 - value
    mean = sum(overall.values()) / len(overall) if overall else 0.0
    return EpochScore(epoch, len(checks), sum(check["result"] not in PASSING for check in checks), mean)


def _dsafe(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dsafe_runner", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=_environment())


def _environment() -> dict[str, str]:
    """This process's, without what would make a child believe that it is one of the training processes."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)}
