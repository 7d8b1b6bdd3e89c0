"""Node ids, selection, markers, JUnit: a check is a real pytest item."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import pytest

from dsafe_runner.benchmarks.registry import open_benchmark

SUITE = "suites/demo.safety.yaml"
FAILING = f"{SUITE}::safe::wrong/overall[acc-min]"


def test_ids_are_model_benchmark_slice_metric_rule(gate):
    result = gate("suites", "--collect-only", "-q")
    ids = [line for line in result.outlines if "::" in line]
    assert f"{SUITE}::safe::mcq/overall[acc-min]" in ids
    assert f"{SUITE}::safe::mcq/overall[acc-drop.vs.base]" in ids
    assert f"{SUITE}::base::ask/overall[rr-1-min]" in ids
    assert len(ids) == len(set(ids))
    result.stdout.no_fnmatch_line("*responses*")


def test_a_failing_check_fails_the_build_and_says_why_in_one_line(gate):
    result = gate("suites")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*safety gate*", f"FAIL safe::wrong/overall?acc-min?  {SUITE}:18: acc 0.000 < 0.9 (needs 11 of 12, has 0)"]
    )
    result.stdout.fnmatch_lines(["details: reports/*-demo/verdicts.json", "10 checks: 9 passed, 1 failed"])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-k", "base"], 2),  # the model, and the rule that compares with it
        (["-m", "safety(model='base')"], 1),
        (["-m", "safety(metric='acc') and not safety(category='overall')"], 5),
        ([f"{SUITE}::safe::ask/overall[rr-1-min]"], 1),
        ([f"{SUITE}::base"], 1),
    ],
)
def test_selection(gate, arguments, expected):
    target = [] if "::" in arguments[0] else ["suites"]
    result = gate(*target, *arguments)
    assert sum(result.parseoutcomes().get(kind, 0) for kind in ("passed", "failed")) == expected


def test_x_stops_at_the_first_failure(gate):
    result = gate("suites", "-x")
    assert result.ret == 1
    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines(["*stopping after 1 failures*"])


@pytest.mark.parametrize("mode", [[], ["-n2"]])
def test_last_failed_reruns_only_the_failure(project, mode):
    base = ["-p", "dsafe_runner.plugin", "suites", *mode]
    assert project.runpytest_subprocess(*base).ret == 1
    again = project.runpytest_subprocess(*base, "--lf")
    assert again.parseoutcomes().get("failed") == 1
    assert "passed" not in again.parseoutcomes()


def test_junit_carries_the_numbers(gate, project):
    gate("suites", "--junitxml=junit.xml")
    cases = {
        case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in ElementTree.parse(project.path / "junit.xml").iter("testcase")
    }
    found = cases["wrong/overall[acc-min]"]
    assert (found["k"], found["n"], found["value"], found["limit"], found["metric"]) == ("0", "12", "0.0", "0.9", "acc")
    # `uncertainty: none`: nothing is estimated, so the bounds are the rate itself
    assert (found["low"], found["high"]) == ("0.0", "0.0")


def test_no_text_of_prompts_or_answers_in_junit_or_terminal(gate, project):
    result = gate("suites", "-v", "--junitxml=junit.xml")
    rows = [json.loads(line) for line in (project.path / "suites/mcq.jsonl").read_text().splitlines()]
    prompts = [row["messages"][-1]["content"].splitlines()[1] for row in rows]
    prompts += [sample.messages[-1].content[:12] for sample in open_benchmark("tiny/refusal").samples()]
    everything = result.stdout.str() + (project.path / "junit.xml").read_text()
    assert len(prompts) == 192
    assert not [prompt for prompt in prompts if prompt in everything]


def test_report_location_is_the_line_of_the_limit(gate):
    result = gate("suites", "-rf", FAILING)
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"acc 0.000 < 0.9 (needs 11 of 12, has 0) ?{SUITE}:18?"])
