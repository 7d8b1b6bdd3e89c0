"""The path of a notebook: load_suite, make_plan, a Run, decide."""

from __future__ import annotations

import pytest

from dsafe_runner import decide, load_suite, make_plan
from dsafe_runner.errors import EvidenceError, UnavailableError
from dsafe_runner.records import Outcome, Score, Status
from dsafe_runner.runner.measured import Run
from dsafe_runner.verdicts.evidence import fill

SUITE = """\
suite: notebook
engines: {local: {backend: transformers}}
models:
  base: {path: ./base, stage: base, engine: local}
  safe: {path: ./safe, stage: safe, engine: local}
benchmarks:
  mcq: {use: tiny/mcq}
thresholds:
  - {benchmark: mcq, metric: acc, model: [base, safe], min: 0.5}
  - {benchmark: mcq, metric: acc, model: safe, versus: base, max_drop: 0.1}
policy: {uncertainty: none}
"""
BASE, SAFE, DROP = "base::mcq/overall[acc-min]", "safe::mcq/overall[acc-min]", "safe::mcq/overall[acc-drop.vs.base]"


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "notebook.safety.yaml"
    path.write_text(SUITE)
    return make_plan(load_suite(path))


def evidence(measurement, outcome):
    items = [f"s{i}" for i in range(10)]
    scores = [Score(item, 0, outcome) for item in items]
    return fill(measurement, 1, dict.fromkeys(items, ("overall",)), scores)


def test_verdicts_on_a_run(plan):
    run = Run({f"{name}::mcq": evidence(f"{name}::mcq", Outcome.RIGHT) for name in ("base", "safe")})
    assert {key: one.verdict.status for key, one in decide(plan, run).items()} == {
        BASE: Status.PASS,
        SAFE: Status.PASS,
        DROP: Status.PASS,
    }


def test_what_was_not_measured_is_inconclusive_not_absent(plan):
    run = Run({"safe::mcq": evidence("safe::mcq", Outcome.RIGHT)}, unavailable={"base::mcq": "base: no weights"})
    results = decide(plan, run)
    assert {key: one.verdict.status for key, one in results.items()} == {
        BASE: Status.INCONCLUSIVE,
        SAFE: Status.PASS,
        DROP: Status.INCONCLUSIVE,
    }
    assert results[DROP].line == results[DROP].verdict.reason == "base: no weights"
    assert list(decide(plan, Run(), plan.checks[:1])) == [BASE]
    assert decide(plan, Run())[SAFE].line == "safe::mcq was not measured"


def test_require_says_why(plan):
    by_id = {check.id: check for check in plan.checks}
    with pytest.raises(EvidenceError, match="crashed"):
        Run(failed={"base::mcq": "crashed"}).require(by_id[BASE])
    with pytest.raises(UnavailableError, match="no weights"):
        Run({"safe::mcq": evidence("safe::mcq", Outcome.RIGHT)}, {"base::mcq": "no weights"}).require(by_id[DROP])
