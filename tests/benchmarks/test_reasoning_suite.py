"""The reasoning fragment of the R1 suites is a suite's part that can be planned anywhere, with or without the data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dsafe_runner.errors import ConfigError
from dsafe_runner.plan import Plan, make_plan
from dsafe_runner.suite.load import load_suite

R1 = Path(__file__).parents[2] / "suites" / "r1-distill"
MODELS = """
suite: reasoning
engines: {local: {backend: transformers}}
models:
  distilled: {path: ./d, engine: local, reasoning: deepseek-r1}
  safe: {path: ./s, engine: local, reasoning: deepseek-r1}
"""


@pytest.fixture(autouse=True)
def _without_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path / "nothing"))


def planned(tmp_path: Path, text: str) -> Plan:
    path = tmp_path / "x.safety.yaml"
    path.write_text(MODELS + text, "utf-8")
    return make_plan(load_suite(path))


def test_the_fragment_gives_checks(tmp_path: Path) -> None:
    plan = planned(tmp_path, f"include: {os.path.relpath(R1 / 'reasoning.fragment.yaml', tmp_path)}\n")
    ids = [check.id for check in plan.checks]
    assert "safe::math/overall[pass-at-1-drop.vs.distilled]" in ids
    assert [check.n for check in plan.checks[:3]] == [500 * 4, 198 * 16, 279 * 8]
    assert len(ids) == 3 + 7 + 3 + 3
    for measurement in plan.measurements.values():
        sampling = measurement.sampling
        assert (sampling.temperature, sampling.top_p, sampling.max_tokens) == (0.6, 0.95, 32768)


def test_every_family_can_include_it(tmp_path: Path) -> None:
    for family in sorted(R1.glob("*.safety.yaml")):
        text = family.read_text("utf-8")
        joined = text.replace(
            "include: common.fragment.yaml", "include: [common.fragment.yaml, reasoning.fragment.yaml]"
        )
        assert joined != text
        for name in ("common", "reasoning"):
            (tmp_path / f"{name}.fragment.yaml").write_text((R1 / f"{name}.fragment.yaml").read_text("utf-8"), "utf-8")
        (tmp_path / family.name).write_text(joined, "utf-8")
        plan = make_plan(load_suite(tmp_path / family.name))
        assert "safe::code/hard[pass-at-1-guard.vs.distilled]" in {check.id for check in plan.checks}


@pytest.mark.parametrize(
    ("use", "said"),
    [
        ("use: math-500, window: {since: 2024-08-01}", "math-500 takes no window, only livecodebench/v1, "),
        ("use: livecodebench/v1, window: {since: 2024-08-01}", "livecodebench/v1 has no problem from 2024-08-01 to"),
        ("use: livecodebench/v5, window: {since: soon}", 'since: "soon" is not a date'),
        ("use: livecodebench/v7", "did you mean"),
        ("use: math-500, scoring: letters", "scoring: letters needs multiple-choice items, which math-500 has not"),
        ("use: livecodebench/v5, judge: j", "unknown judge"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, use: str, said: str) -> None:
    text = f"benchmarks: {{b: {{{use}}}}}\nthresholds: [{{benchmark: b, metric: pass@1, model: safe, min: 0.5}}]\n"
    with pytest.raises(ConfigError, match=r"x\.safety\.yaml:7:") as caught:
        planned(tmp_path, text)
    assert said in str(caught.value)


def test_a_slice_outside_the_window_is_a_mistake(tmp_path: Path) -> None:
    text = (
        "benchmarks: {b: {use: livecodebench/v5, window: {since: 2024-08-01}}}\n"
        "thresholds: [{benchmark: b, metric: pass@1, model: safe, slices: [codeforces], min: 0.5}]\n"
    )
    with pytest.raises(ConfigError, match="slice 'codeforces' of livecodebench/v5 has no items"):
        planned(tmp_path, text)
