"""What a worker reads of a run: whole, and of the very suite it decides."""

from __future__ import annotations

import pytest

from dsafe_runner.errors import EvidenceError
from dsafe_runner.records import Outcome, Score
from dsafe_runner.runner.measured import Run
from dsafe_runner.runner.run_folder import read_run, write_run
from dsafe_runner.verdicts.evidence import fill


def run():
    evidence = fill("m::b", 1, {"s0": ("overall",)}, [Score("s0", 0, Outcome.RIGHT, response_key="k")])
    return Run({"m::b": evidence}, {"x::b": "not here"}, {"y::b": "broken"}, manifest={"suite": {"sha256": "abc"}})


def test_a_run_survives_its_folder(tmp_path):
    write_run(tmp_path, run(), required=True)
    found, required = read_run(tmp_path, "abc")
    assert required
    assert found.unavailable == {"x::b": "not here"}
    assert found.failed == {"y::b": "broken"}
    assert "m::b" in found.evidence
    assert found.evidence["m::b"].scores["s0"][0].outcome is Outcome.RIGHT


def test_another_text_of_the_suite_is_not_decided_on_it(tmp_path):
    write_run(tmp_path, run(), required=False)
    with pytest.raises(EvidenceError, match="changed after it was measured"):
        read_run(tmp_path, "abd")


def test_a_folder_without_a_run_decides_nothing(tmp_path):
    with pytest.raises(EvidenceError, match="no measured run here"):
        read_run(tmp_path, "abc")
