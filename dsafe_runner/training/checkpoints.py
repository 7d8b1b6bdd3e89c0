"""What a run that died goes on from: whole checkpoints of this very run, told from half-written and foreign ones.

The folder holds `run.json` (what makes the run what it is) and the trainer's `checkpoint-<step>` folders. A checkpoint
is whole once all processes have written their part and the first one has put `dsafe.json` into it, last.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from dsafe_runner.errors import TrainingError
from dsafe_runner.training.ranks import Ranks, barrier

RUN = "run.json"
WHOLE = "dsafe.json"
_OF_A_MODEL = (".safetensors", ".json", ".jinja", ".txt", ".model")


@dataclass(frozen=True, slots=True)
class Resume:
    """The newest whole checkpoint, and what was noted in it."""

    folder: Path
    step: int
    notes: dict[str, Any]


class CheckpointFolder:
    """The checkpoints of one run.

    identity  JSON types; a run goes on only from checkpoints of an equal one
    """

    def __init__(self, path: Path, identity: dict[str, Any], ranks: Ranks) -> None:
        self.path, self.identity, self.ranks = path, identity, ranks
        self.held: TextIO | None = None

    def open(self, fresh: bool) -> Resume | None:
        """Where to go on, or None for a run from the start. All processes get the same answer.

        fresh  remove what is there

        TrainingError: the folder holds another run's checkpoints, is not one of ours, or a run is writing to it now.
        """
        if self.ranks.first:
            self._lock()
        if fresh and self.ranks.first and (self.path / RUN).is_file():
            shutil.rmtree(self.path)
        barrier()
        found = None
        if self.path.exists() and any(self.path.iterdir()):
            self._refuse_foreign()
            found = self._newest()
        barrier()  # nobody writes before everybody has looked
        if self.ranks.first:
            for folder, _ in self._folders():
                if not (folder / WHOLE).is_file():
                    shutil.rmtree(folder)  # half-written when the run died; the trainer would count it
            self.path.mkdir(parents=True, exist_ok=True)
            _write(self.path / RUN, self.identity)
        barrier()
        return found

    def keep_model(self, folder: Path, epoch: int) -> None:
        """Keep the model of a checkpoint when the checkpoint itself has to go. Hard links: it takes no room twice."""
        if not self.ranks.first:
            return
        kept = self.path / f"epoch-{epoch}"
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir()
        for file in sorted(folder.iterdir()):
            if file.is_file() and file.name.endswith(_OF_A_MODEL) and file.name != "trainer_state.json":
                try:
                    os.link(file, kept / file.name)
                except OSError:  # another file system has no hard links
                    shutil.copy2(file, kept / file.name)

    def models(self) -> list[tuple[int, Path]]:
        """The kept models, by epoch."""
        named = [(re.fullmatch(r"epoch-(\d+)", f.name), f) for f in self.path.iterdir()]
        return sorted((int(match[1]), folder) for match, folder in named if match)

    def close(self, folder: Path, notes: dict[str, Any]) -> None:
        """Mark a checkpoint whole; called by every process once it has written its part."""
        barrier()
        if self.ranks.first:
            _write(folder / WHOLE, notes)

    def release(self) -> None:
        """Let another run write here."""
        if self.held is not None:
            self.held.close()

    def _lock(self) -> None:
        """Held until `release`, or until this process ends, however it ends."""
        beside = self.path.with_name(f".{self.path.name}.lock")
        beside.parent.mkdir(parents=True, exist_ok=True)
        self.held = beside.open("w")
        try:
            fcntl.flock(self.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.release()
            raise TrainingError(f"another run is writing to {self.path}; wait for it, or end it") from error

    def _refuse_foreign(self) -> None:
        try:
            there = json.loads((self.path / RUN).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TrainingError(f"{self.path} is no folder of checkpoints; move it away, or say --out") from error
        differing = sorted(k for k in self.identity.keys() | there.keys() if self.identity.get(k) != there.get(k))
        if differing:
            shown = "; ".join(f"{k} was {there.get(k)!r}, is {self.identity.get(k)!r}" for k in differing)
            raise TrainingError(
                f"{self.path} holds checkpoints of another run ({shown}); go on as it was begun, or start over with "
                "--fresh, which removes them"
            )

    def _newest(self) -> Resume | None:
        whole = [(step, folder) for folder, step in self._folders() if (folder / WHOLE).is_file()]
        if not whole:
            return None
        step, folder = max(whole)
        return Resume(folder, step, json.loads((folder / WHOLE).read_text(encoding="utf-8")))

    def _folders(self) -> list[tuple[Path, int]]:
        if not self.path.is_dir():
            return []
        named = [(f, re.fullmatch(r"checkpoint-(\d+)", f.name)) for f in self.path.iterdir() if f.is_dir()]
        return [(folder, int(match[1])) for folder, match in named if match]


def weights_in(folder: Path) -> dict[str, Any]:
    """The weights of a checkpoint, by name."""
    from safetensors.torch import load_file

    found: dict[str, Any] = {}
    for file in sorted(folder.glob("*.safetensors")):
        found.update(load_file(file))
    if not found:
        raise TrainingError(f"{folder} holds no weights; remove it, and go on from an older checkpoint")
    return found


def logged_loss(folder: Path) -> float:
    """Mean loss of the run a checkpoint belongs to, up to it."""
    return mean_loss(json.loads((folder / "trainer_state.json").read_text(encoding="utf-8"))["log_history"])


def mean_loss(history: Sequence[Mapping[str, Any]]) -> float:
    """Of the lines of progress, which all stand for the same number of steps; nan when there are none."""
    losses = [float(entry["loss"]) for entry in history if "loss" in entry]
    return sum(losses) / len(losses) if losses else float("nan")


def _write(path: Path, value: dict[str, Any]) -> None:
    """Whole or not at all."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    os.replace(beside, path)
