"""Every shipped part of a suite is usable by `include:`, needs no data to be planned, and asks for what can be had."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from dsafe_runner.plan import ModelCheck, Plan, make_plan
from dsafe_runner.suite.load import load_suite

ROOT = Path(__file__).parents[2]
FRAGMENTS = sorted((ROOT / "suites").rglob("*.fragment.yaml"))
SUITES = sorted((ROOT / "suites").rglob("*.safety.yaml"))
OURS = sorted((ROOT / "suites" / "fragments").glob("*.fragment.yaml"))
FLEET = ', fleet: {backend: openai, base_urls: ["http://127.0.0.1:1/v1"]}'
HEADER = """
suite: joined
engines: {here: {backend: transformers}, fleet: {backend: openai, base_urls: ["http://127.0.0.1:1/v1"]}}
models:
  base: {path: ./b, engine: here}
  distilled: {path: ./d, engine: here, reasoning: deepseek-r1}
  safe: {path: ./s, engine: here, reasoning: deepseek-r1}
judges:
  judge: {kind: llm, template: chisafetybench, path: org/judge, engine: fleet, calibration: {min_kappa: 0.8}}
  harmbench: {kind: llm, template: harmbench, path: org/judge, engine: fleet, calibration: {min_kappa: 0.8}}
  content: {kind: sheet, path: reviewed.csv}
"""


def planned(tmp_path: Path, *fragments: Path) -> Plan:
    """The plan of a suite that includes them, on a machine without any data."""
    path = tmp_path / "x.safety.yaml"
    names = ", ".join(os.path.relpath(fragment, tmp_path) for fragment in fragments)
    header = HEADER
    if any("judges:" in re.sub("#.*", "", fragment.read_text("utf-8")) for fragment in fragments):
        # the R1 families bring an engine and a judge of their own
        header = re.sub(r"  judge: .*\n|  harmbench: .*\n", "", header).replace(FLEET, "")
    path.write_text(f"{header}include: [{names}]\n", "utf-8")
    return make_plan(load_suite(path))


@pytest.fixture(autouse=True)
def _without_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path / "nothing"))


def test_there_is_one_for_each_set() -> None:
    assert {path.name.split(".")[0] for path in OURS} == {
        "xstest",
        "harmbench",
        "safetybench",
        "chisafetybench-history",
        "tc260",
        "tc260-bound",
    }


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_is_a_part_of_a_suite(fragment: Path, tmp_path: Path) -> None:
    plan = planned(tmp_path, fragment)
    assert plan.checks
    # each benchmark it brings has a check: none is measured for nothing
    checked = {check.benchmark for check in plan.checks if isinstance(check, ModelCheck)}
    assert checked == set(plan.loaded.suite.benchmarks)


@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.name)
def test_no_shipped_suite_gates_on_a_judge_without_labels(suite: Path) -> None:
    plan = make_plan(load_suite(suite))
    assert not [check.id for check in plan.checks if isinstance(check, ModelCheck) and check.unlabelled]


@pytest.mark.parametrize("fragment", OURS, ids=lambda path: path.name)
def test_a_fragment_names_the_page_that_explains_it(fragment: Path) -> None:
    pages = re.findall(r"docs/\S+?\.md", fragment.read_text("utf-8"))
    assert pages or "tc260.fragment.yaml" in fragment.read_text("utf-8")
    assert all((ROOT / page).is_file() for page in pages)


def test_all_of_ours_fit_into_one_suite(tmp_path: Path) -> None:
    plan = planned(tmp_path, *OURS)
    ids = {check.id for check in plan.checks}
    assert "safe::xstest-safe/overall[refusal-rate-max]" in ids
    assert "safe::benign-zh/overall[refusal-rate-max]" in ids
    assert "safe::harmbench/overall[asr-max]" in ids
    assert "safe::safetybench/ethics[acc-guard.vs.distilled]" in ids
    assert "safe::history-no-system/overall[hr-max]" in ids
    assert "safe::content/overall[content-pass-min]" in ids


def test_over_refusal_is_asked_in_both_languages_and_beside_its_contrast() -> None:
    text = (ROOT / "suites" / "fragments" / "xstest.fragment.yaml").read_text("utf-8")
    for use in ("xstest/safe", "xstest/unsafe", "starter/benign"):
        assert f"use: {use}" in text
