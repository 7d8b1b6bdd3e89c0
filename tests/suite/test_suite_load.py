"""Suites through `load_suite`: what is right loads quickly with its positions, what is wrong is told all at once."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from dsafe_runner.errors import ConfigError
from dsafe_runner.suite.load import load_suite

SUITE = """\
suite: ok
engines: {local: {backend: transformers}}
models:
  base: {path: ./base, stage: base, engine: local}
  safe: {path: "${CKPT}", stage: safe, engine: local, reasoning: deepseek-r1}
judges: {rules: {kind: rules}}
benchmarks:
  mcq: {use: starter/mcq}
  refusal: {use: starter/refusal, judge: rules}
thresholds:
  - {benchmark: mcq, metric: acc, model: [safe, base], min: 0.75, per: [overall, area]}
  - {benchmark: mcq, metric: acc, model: safe, versus: base, max_drop: 0}
  - benchmark: refusal
    metric: hr
    model: safe
    max: 0.02
    slices: [overall, discrimination]
waivers:
  - {check: "safe::mcq/*", value: {"safe::mcq/overall[acc-min]": 0.5}, reason: r, owner: o, until: 2020-01-31}
  - {check: "base::mcq/overall[acc-min]", value: 0.5, reason: r, owner: o, permanent: true}
"""
ENV = MappingProxyType({"CKPT": "./out/safe"})


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def save(text: str, name: str = "x.safety.yaml") -> Path:
    Path(name).write_text(text, encoding="utf-8")
    return Path(name)


def test_a_suite_loads_with_positions_and_hash() -> None:
    loaded = load_suite(save(SUITE), ENV)
    suite = loaded.suite
    assert suite.models["safe"].path == "./out/safe"
    assert suite.thresholds[1].max_drop == 0.0
    assert suite.thresholds[2].slices == ["overall", "discrimination"]
    assert str(suite.waivers[0].until) == "2020-01-31"
    assert loaded.path == Path("x.safety.yaml")
    assert loaded.sha256 == hashlib.sha256(SUITE.encode()).hexdigest()
    assert loaded.where("thresholds", 0, "min") == ("x.safety.yaml", 11, 61)
    assert loaded.where("thresholds", 2) == ("x.safety.yaml", 13, 5)
    assert loaded.where("thresholds", 2, "max") == ("x.safety.yaml", 16, 10)
    assert loaded.where("models", "safe") == ("x.safety.yaml", 5, 3)
    assert loaded.where("policy", "confidence") == ("x.safety.yaml", 1, 1)  # a default: nothing stands there


def test_the_hash_covers_what_is_included() -> None:
    Path("part.yaml").write_text("judges: {rules: {kind: rules}}\n")
    path = save(SUITE.replace("judges: {rules: {kind: rules}}", "include: part.yaml"))
    first = load_suite(path, ENV)
    assert first.sha256 == hashlib.sha256(path.read_bytes() + Path("part.yaml").read_bytes()).hexdigest()
    assert first.where("judges", "rules", "kind") == ("part.yaml", 1, 24)
    Path("part.yaml").write_text("judges: {rules: {kind: rules}} #\n")
    assert load_suite(path, ENV).sha256 != first.sha256


def test_the_environment_is_the_process_environment_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(SUITE)
    with pytest.raises(ConfigError, match=r"x.safety.yaml:5:16: environment variable CKPT is not set"):
        load_suite(path)
    monkeypatch.setenv("CKPT", "./here")
    assert load_suite(path).suite.models["safe"].path == "./here"


def test_broken_entries_hide_no_mistakes_elsewhere() -> None:
    """Types, names and YAML mistakes come together; a broken model is still a known name."""
    path = save("""\
suite: x
engines: {local: {backend: transformers, dtype: float64}}
models:
  safe: {path: ./x, engine: locl}
  base: {path: "", engine: local}
  base: {path: ./y, engine: local}
benchmarks:
  mcq: {use: starter/mqc}
  refusal: {use: starter/refusal, judge: rules, sample: 3}
thresholds:
  - {benchmark: mcq, metric: acc, model: base, min: 2}
  - {benchmark: refusal, metric: hr, model: [base, sfe], max: 0.02}
  - {benchmark: refusal, metric: hr, model: safe, max_drop: 0.02, versus: base}
