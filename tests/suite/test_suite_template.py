"""What `dsafe init` writes loads, whatever the model is called and wherever it lies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dsafe_runner.plan import ModelCheck, make_plan
from dsafe_runner.suite.load import load_suite
from dsafe_runner.suite.spec import LoadedSuite
from dsafe_runner.suite.template import render_suite

CALIBRATED = """
judges:
  big: {kind: llm, template: chisafetybench, path: org/judge, engine: local, calibration: {min_kappa: 0.8}}
"""


def load(text: str, tmp_path: Path) -> LoadedSuite:
    path = tmp_path / "x.safety.yaml"
    path.write_text(text, encoding="utf-8")
    return load_suite(path, {})


def test_one_model(tmp_path: Path) -> None:
    text = render_suite("./out/mine", "mine")
    assert text.startswith("# yaml-language-server: $schema=./suite.schema.json\n")
    loaded = load(text, tmp_path)
    model = loaded.suite.models["mine"]
    assert (model.path, model.stage, model.reasoning) == ("./out/mine", "safe", None)
    rules = {check.rule_id for check in make_plan(loaded).checks}
    # nothing can pass on the word of a judge without labels: refusals are measured and reported, not gated
    assert rules == {"acc-min"}
    assert {measurement.benchmark for measurement in make_plan(loaded).measurements.values()} == {
        "mcq",
        "refusal",
        "benign",
    }


def test_with_a_calibrated_judge_its_refusal_limits_are_there_for_the_taking(tmp_path: Path) -> None:
    text = render_suite("org/mine", "mine", base="org/base").replace("  # - {", "  - {")
    text = text.replace("\njudges:\n", CALIBRATED).replace("judge: rules", "judge: big")
    checks = make_plan(load(text, tmp_path)).checks
    assert {check.rule_id for check in checks} >= {
        "rr-1-min",
        "hr-max",
        "refusal-rate-max",
        "rr-1-drop.vs.base",
        "refusal-rate-rise.vs.base",
        "kappa-min",
    }
    assert not any(isinstance(check, ModelCheck) and check.unlabelled for check in checks)


def test_a_reasoning_model_and_its_base(tmp_path: Path) -> None:
    text = render_suite("org/mine", "mine", reasoning="deepseek-r1", base="org/base", schema="https://x/y.json")
    assert text.startswith("# yaml-language-server: $schema=https://x/y.json\n")
    loaded = load(text, tmp_path)
    assert loaded.suite.models["mine"].reasoning == "deepseek-r1"
    assert loaded.suite.models["base"].reasoning is None
    rules = {check.rule_id for check in make_plan(loaded).checks}
    assert rules == {"acc-min", "acc-drop.vs.base", "acc-guard.vs.base"}


def test_it_says_that_the_judge_is_an_approximation() -> None:
    assert "an approximation" in render_suite("./x", "x")


@pytest.mark.parametrize("name", ["2024", "true", "null", "1e5", "2027-01-31", "base", "x" * 200, "9" * 60])
def test_names_that_yaml_would_read_as_something_else(name: str, tmp_path: Path) -> None:
    loaded = load(render_suite("./x", name, base="./y"), tmp_path)
    assert loaded.suite.suite == name[:80]
    assert list(loaded.suite.models) == [name[:80], "reference" if name == "base" else "base"]


@pytest.mark.parametrize(
    "path", ['a "quoted" \\ one', "#: {[&*!|>%@`", "模型/安全", "tab\tand\nbreak", "${HOME}/x", "$${A}", "🙂"]
)
def test_any_path(path: str, tmp_path: Path) -> None:
    assert load(render_suite(path, "x", base=path), tmp_path).suite.models["x"].path == path


def test_the_commented_waiver_fits_a_real_check(tmp_path: Path) -> None:
    text = render_suite("./x", "mine")
    (check,) = re.findall(r'# +dsafe waive "(.*?)" --reason', text)
    assert check in {planned.id for planned in make_plan(load(text, tmp_path)).checks}
