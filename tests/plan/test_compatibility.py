"""Judges and engines that cannot do what a suite asks of them are mistakes with a place, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsafe_runner.errors import ConfigError
from dsafe_runner.plan import make_plan
from dsafe_runner.suite.load import load_suite

HEAD = """\
suite: x
engines:
  local: {backend: transformers}
  fleet: {backend: openai, base_urls: ["http://127.0.0.1:9/v1"]}
  past: {backend: replay}
models:
  base: {path: a/b, engine: local}
  thinker: {path: a/c, engine: fleet, reasoning: deepseek-r1}
  old: {path: ./outputs, engine: past}
judges:
  rules: {kind: rules}
  guard: {kind: llm, template: guard, path: q/guard, engine: fleet}
  big: {kind: llm, template: chisafetybench, path: q/72b, engine: fleet, calibration: {min_kappa: 0.8}}
  yesno: {kind: llm, template: harmbench, path: q/72b, engine: fleet}
  people: {kind: sheet, path: reviewed.csv}
"""


def plan(tmp_path: Path, text: str, head: str = HEAD):
    file = tmp_path / "x.safety.yaml"
    file.write_text(head + text, encoding="utf-8")
    return make_plan(load_suite(file))


def threshold(metric: str, model: str, judge: str, limit: str = "max: 0.1") -> str:
    return (
        f"benchmarks: {{r: {{use: starter/refusal, judge: {judge}}}}}\n"
        f"thresholds:\n  - {{benchmark: r, metric: {metric}, model: {model}, {limit}}}\n"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (threshold("rr-2", "base", "guard", "min: 0.5"), "rr-2 needs class 3, which judge guard never gives"),
        (threshold("rr-1", "base", "yesno", "min: 0.5"), "rr-1 needs class 2, which judge yesno never gives"),
        (threshold("rr-1", "base", "people", "min: 0.5"), "rr-1 needs class 2, which judge people never gives"),
        (threshold("think-hr", "thinker", "people"), "think-hr: judge people reads short answers, not thinking"),
        (threshold("think-hr", "base", "big"), "think-hr: base has no `reasoning`"),
        (threshold("think-hr", "thinker", "rules"), "think-hr: judge rules reads short answers, not thinking"),
        (
            "benchmarks: {m: {use: starter/mcq, scoring: letters}}\n"
            "thresholds:\n  - {benchmark: m, metric: acc, model: [thinker, old], min: 0.5}\n",
            "scoring: letters needs the model itself, which engine fleet (openai) does not have",
        ),
    ],
)
def test_what_cannot_be_done(tmp_path, text, line):
    with pytest.raises(ConfigError) as caught:
        plan(tmp_path, text)
    assert line in str(caught.value)
    assert str(caught.value.mistakes[0]).startswith(f"{tmp_path}/x.safety.yaml:")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("path: q/72b, engine: fleet", "path: q/72b, engine: flet", 'unknown engine "flet"; did you mean "fleet"?'),
        ("{min_kappa: 0.8}", "{}", "calibration without a limit; add min_kappa or min_accuracy"),
        ("{min_kappa: 0.8}", "{min_kappa: 0.8, path: nowhere.jsonl}", "nowhere.jsonl cannot be read"),
        ("template: guard", "template: gard", "gard"),
        ("  base: {", "  judge.base: {", "looks like a judge's or a training"),
    ],
)
def test_mistakes_of_the_head(tmp_path, old, new, line):
    with pytest.raises(ConfigError) as caught:
        plan(tmp_path, threshold("hr", "thinker", "big"), HEAD.replace(old, new))
    assert line in str(caught.value)


def test_a_judges_limit_is_a_check_of_its_own(tmp_path):
    made = plan(tmp_path, threshold("think-hr", "thinker", "big"))
    assert [check.id for check in made.checks] == [
        "thinker::r/overall[think-hr-max]",
        "judge.big::calibration/overall[kappa-min]",
    ]
    check = made.checks[1]
    assert check.where[1] == 13
    assert check.n == len(made.calibrations["big"].replies)
    assert list(made.needed([check])) == ["judge.big::calibration"]
    assert made.measurements["judge.big::calibration"].of_judge == "big"


def test_two_models_that_the_store_could_not_tell_apart(tmp_path):
    served = """\
suite: x
engines:
  one: {backend: openai, base_urls: ["http://127.0.0.1:8/v1"], identity: fleet}
  two: {backend: openai, base_urls: ["http://127.0.0.1:9/v1"], identity: fleet}
models:
  base: {path: served, engine: one}
  safe: {path: served, engine: two}
benchmarks: {m: {use: starter/mcq}}
thresholds: [{benchmark: m, metric: acc, model: safe, min: 0.5}]
"""
    with pytest.raises(ConfigError) as caught:
        plan(tmp_path, "", served)
    assert ":7:" in str(caught.value)
    assert 'safe and base are one to the store: both are "served" of identity fleet' in str(caught.value)
    for apart in (
        served.replace('9/v1"], identity: fleet', '9/v1"], identity: other'),
        served.replace("9/v1", "8/v1/"),
        served.replace("engine: two}", "engine: two, revision: v2}"),
    ):
        assert plan(tmp_path, "", apart).checks
