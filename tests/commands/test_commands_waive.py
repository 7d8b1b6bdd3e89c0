"""`dsafe waive`, end to end: a failure is excused as bad as a run found it, and nothing worse."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dsafe_runner.cli import main
from dsafe_runner.errors import ConfigError
from dsafe_runner.plan import make_plan
from dsafe_runner.runner.measured import decide
from dsafe_runner.runner.run import measure
from dsafe_runner.suite.load import load_suite
from dsafe_runner.verdicts.waivers import Result

ROOT = Path(__file__).parents[2]
ITEMS = 120
SUITE = """\
# the gate of a release
suite: demo
engines: {log: {backend: replay, match: id}}
models:
  safe:   {path: ./safe.jsonl, engine: log}    # the candidate
  dist:   {path: ./dist.jsonl, engine: log}
benchmarks: {mcq: {use: custom, path: mcq.jsonl}}
thresholds:
  - {benchmark: mcq, metric: acc, model: [safe, dist], min: 0.95}
  - {benchmark: mcq, metric: acc, model: safe, versus: dist, role: guard}
"""
MINE, GUARD, THEIRS = (
    "safe::mcq/overall[acc-min]",
    "safe::mcq/overall[acc-guard.vs.dist]",
    "dist::mcq/overall[acc-min]",
)
SOON = (datetime.date.today() + datetime.timedelta(90)).isoformat()
WHO = ["--reason", "known since the distillation", "--owner", "wang"]


def answers(path: Path, right: int) -> None:
    rows = [
        {"benchmark": "mcq", "sample_id": f"q{i}", "k": 0, "answer": "A" if i < right else "B", "finish": "stop"}
        for i in range(ITEMS)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def suite(tmp_path, monkeypatch):
    """A suite of which `safe` fails two checks at 102 of 120."""
    items = [
        {"id": f"q{i}", "kind": "mcq", "question": f"Which letter is {i}?", "options": ["this", "that"], "answer": "A"}
        for i in range(ITEMS)
    ]
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites/mcq.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    answers(tmp_path / "suites/safe.jsonl", 102)
    answers(tmp_path / "suites/dist.jsonl", 120)
    (tmp_path / "suites/demo.safety.yaml").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    return Path("suites/demo.safety.yaml")


def gate() -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CI": ""}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "dsafe_runner.plugin", "suites"],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )


def results(suite: Path) -> dict[str, tuple[Result, str]]:
    plan = make_plan(load_suite(suite))
    run = measure(plan, store=Path("other.sqlite"), folder=Path("elsewhere"))
    return {check: (one.result, one.line) for check, one in decide(plan, run).items()}


def test_a_failure_is_waived_as_bad_as_it_is_and_no_worse(suite, capsys):
    assert gate().returncode == 1
    assert main(["waive", MINE, *WHO, "--until", SOON]) == 0
    assert main(["waive", GUARD, *WHO, "--permanent", "--suite", str(suite)]) == 0
    assert f"{MINE}: excuses 0.85" in capsys.readouterr().out
    text = suite.read_text()
    assert text.startswith(SUITE)
    assert f"until: {SOON}" in text
    waived = gate()
    assert waived.returncode == 0, waived.stdout
    assert ", 0.85 is excused" in waived.stdout
    assert f"waived until {SOON}: known since the distillation (owner wang)" in waived.stdout
    assert ", -0.15 is excused" in waived.stdout
    # a little worse, and nothing that 120 items could show
    answers(suite.parent / "safe.jsonl", 99)
    assert {result for result, _ in results(suite).values()} == {Result.PASSED, Result.WAIVED}
    answers(suite.parent / "safe.jsonl", 2)
    found = results(suite)
    for check, value in ((MINE, "0.85"), (GUARD, "-0.15")):
        assert found[check][0] is Result.FAILED
        assert f"its waiver excuses {value}, and this is proven worse (owner wang)" in found[check][1]


def test_where_answers_are_missing_the_worst_they_may_be_is_excused(suite):
    rows = (suite.parent / "safe.jsonl").read_text().splitlines(keepends=True)
    (suite.parent / "safe.jsonl").write_text("".join(rows[1:]))
    gate()
    assert main(["waive", MINE, *WHO, "--permanent"]) == 0
    # 101 right of 119 that are there
    assert load_suite(suite).suite.waivers[0].value == 0.8416
    assert results(suite)[MINE][0] is Result.WAIVED


def test_without_uncertainty_any_worse_value_is_worse(suite):
    suite.write_text(f"{SUITE}policy: {{uncertainty: none}}\n")
    gate()
    assert main(["waive", MINE, *WHO, "--permanent"]) == 0
    assert results(suite)[MINE][0] is Result.WAIVED
    answers(suite.parent / "safe.jsonl", 101)
    assert results(suite)[MINE][0] is Result.FAILED


def test_a_pattern_names_a_value_of_each_check_and_can_be_renewed(suite):
    gate()
    for reason in ("first", "second"):
        said = ["--reason", reason, "--owner", "li", "--permanent"]
        assert main(["waive", "safe::*", *said, "--suite", str(suite)]) == 0
    loaded = load_suite(suite)
    (waiver,) = loaded.suite.waivers
    assert waiver.reason == "second"
    assert waiver.value == {MINE: 0.85, GUARD: -0.15}


def test_what_does_not_fail_is_not_waived(suite, capsys):
    gate()
    for check in (THEIRS, "*::mcq/*"):
        assert main(["waive", check, *WHO, "--permanent"]) == 4
        assert f"{THEIRS} did not fail in reports/" in capsys.readouterr().err
    assert main(["waive", "safe::nothing", *WHO, "--permanent"]) == 4
    assert suite.read_text() == SUITE


def test_a_waiver_that_cannot_be_meant_is_not_written(suite, capsys):
    gate()
    far = (datetime.date.today() + datetime.timedelta(400)).isoformat()
    for more, line in (
        ([*WHO, "--until", far], "more than a year ahead"),
        (["--reason", " ", "--owner", "wang", "--permanent"], "has a blank reason"),
    ):
        assert main(["waive", MINE, *more]) == 2
        said = capsys.readouterr().err
        assert said.startswith("suites/demo.safety.yaml:")
        assert line in said
    assert suite.read_text() == SUITE
    assert [path.name for path in suite.parent.iterdir() if path.name.startswith(".")] == []


def test_without_a_run_it_says_how_to_make_one(suite, capsys):
    assert main(["waive", MINE, *WHO, "--permanent", "--suite", str(suite)]) == 4
    assert "run `pytest suites/demo.safety.yaml` first" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("waiver", "line"),
    [
        (f'check: "{MINE}"', "does not say which value it excuses"),
        (f'check: "{MINE}", value: 0.97', "0.97 is inside the limit of"),
        (f'check: "{MINE}", value: 85', "85 is no value of"),
        (f'check: "{MINE}", value: -0.1', "-0.1 is no value of"),
        (f'check: "{GUARD}", value: 0.0', "0 is inside the limit of"),
        ('check: "safe::*", value: 0.85', "is a pattern with one value for all checks"),
        (f'check: "safe::*", value: {{"{MINE}": 0.85}}', f"names no value of {GUARD}"),
        (f'check: "{MINE}", value: {{"{MINE}": 0.85, "{THEIRS}": 0.5}}', f"does not cover {THEIRS}"),
        ('check: "*"', "would cover every check"),
        (f'check: "*mcq*", value: {{"{MINE}": 0.8, "{GUARD}": -0.1, "{THEIRS}": 0.8}}', "covers all 3 checks"),
    ],
)
def test_what_a_waiver_may_not_say(suite, waiver, line):
    suite.write_text(f"{SUITE}waivers:\n  - {{{waiver}, reason: known, owner: wang, permanent: true}}\n")
    with pytest.raises(ConfigError) as caught:
        make_plan(load_suite(suite))
    assert line in str(caught.value)


def test_a_value_that_excuses_everything_must_be_what_is_seen(suite):
    waiver = f'  - {{check: "{MINE}", value: 0.0, reason: known, owner: wang, permanent: true}}\n'
    suite.write_text(f"{SUITE}waivers:\n{waiver}")
    result, line = results(suite)[MINE]
    assert result is Result.FAILED
    assert "excuses 0, which is any value at all" in line
    answers(suite.parent / "safe.jsonl", 0)
    assert results(suite)[MINE][0] is Result.WAIVED


def test_check_tells_the_expired_ones(suite, capsys):
    waiver = f'  - {{check: "{MINE}", value: 0.85, reason: known, owner: wang, until: 2026-01-31}}\n'
    suite.write_text(f"{SUITE}waivers:\n{waiver}")
    assert main(["check", str(suite)]) == 0
    said = capsys.readouterr().out
    assert f"suites/demo.safety.yaml:12:91: waiver {MINE} expired on 2026-01-31; 1 checks fail again" in said
