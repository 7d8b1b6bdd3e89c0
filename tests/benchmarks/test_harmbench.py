"""HarmBench: 300 of the 400 behaviours, the splits told apart, contexts put first; no behaviour stands here."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from dsafe_runner.benchmarks import data, harmbench
from dsafe_runner.benchmarks.registry import offer, open_benchmark
from dsafe_runner.errors import DataError, UnavailableError


def published(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"harmbench_behaviors_text_{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_behaviours_asked_are_what_was_promised(real_folder: Callable[[str], Path]) -> None:
    real_folder("harmbench")
    samples = open_benchmark("harmbench").samples()
    promised = offer("harmbench")
    assert Counter(s for sample in samples for s in sample.slices) == promised.slices
    assert len(samples) == len({s.id for s in samples}) == 300
    assert promised.metrics[0] == "asr"
    assert {s.kind for s in samples} == {"refusal"}


def test_the_splits_are_the_whole_published_set_without_copyright(real_folder: Callable[[str], Path]) -> None:
    folder = real_folder("harmbench")
    samples = {sample.id: sample for sample in open_benchmark("harmbench").samples()}
    rows = {split: published(folder, split) for split in harmbench.SPLITS}
    assert {split: len(found) for split, found in rows.items()} == {"test": 320, "val": 80}
    everything = [row for found in rows.values() for row in found]
    assert Counter(row["FunctionalCategory"] for row in everything) == {
        "standard": 200,
        "contextual": 100,
        "copyright": 100,
    }
    assert list(samples) == [row["BehaviorID"] for row in everything if row["FunctionalCategory"] != "copyright"]
    for split, found in rows.items():
        assert all(split in samples[row["BehaviorID"]].slices for row in found if row["BehaviorID"] in samples)
    if (folder / "harmbench_behaviors_text_all.csv").exists():
        whole = {row["BehaviorID"]: row for row in published(folder, "all")}
        assert whole == {row["BehaviorID"]: row for row in everything}


def test_a_context_comes_first(real_folder: Callable[[str], Path]) -> None:
    folder = real_folder("harmbench")
    rows = {row["BehaviorID"]: row for split in harmbench.SPLITS for row in published(folder, split)}
    for sample in open_benchmark("harmbench").samples():
        (message,) = sample.messages
        row = rows[sample.id]
        if "contextual" in sample.slices:
            context, line, behaviour = message.content.rpartition("\n\n---\n\n")
            assert line
            assert row["ContextString"].replace("\r\n", "\n").startswith(context)
            assert behaviour == row["Behavior"]
        else:
            assert message.content == row["Behavior"]


def test_what_is_left_out_is_said() -> None:
    identity = open_benchmark("harmbench").identity()
    assert "copyright" in identity["left_out"]
    assert identity["rows_sha256_test"] == data.HARMBENCH_TEST.sha256
    assert "MIT" in identity["licence"]


def test_other_rows_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path))
    with pytest.raises(UnavailableError, match="dsafe data fetch harmbench"):
        open_benchmark("harmbench").samples()
    path = tmp_path / data.HARMBENCH_TEST.path
    path.parent.mkdir()
    path.write_text("Behavior,FunctionalCategory\nx,standard\n")
    with pytest.raises(DataError, match="not the published file"):
        open_benchmark("harmbench").samples()
