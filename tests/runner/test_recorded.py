"""A run measured on one machine and decided on another: only what still fits the suite counts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dsafe_runner.cli import main
from dsafe_runner.errors import DataError
from dsafe_runner.plan import make_plan
from dsafe_runner.records import Status
from dsafe_runner.runner.measured import decide
from dsafe_runner.runner.run import measure
from dsafe_runner.suite.load import load_suite

MODEL = Path(__file__).parents[2] / "recipes/tiny/models/base"
SUITE = """\
suite: here
seed: {seed}
engines:
  local: {{backend: transformers, device: cpu, threads: 1}}
  small: {{backend: transformers, device: cpu, threads: 1, max_batch_size: 4}}
models:
  base: {{path: {path}, stage: base, engine: local{more}}}
benchmarks:
  mcq: {{use: tiny/mcq, scoring: letters}}
  reasoning: {{use: tiny/reasoning, sampling: {{max_tokens: {budget}}}}}
thresholds:
  - {{benchmark: mcq, metric: acc, model: base, min: 0.2}}
  - {{benchmark: reasoning, metric: pass@1, model: base, min: {limit}}}
"""


def write(folder: Path, *, path: object = MODEL, limit: float = 0.01, budget: int = 4, seed: int = 0, more: str = ""):
    file = folder / "x.safety.yaml"
    file.write_text(SUITE.format(path=path, limit=limit, budget=budget, seed=seed, more=more))
    return file


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """The run folder that `dsafe measure --engine` left."""
    here = tmp_path_factory.mktemp("elsewhere")
    arguments = ["measure", str(write(here)), "--engine", "small", "--store", str(here / "s"), "--reports", str(here)]
    assert main(arguments) == 0
    return next(here.glob("*-here"))


def decided(suite: Path, folder: Path, tmp_path: Path):
    plan = make_plan(load_suite(suite))
    run = measure(plan, store=tmp_path / "never.sqlite", folder=tmp_path / "run", replay=folder)
    assert not (tmp_path / "never.sqlite").exists()
    return {key: one.verdict for key, one in decide(plan, run).items()}, run


def test_decided_without_a_model(elsewhere, tmp_path):
    verdicts, run = decided(write(tmp_path), elsewhere, tmp_path)
    assert {v.status for v in verdicts.values()} == {Status.PASS}
    assert not run.warnings
    assert run.manifest["models"]["base"]["engine"]["max_batch_size"] == 4


def test_a_changed_limit_needs_no_new_run(elsewhere, tmp_path):
    verdicts, _ = decided(write(tmp_path, limit=0.9), elsewhere, tmp_path)
    assert [v.status for v in verdicts.values()].count(Status.FAIL) <= 1


def test_changed_sampling_finds_no_response(elsewhere, tmp_path):
    verdicts, run = decided(write(tmp_path, budget=5), elsewhere, tmp_path)
    assert verdicts["base::reasoning/overall[pass-at-1-min]"].status is Status.INCONCLUSIVE
    assert any("are not in" in line for line in run.warnings)
    assert any("answer nothing this suite asks" in line for line in run.warnings)


def test_another_model_or_way_of_asking_is_an_error(elsewhere, tmp_path):
    for suite in (write(tmp_path, path="some/other"), write(tmp_path, more=", system_prompt: hello")):
        verdicts, run = decided(suite, elsewhere, tmp_path)
        assert {v.status for v in verdicts.values()} == {Status.INCONCLUSIVE}
        assert all("measure again" in reason for reason in run.failed.values())


def test_no_run_there_and_a_damaged_one(elsewhere, tmp_path):
    suite = write(tmp_path)
    assert main(["check", str(suite)]) == 0
    plan = make_plan(load_suite(suite))
    with pytest.raises(Exception, match="holds no recorded run"):
        measure(plan, folder=tmp_path / "run", replay=tmp_path / "nothing")
    copy = tmp_path / "copy"
    (copy / "responses").mkdir(parents=True)
    (copy / "manifest.json").write_bytes((elsewhere / "manifest.json").read_bytes())
    text = (elsewhere / "responses/base.jsonl").read_text()
    for damaged in (text[:-20], text.replace('"finish": "stop"', '"finish": "error"', 1), text + "[]\n"):
        (copy / "responses/base.jsonl").write_text(damaged)
        with pytest.raises(Exception, match=r"base.jsonl:\d+: is no response"):
            measure(plan, folder=tmp_path / "run", replay=copy)


def copied(elsewhere: Path, tmp_path: Path, rows: str | bytes | None = None, manifest: object = None) -> Path:
    """The recorded run with other rows, or another manifest."""
    copy = tmp_path / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    (copy / "responses").mkdir(parents=True)
    text = (elsewhere / "manifest.json").read_text() if manifest is None else manifest
    (copy / "manifest.json").write_text(text if isinstance(text, str) else json.dumps(text))
    rows = (elsewhere / "responses/base.jsonl").read_text() if rows is None else rows
    (copy / "responses/base.jsonl").write_bytes(rows if isinstance(rows, bytes) else rows.encode())
    return copy


def test_rows_that_are_no_responses_are_one_line_each(elsewhere, tmp_path):
    plan = make_plan(load_suite(write(tmp_path)))
    first, *others = (elsewhere / "responses/base.jsonl").read_text().splitlines()
    wrong = [
        {"k": "x"},
        {"k": True},
        {"key": 5},
        {"thinking": 5},
        {"thinking_open": "no"},
        {"answer": "\ud800"},
        {"letter_logprobs": "abc"},
        {"letter_logprobs": {"A": "x"}},
        {"completion_tokens": None},
    ]
    damaged = ["\n".join([json.dumps({**json.loads(first), **change}), *others]) for change in wrong]
    # a copy that was cut inside a character, and nonsense
    for rows in (*damaged, '{"answer": "拒'.encode()[:-1], b"\xff\xfe", b"[" * 100_000):
        with pytest.raises(DataError, match=r"base.jsonl:1: is no response"):
            measure(plan, folder=tmp_path / "run", replay=copied(elsewhere, tmp_path, rows))


def test_a_manifest_that_is_none_is_one_line(elsewhere, tmp_path):
    plan = make_plan(load_suite(write(tmp_path)))
    good = json.loads((elsewhere / "manifest.json").read_text())
    base = good["models"]["base"]
    for manifest in ([], {}, {**good, "models": []}, "[" * 100_000, "{"):
        with pytest.raises(DataError, match=r"manifest\.json cannot be read"):
            measure(plan, folder=tmp_path / "run", replay=copied(elsewhere, tmp_path, manifest=manifest))
    for entry in ("x", {**base, "identity": "x"}, {"path": base["path"]}):
        manifest = {**good, "models": {"base": entry}}
        verdicts, _ = decided(write(tmp_path), copied(elsewhere, tmp_path, manifest=manifest), tmp_path)
        assert {v.status for v in verdicts.values()} == {Status.INCONCLUSIVE}


def test_two_different_responses_to_one_request_are_an_error_and_the_same_twice_is_one(elsewhere, tmp_path):
    text = (elsewhere / "responses/base.jsonl").read_text()
    verdicts, run = decided(write(tmp_path), copied(elsewhere, tmp_path, text + text), tmp_path)
    assert {v.status for v in verdicts.values()} == {Status.PASS}
    assert not run.warnings
    row = json.loads(text.splitlines()[-1])
    row["answer"] += " or not"
    plan = make_plan(load_suite(write(tmp_path)))
    replay = copied(elsewhere, tmp_path, text + json.dumps(row) + "\n")
    with pytest.raises(DataError, match="a second, different response to one request"):
        measure(plan, folder=tmp_path / "run", replay=replay)


def test_another_revision_is_another_model(elsewhere, tmp_path):
    # what a server serves under a name is told by nothing else
    verdicts, run = decided(write(tmp_path, more=", revision: v2"), elsewhere, tmp_path)
    assert {v.status for v in verdicts.values()} == {Status.INCONCLUSIVE}
    assert all("has revision None for base, the suite says 'v2'" in reason for reason in run.failed.values())


def test_missing_rows_are_missing_responses(elsewhere, tmp_path):
    copy = tmp_path / "copy"
    (copy / "responses").mkdir(parents=True)
    (copy / "manifest.json").write_bytes((elsewhere / "manifest.json").read_bytes())
    rows = (elsewhere / "responses/base.jsonl").read_text().splitlines()
    kept = [row for row in rows if json.loads(row)["benchmark"] == "reasoning"]
    (copy / "responses/base.jsonl").write_text("\n".join(kept) + "\n")
    verdicts, _ = decided(write(tmp_path), copy, tmp_path)
    assert verdicts["base::mcq/overall[acc-min]"].status is Status.INCONCLUSIVE
    assert verdicts["base::reasoning/overall[pass-at-1-min]"].status is Status.PASS


def test_the_pytest_option(elsewhere, pytester):
    suite = write(pytester.path)
    result = pytester.runpytest_subprocess(str(suite), f"--dsafe-replay={elsewhere}")
    result.assert_outcomes(passed=2)
    assert not (pytester.path / ".dsafe").exists()
    nothing = pytester.runpytest_subprocess(str(suite), "--dsafe-replay=nowhere")
    assert nothing.ret == 4
    nothing.stderr.fnmatch_lines(["ERROR: *holds no recorded run*"])


def test_an_engine_the_suite_does_not_have(tmp_path, capsys):
    assert main(["measure", str(write(tmp_path)), "--engine", "smal"]) == 4
    assert "has no engine 'smal'; it has local, small" in capsys.readouterr().err