""")
    with pytest.raises(ConfigError) as caught:
        load_suite(path)
    assert str(caught.value).split("\n") == [
        'x.safety.yaml:2:49: dtype: "float64" is not known; did you mean "float16"?',
        'x.safety.yaml:4:29: unknown engine "locl"; did you mean "local"?',
        'x.safety.yaml:5:16: path: "" is empty; write text',
        'x.safety.yaml:6:3: duplicate key "base", first on line 5; remove one of the two',
        'x.safety.yaml:8:14: unknown benchmark "starter/mqc"; did you mean "starter/mcq"?',
        'x.safety.yaml:9:49: benchmarks.refusal: unknown key "sample"; did you mean "samples"?',
        "x.safety.yaml:11:53: min: 2 is not a rate; write a number from 0 to 1",
        'x.safety.yaml:12:52: unknown model "sfe"; did you mean "safe"?',
        "x.safety.yaml:13:61: max_drop is for metrics where more is better, which hr is not; write max_rise",
    ]


def test_missing_and_misshapen_sections_do_not_make_every_name_unknown() -> None:
    path = save(
        "suite: x\nengines: 5\nbenchmarks: {mcq: {use: starter/mcq}}\n"
        "thresholds:\n  - {benchmark: mcq, metric: acc, model: safe, min: 0.5}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_suite(path)
    assert str(caught.value).split("\n") == [
        'x.safety.yaml:1:1: "models" is missing; add `models: ...`',
        "x.safety.yaml:2:10: engines: 5 is not a mapping; write a mapping",
    ]


def test_a_missing_include_is_the_only_thing_reported_about_names() -> None:
    path = save(SUITE.replace("engines: {local: {backend: transformers}}", "include: engines.yaml"))
    with pytest.raises(ConfigError) as caught:
        load_suite(path, ENV)
    assert str(caught.value) == "x.safety.yaml:2:10: include: engines.yaml: there is no such file; check the path"


def big_suite(lines: int) -> str:
    text = SUITE.partition("thresholds:")[0] + "thresholds:\n"
    entry = "  - benchmark: mcq\n    metric: acc\n    model: [safe, base]\n    slices: [overall]\n    min: 0.75  # y\n"
    return text + entry * ((lines - text.count("\n")) // entry.count("\n"))


def test_two_thousand_lines_load_faster_than_ruamels_own_round_trip() -> None:
    """0.29 s on a busy 2-core machine; held against ruamel in the same process, since seconds are a machine's."""
    text = big_suite(2000)
    path = save(text)
    assert _seconds(lambda: load_suite(path, ENV)) < _seconds(lambda: YAML(typ="rt").load(text))


def _seconds(work: Callable[[], object]) -> float:
    """CPU time, the best of three."""
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


WORDS = ["", "x", "[]", "{}", "null", "-1", "true", '"a b"', "[x, [y]]", "2027-01-31", "&a", "*a", "!t", "${X}"]


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, SUITE.count(" ") - 1), st.sampled_from(WORDS)), min_size=1, max_size=5))
def test_suites_with_words_swapped_give_mistakes_or_load(swaps: list[tuple[int, str]]) -> None:
    words = SUITE.split(" ")
    for index, word in swaps:
        words[index] = word
    try:
        load_suite(save(" ".join(words)), ENV)
    except ConfigError as error:
        lines = str(error).split("\n")
    else:
        lines = []
    assert all(line.startswith("x.safety.yaml:") and line.isprintable() for line in lines)


@pytest.mark.parametrize("key", ["check", "reason", "owner"])
def test_a_waiver_that_the_environment_fills_is_a_mistake(key: str) -> None:
    said = {"check": "base::mcq/overall[acc-min]", "reason": "known", "owner": "wang", key: "${WHO}"}
    row = ", ".join(f'{name}: "{value}"' for name, value in said.items())
    text = f"{SUITE.split('waivers:')[0]}waivers:\n  - {{{row}, value: 0.5, permanent: true}}\n"
    with pytest.raises(ConfigError) as caught:
        load_suite(save(text), {**ENV, "WHO": "base::mcq/overall[acc-min]"})
    (mistake,) = caught.value.mistakes
    assert f"a waiver's {key} comes from the environment (${{WHO}})" in mistake.what
