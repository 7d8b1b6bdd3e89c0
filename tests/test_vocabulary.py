"""A fact about a metric stands once: one entry, and everything that speaks of metrics knows it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from plugin.recorded_suite import write_recorded

from dsafe_runner.errors import DsafeError
from dsafe_runner.judges.agreement import labelled, measure
from dsafe_runner.statistics.kappa import kappa
from dsafe_runner.vocabulary import ACC, LIMITS, METRICS, Metric, Rule, register

ENTRY = """
import sys
from dsafe_runner.records import Outcome
from dsafe_runner.vocabulary import Metric, register
register(Metric("wrong-rate", "wrong", False, outcomes=frozenset({Outcome.WRONG}), kinds=("mcq",)))
"""


def after_entry(folder: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program that adds the metric and goes on with `code`."""
    argv = [sys.executable, "-c", ENTRY + code, *arguments]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_a_metric_is_one_entry(tmp_path):
    suite = write_recorded(tmp_path)
    suite.write_text(suite.read_text() + "  - {benchmark: mcq, metric: wrong-rate, model: safe, max: 0.2}\n")
    cli = "from dsafe_runner.cli import main\nsys.exit(main(sys.argv[1:]))"

    schema = after_entry(tmp_path, "from dsafe_runner.suite.schema import schema_text\nprint(schema_text())")
    fields = json.loads(schema.stdout)["$defs"]["Threshold"]["properties"]
    assert "wrong-rate" in fields["metric"]["description"]
    assert "wrong-rate" in fields["max_rise"]["description"]
    assert "wrong-rate" not in fields["max_drop"]["description"]

    listed = after_entry(tmp_path, cli, "data", "list")
    assert "wrong-rate" in next(line for line in listed.stdout.splitlines() if line.startswith("starter/mcq"))

    checked = after_entry(tmp_path, cli, "check", str(suite), "--list")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "safe::mcq/overall[wrong-rate-max]" in checked.stdout

    gate = "import pytest\nsys.exit(pytest.main(sys.argv[1:]))"
    run = after_entry(tmp_path, gate, "-p", "no:cacheprovider", "--dsafe-reports=reports", str(suite))
    assert run.returncode == 0, run.stdout + run.stderr
    assert "wrong-rate" in run.stdout
    (verdicts,) = (tmp_path / "reports").glob("*/verdicts.json")
    (check,) = [one for one in json.loads(verdicts.read_text())["checks"] if one["metric"] == "wrong-rate"]
    assert (check["status"], check["rule"], check["estimate"]["k"], check["estimate"]["n"]) == ("PASS", "max", 0, 40)


@pytest.mark.parametrize(
    "metric",
    [ACC, Metric("neither", "", True), Metric("both", "", True, outcomes=ACC.outcomes, classes=frozenset({0}))],
)
def test_an_entry_that_cannot_be_meant_is_an_error(metric):
    before = dict(METRICS)
    with pytest.raises(DsafeError, match=metric.name):
        register(metric)
    assert before == METRICS


def test_a_rule_and_its_opposite():
    assert {rule: rule.opposite for rule in LIMITS} == {
        Rule.MIN: Rule.MAX,
        Rule.MAX: Rule.MIN,
        Rule.DROP: Rule.RISE,
        Rule.RISE: Rule.DROP,
        Rule.GAIN: Rule.FALL,
        Rule.FALL: Rule.GAIN,
    }
    assert [rule for rule in Rule if rule.down] == [Rule.DROP, Rule.FALL]


@pytest.mark.parametrize(
    ("rule", "inside", "outside"),
    [
        (Rule.MIN, 0.3, 0.29),
        (Rule.MAX, 0.3, 0.31),
        (Rule.DROP, -0.3, -0.31),
        (Rule.RISE, 0.3, 0.31),
        (Rule.GAIN, 0.3, 0.29),
        (Rule.FALL, -0.3, -0.29),
    ],
)
def test_what_a_rule_holds(rule, inside, outside):
    assert rule.holds(inside, 0.3)
    assert not rule.holds(outside, 0.3)


def test_kappa_is_one_function():
    rows = [row for row in labelled() if row.split == "test"]
    found = kappa([(row.label, 2) for row in rows], 0.95)
    assert measure(lambda reply: 2, "test").kappa == found.value
    # two readers who know one class only: agreement beyond chance is not defined, and nothing is known
    unanimous = kappa([(2, 2)] * 5, 0.95)
    assert (unanimous.value, unanimous.low, unanimous.high) == (0.0, -1.0, 1.0)
