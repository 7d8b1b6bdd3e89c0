"""Which checkpoints a run goes on from: whole ones of its own."""

from __future__ import annotations

import pytest

from dsafe_runner.errors import TrainingError
from dsafe_runner.training.checkpoints import CheckpointFolder
from dsafe_runner.training.ranks import Ranks

RUN = {"recipe": "r", "seed": 1, "processes": 2}


def folder(path, **other):
    return CheckpointFolder(path, {**RUN, **other}, Ranks())


def add(made, step, whole=True):
    at = made.path / f"checkpoint-{step}"
    at.mkdir()
    (at / "model.safetensors").write_bytes(b"x")
    if whole:
        made.close(at, {"step": step, "looks": []})


def test_starts_from_nothing_and_goes_on_from_the_newest_whole_one(tmp_path):
    made = folder(tmp_path / "c")
    assert made.open(fresh=False) is None
    for step, whole in ((5, True), (10, True), (15, False)):
        add(made, step, whole)
    made.release()
    found = folder(tmp_path / "c").open(fresh=False)
    assert (found.step, found.notes["step"], found.folder.name) == (10, 10, "checkpoint-10")
    assert not (tmp_path / "c" / "checkpoint-15").exists()


def test_another_run_is_refused_with_what_differs(tmp_path):
    made = folder(tmp_path / "c")
    made.open(fresh=False)
    add(made, 5)
    made.release()
    with pytest.raises(TrainingError, match=r"another run \(processes was 2, is 4; seed was 1, is 2\).*--fresh"):
        folder(tmp_path / "c", seed=2, processes=4).open(fresh=False)
    assert folder(tmp_path / "c", seed=2).open(fresh=True) is None
    assert [f.name for f in (tmp_path / "c").iterdir()] == ["run.json"]


def test_two_runs_never_write_to_one_folder(tmp_path):
    first = folder(tmp_path / "c")
    first.open(fresh=False)
    with pytest.raises(TrainingError, match="another run is writing"):
        folder(tmp_path / "c").open(fresh=True)
    first.release()
    folder(tmp_path / "c").open(fresh=False)


def test_a_folder_that_is_not_ours_is_never_emptied(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    for fresh in (False, True):
        with pytest.raises(TrainingError, match="no folder of checkpoints"):
            folder(tmp_path).open(fresh=fresh)
    assert (tmp_path / "mine.txt").exists()
