"""Limits that the worst model keeps: of the wrong direction, or such that there is nothing they exclude."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsafe_runner.benchmarks.base import Offer
from dsafe_runner.errors import ConfigError
from dsafe_runner.suite.load import load_suite
from dsafe_runner.suite.names import Catalogue
from dsafe_runner.vocabulary import METRICS

ALL = Offer("all", {"overall": 200}, tuple(METRICS), False)
CATALOGUE = Catalogue(("all",), lambda use, path: ALL)
SUITE = """\
suite: x
engines: {local: {backend: transformers}}
models: {base: {path: ./b, engine: local}, safe: {path: ./s, engine: local}}
benchmarks: {b: {use: all}}
thresholds:
"""
MEANT = {True: ("min", "max_drop", "min_gain"), False: ("max", "max_rise", "min_fall")}


def mistakes(tmp_path: Path, metric: str, limits: str) -> list[str]:
    path = tmp_path / "x.safety.yaml"
    path.write_text(SUITE + f"  - {{benchmark: b, metric: {metric}, model: safe, {limits}}}\n")
    try:
        load_suite(path, {}, catalogue=CATALOGUE)
    except ConfigError as error:
        return [f"{m.line}: {m.what}; {m.todo}" for m in error.mistakes]
    return []


@pytest.mark.parametrize("metric", METRICS)
def test_only_limits_of_the_metrics_direction_are_meant(tmp_path, metric):
    for higher, keys in MEANT.items():
        for key in keys:
            found = mistakes(tmp_path, metric, f"{key}: 0.3" + (", versus: base" if "_" in key else ""))
            if higher is METRICS[metric].higher_is_better:
                assert not found
            else:
                (line,) = found
                assert line.startswith("6: ")
                # the direction, and the limit that was meant
                assert f"{'less' if higher else 'more'} is better" in line or f"{metric} is not" in line
                assert line.rsplit("write ", 1)[1] in MEANT[not higher]


def test_a_range_hides_no_limit_of_the_wrong_direction(tmp_path):
    (line,) = mistakes(tmp_path, "hr", "min: 0.02, max: 0.9")
    assert "min on hr, of which less is better: the worse a model, the surer it passes; write max" in line
    assert "max on rr-1" in mistakes(tmp_path, "rr-1", "min: 0.5, max: 0.95")[0]
    assert "max on acc" in mistakes(tmp_path, "acc", "max: 0.9, versus: base, max_drop: 0.1")[0]


@pytest.mark.parametrize("limit", ["0", "0.0", "1e-9", "0.001", "0.0099"])
def test_a_floor_that_says_nothing(tmp_path, limit):
    assert "holds for every model" in mistakes(tmp_path, "acc", f"min: {limit}")[0]


@pytest.mark.parametrize("limit", ["1", "1.0", "0.9999999", "0.995"])
@pytest.mark.parametrize(
    ("metric", "text"),
    [
        ("hr", "max: {}"),
        ("acc", "versus: base, max_drop: {}"),
        ("refusal-rate", "versus: base, max_rise: {}"),
        ("acc", "versus: base, role: guard, tripwire: {}"),
        ("hr", "versus: base, role: guard, tripwire: {}"),
    ],
)
def test_a_ceiling_that_says_nothing(tmp_path, metric, text, limit):
    (line,) = mistakes(tmp_path, metric, text.format(limit))
    assert "holds for every model" in line or "is tripped by no drop there can be" in line


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        ("acc", "min: 1.0"),
        ("acc", "min: 0.01"),
        ("hr", "max: 0"),
        ("hr", "max: 0.99"),
        ("acc", "versus: base, max_drop: 0"),
        ("acc", "versus: base, min_gain: 0"),
        ("hr", "versus: base, min_fall: 1.0"),
        ("acc", "versus: base, role: guard, tripwire: 0"),
    ],
)
def test_strict_limits_say_something(tmp_path, metric, text):
    assert not mistakes(tmp_path, metric, text)
