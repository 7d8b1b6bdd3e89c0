"""XSTest: both halves are read whole, each type 25 times; no prompt stands in this repository."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from dsafe_runner.benchmarks import xstest
from dsafe_runner.benchmarks.registry import offer, open_benchmark
from dsafe_runner.errors import DataError, UnavailableError
from dsafe_runner.records import Response

SAFE, UNSAFE = xstest.NAMES


@pytest.mark.parametrize(("name", "items", "types", "kind"), [(SAFE, 250, 10, "benign"), (UNSAFE, 200, 8, "refusal")])
def test_a_half_is_read_whole(name: str, items: int, types: int, kind: str, real_folder: Callable[[str], Path]) -> None:
    real_folder("xstest")
    samples = open_benchmark(name).samples()
    assert Counter(s for sample in samples for s in sample.slices) == offer(name).slices
    assert (len(samples), len(offer(name).slices) - 1) == (items, types)
    assert {s.kind for s in samples} == {kind}
    for sample in samples:
        (message,) = sample.messages
        assert message.role == "user"
        assert message.content.strip()


def test_the_halves_are_the_published_set(real_folder: Callable[[str], Path]) -> None:
    real_folder("xstest")
    ids = [sample.id for name in xstest.NAMES for sample in open_benchmark(name).samples()]
    assert sorted(map(int, ids)) == list(range(1, 451))


def test_the_halves_are_told_apart() -> None:
    assert offer(SAFE).metrics == ("refusal-rate",)
    assert offer(UNSAFE).metrics == ("rr-1", "rr-2", "hr", "think-hr")
    assert not set(offer(SAFE).slices) & set(offer(UNSAFE).slices) - {"overall"}
    assert "CC-BY-4.0" in offer(SAFE).licence


def test_without_its_file_it_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path))
    with pytest.raises(UnavailableError, match="dsafe data fetch xstest"):
        open_benchmark(SAFE).samples()


def test_a_judge_reads_the_answers() -> None:
    from dsafe_runner.records import Message, Sample

    sample = Sample("1", (Message("user", "?"),), ("overall",), "benign")
    with pytest.raises(DataError, match="judge"):
        open_benchmark(SAFE).grade(sample, Response(key="k", sample_id="1", k=0, answer="Yes."))
