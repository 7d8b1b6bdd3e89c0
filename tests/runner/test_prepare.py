"""What asking will cost, told before anything is asked."""

from __future__ import annotations

from pathlib import Path

from dsafe_runner.commands.check import check_files
from dsafe_runner.engines.base import Identified
from dsafe_runner.records import Message, Request, Sampling
from dsafe_runner.runner.jobs import Job

MODEL = Path(__file__).parents[2] / "recipes/tiny/models/base"


def job(scoring="generate", **described):
    sampling = Sampling(max_tokens=48, scoring=scoring)
    pending = [Request(f"k{i}", f"s{i}", 0, (Message("user", "?"),), sampling, 1) for i in range(12)]
    return Job("m", {}, ({}, {}), Identified({}, "cpu"), None, {"m::b": pending}, pending, described)


def test_tokens_and_seconds_of_what_is_not_stored():
    assert job().most_new_tokens == 12 * 48
    assert job("letters").most_new_tokens == 12
    assert job(responses_per_second=2.0).seconds == 6
    assert job().seconds is None


def test_dsafe_check_plan_counts_as_the_measure_phase_does(tmp_path, capsys):
    suite = tmp_path / "x.safety.yaml"
    suite.write_text(f"""\
suite: x
engines: {{local: {{backend: transformers, device: cpu}}}}
models:
  base: {{path: {MODEL}, stage: base, engine: local}}
benchmarks:
  mcq: {{use: tiny/mcq, scoring: letters}}
thresholds:
  - {{benchmark: mcq, metric: acc, model: base, min: 0.5}}
""")
    assert check_files([suite], list_ids=False, show_plan=True, store=tmp_path / "store.sqlite") == 0
    assert "300 responses, 0 stored, 300 to ask, at most 300 new tokens\n" in capsys.readouterr().out
