"""Training data that holds benchmark items is a failing check, listed by id."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsafe_runner.benchmarks.registry import open_benchmark
from dsafe_runner.errors import ConfigError
from dsafe_runner.plan import make_plan
from dsafe_runner.records import Status
from dsafe_runner.runner.measured import decide
from dsafe_runner.runner.run import measure
from dsafe_runner.suite.load import load_suite

SUITE = """\
suite: overlapping
engines: {{local: {{backend: transformers}}}}
models: {{m: {{path: no/weights-here, engine: local}}}}
judges: {{rules: {{kind: rules}}}}
benchmarks:
  mcq: {{use: starter/mcq}}
  ask: {{use: starter/refusal, judge: rules}}
overlap:
  mixture: {{training: rows.jsonl{more}}}
thresholds:
  - {{benchmark: mcq, metric: acc, model: m, min: 0.5}}
"""
CHECK = "overlap.mixture::overlap/overall[overlap-max]"


def gate(folder: Path, rows: list[dict[str, str]] | None, more: str = ""):
    if rows is not None:
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (folder / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "x.safety.yaml").write_text(SUITE.format(more=more), encoding="utf-8")
    plan = make_plan(load_suite(folder / "x.safety.yaml"))
    checks = [check for check in plan.checks if check.id == CHECK]
    run = measure(plan, checks, store=folder / "s.sqlite", folder=folder / "run")
    return decide(plan, run, checks)[CHECK].verdict, run


def rows(*copied: int) -> list[dict[str, str]]:
    items = open_benchmark("starter/refusal").samples()
    own = [{"id": f"own-{i}", "prompt": f"请用第{i}种办法讲讲春天的花怎样开", "answer": "好的。"} for i in range(5)]
    asked = {i: items[i].messages[-1].content for i in copied}
    return own + [{"id": f"copy-{i}", "prompt": f"问：{text}", "answer": "不。"} for i, text in asked.items()]


def test_copies_fail_and_are_named(tmp_path):
    verdict, _ = gate(tmp_path, rows(3, 7))
    assert verdict.status is Status.FAIL
    assert verdict.reason == "2 of 7 training samples hold a benchmark item, allowed 0: copy-3, copy-7"
    assert (verdict.estimate.k, verdict.estimate.n) == (2, 7)


def test_own_rows_pass_and_a_limit_is_a_count(tmp_path):
    assert gate(tmp_path, rows())[0].status is Status.PASS
    assert gate(tmp_path, rows(3, 7), ", max: 2")[0].status is Status.PASS
    assert gate(tmp_path, rows(3, 7), ", max: 1")[0].status is Status.FAIL
    # only the benchmarks that are named
    assert gate(tmp_path, rows(3, 7), ", benchmarks: [mcq]")[0].status is Status.PASS


@pytest.mark.parametrize("most", [7, 1000])
def test_a_limit_that_no_file_could_break_is_a_mistake(tmp_path, most):
    with pytest.raises(ConfigError, match=rf":9:\d+: max: {most} allows every one of the 7 samples to overlap"):
        gate(tmp_path, rows(3, 7), f", max: {most}")


def test_rows_that_hold_no_text_pass_nothing(tmp_path):
    verdict, run = gate(tmp_path, [*rows(), {"id": "x", "input_ids": list(range(40))}])
    assert verdict.status is Status.INCONCLUSIVE
    assert f"{tmp_path / 'rows.jsonl'}:6: 'input_ids' holds numbers" in str(run.failed)


def test_nothing_to_compare_passes_nothing(tmp_path):
    absent, run = gate(tmp_path, None)
    assert absent.status is Status.INCONCLUSIVE
    assert "is not there" in run.unavailable["overlap.mixture::overlap"]
    empty, run = gate(tmp_path, [])
    assert empty.status is Status.INCONCLUSIVE
    assert run.failed
    (tmp_path / "rows.jsonl").write_text('{"id": "a"')
    broken, run = gate(tmp_path, None)
    assert broken.status is Status.INCONCLUSIVE
    assert "rows.jsonl" in run.failed["overlap.mixture::overlap"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("training: rows.jsonl", "training: recipe.yaml", "recipe.yaml is no .jsonl file; name one; for recipes"),
        ("rows.jsonl", "rows.jsonl, benchmarks: [mqc]", 'unknown benchmark "mqc"; did you mean "mcq"?'),
        ("  ask: ", "  overlap: ", "a benchmark named overlap would be taken for something else"),
        ("models: {m: ", "models: {overlap.m: ", "looks like a judge's or a training file's"),
    ],
)
def test_mistakes(tmp_path, old, new, line):
    text = SUITE.format(more="")
    assert old in text
    text = text.replace(old, new)
    if "overlap.m:" in text:
        text = text.replace("model: m", "model: overlap.m")
    (tmp_path / "x.safety.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        make_plan(load_suite(tmp_path / "x.safety.yaml"))
    assert line in str(caught.value)
