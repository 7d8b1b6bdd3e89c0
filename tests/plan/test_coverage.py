"""What a suite leaves without a check is told, and is a mistake where it is more than a small share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsafe_runner.cli import main
from dsafe_runner.errors import ConfigError
from dsafe_runner.plan import make_plan
from dsafe_runner.suite.load import load_suite

SUITE = """\
suite: x
engines: {local: {backend: transformers}}
models: {base: {path: a/b, engine: local}, safe: {path: a/c, engine: local}}
benchmarks:
  mine: {use: custom, path: mine.jsonl}
  more: {use: starter/mcq}
policy: {uncertainty: none}
thresholds:
"""
MORE = "  - {benchmark: more, metric: acc, model: safe, min: 0.5}\n"
THEMES = ("rivers", "taxes", "metals", "songs", "roads", "seeds", "clocks", "boats", "bread", "glass")


def suite(folder: Path, bare: int, *thresholds: str, rows: int = 200) -> Path:
    with (folder / "mine.jsonl").open("w") as file:
        for i in range(rows):
            theme = f"{THEMES[i % 10]} and {THEMES[i // 10 % 10]} in year {i}"
            row = {"kind": "mcq", "question": f"On {theme}?", "options": ["yes", f"no {i}"], "answer": "A"}
            file.write(json.dumps(row if i < bare else {**row, "area": "ab"[i % 2], "category": "x"}) + "\n")
    path = folder / "x.safety.yaml"
    lines = [f"  - {{benchmark: mine, metric: acc, model: safe, {threshold}}}\n" for threshold in thresholds]
    path.write_text(SUITE + "".join(lines) + MORE)
    return path


@pytest.mark.parametrize("levels", ["[area]", "[category]", "[area, category]"])
def test_items_without_a_slice(tmp_path, levels):
    assert not make_plan(load_suite(suite(tmp_path, 0, f"per: {levels}, min: 0.5"))).remarks
    (remark,) = make_plan(load_suite(suite(tmp_path, 2, f"per: {levels}, min: 0.5"))).remarks
    assert "x.safety.yaml:9:49: per: " in remark
    assert "leaves 2 of 200 items of mine without a check; say of what" in remark
    with pytest.raises(ConfigError, match="leaves 3 of 200 items of mine without a check"):
        make_plan(load_suite(suite(tmp_path, 3, f"per: {levels}, min: 0.5")))


def test_a_check_on_all_items_of_the_same_model_and_metric_covers_them(tmp_path):
    guarded = "per: [area], versus: base, role: guard"
    assert not make_plan(load_suite(suite(tmp_path, 100, guarded, "min: 0.5"))).remarks
    assert not make_plan(load_suite(suite(tmp_path, 100, "per: [area, overall], min: 0.5"))).remarks
    path = suite(tmp_path, 100, guarded)
    path.write_text(path.read_text() + "  - {benchmark: mine, metric: acc, model: base, min: 0.5}\n")
    with pytest.raises(ConfigError, match="leaves 100 of 200"):
        make_plan(load_suite(path))


def test_a_benchmark_without_a_threshold_is_told(tmp_path, capsys):
    path = suite(tmp_path, 0, "min: 0.5")
    path.write_text(path.read_text().replace(MORE, ""))
    assert main(["check", str(path)]) == 0
    assert "x.safety.yaml:6:3: no threshold names benchmark more" in capsys.readouterr().out
    path.write_text(path.read_text() + "overlap: {mixture: {training: t.jsonl}}\n")
    assert not make_plan(load_suite(path)).remarks
