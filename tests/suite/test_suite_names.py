# ruff: noqa: E501  messages are quoted whole
"""Names, slices and limits that do not fit: each has its line, verbatim."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsafe_runner.benchmarks.base import Offer
from dsafe_runner.errors import ConfigError, UnavailableError
from dsafe_runner.suite.load import load_suite
from dsafe_runner.suite.names import Catalogue

OFFERS = {
    "demo/mcq": Offer(
        "demo/mcq",
        {"overall": 40, "law": 20, "law.tax": 10, "law.land": 10, "easy": 5},
        ("acc",),
        False,
        extra=("easy",),
        options=("A", "B"),
    ),
    "demo/refusal": Offer("demo/refusal", {"overall": 20}, ("rr-1", "rr-2", "hr"), True),
    "custom": Offer("custom", {"overall": 3, "mine": 3}, ("acc",), False),
}


def _offer(use: str, path: Path | None) -> Offer:
    if use == "custom" and path is not None and not path.exists():
        raise UnavailableError(f"{path} is not there")
    return OFFERS[use]


CATALOGUE = Catalogue(tuple(OFFERS), _offer)

HEAD = """\
suite: x
engines: {local: {backend: transformers}}
models: {base: {path: ./b, engine: local}, safe: {path: ./s, engine: local}}
judges: {rules: {kind: rules}}
"""


def found(tail: str, tmp_path: Path, head: str = HEAD) -> list[str]:
    """`line:column: text` of each mistake, lines counted from the first line of `tail`."""
    path = tmp_path / "x.safety.yaml"
    path.write_text(head + tail)
    with pytest.raises(ConfigError) as caught:
        load_suite(path, {}, catalogue=CATALOGUE)
    lines = head.count("\n")
    return [f"{m.line - lines}:{m.column}: {m.what}" + (f"; {m.todo}" if m.todo else "") for m in caught.value.mistakes]


BENCHMARKS = "benchmarks: {mcq: {use: demo/mcq}, refusal: {use: demo/refusal, judge: rules}}\nthresholds:\n"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("benchmark: mqc, metric: acc, model: safe, min: 0.5", ['17: unknown benchmark "mqc"; did you mean "mcq"?']),
        ("benchmark: mcq, metric: acc, model: saef, min: 0.5", ['42: unknown model "saef"; did you mean "safe"?']),
        (
            "benchmark: mcq, metric: acc, model: [safe, zz], min: 0.5",
            ['49: unknown model "zz"; the models are base, safe'],
        ),
        (
            "benchmark: mcq, metric: acc, model: safe, versus: bse, max_drop: 0.1",
            ['56: unknown model "bse"; did you mean "base"?'],
        ),
        (
            "benchmark: mcq, metric: acc, model: [base, safe], versus: base, max_drop: 0.1",
            ['64: versus: "base" is compared with itself; name another model'],
        ),
        (
            "benchmark: mcq, metric: acc, model: [], min: 0.5",
            ["35: model: an empty list gives no check; write at least one"],
        ),
        (
            "benchmark: mcq, metric: acc, model: safe, min: 0.5, per: []",
            ["58: per: an empty list gives no check; write at least one"],
        ),
        (
            "benchmark: mcq, metric: acc, model: safe, min: 0.5, slices: []",
            ["58: slices: an empty list gives no check; write at least one"],
        ),
        (
            "benchmark: mcq, metric: accuracy, model: safe, min: 0.5",
            ['30: unknown metric "accuracy"; the metrics of mcq are acc'],
        ),
        (
            "benchmark: refusal, metric: rr-3, model: safe, min: 0.5",
            ['34: unknown metric "rr-3"; did you mean "rr-2"?'],
        ),
        ("benchmark: mcq, metric: hr, model: safe, max: 0.5", ['30: mcq has no metric "hr"; its metrics are acc']),
        (
            "benchmark: mcq, metric: acc, model: safe, min: 0.5, slices: [easy, law.tax, law.taxes]",
            ['82: mcq has no slice "law.taxes"; did you mean "law.tax"?'],
        ),
        (
            "benchmark: mcq, metric: acc, model: safe, min: 0.5, slices: [weather]",
            ['67: mcq has no slice "weather"; its slices are overall, law, law.tax, law.land, easy'],
        ),
        (
            "benchmark: refusal, metric: hr, model: safe, max: 0.5, per: [overall, category]",
            ["76: refusal has no slice of level category; its levels are overall"],
        ),
        (
            "benchmark: mcq, metric: acc, model: safe, min: 0.5, per: [area], slices: [law]",
            ["71: per and slices together; keep one of the two"],
        ),
        (
            "benchmark: mcq, metric: acc, model: safe",
            ["5: thresholds[0]: no limit; add min, or versus with max_drop or min_gain"],
        ),
        (
            "benchmark: refusal, metric: hr, model: safe",
            ["5: thresholds[0]: no limit; add max, or versus with max_rise or min_fall"],
        ),
        (
            "benchmark: mcq, metric: acc, model: safe, min: 0.9, max: 0.1",
            [
                "63: max 0.1 is below min 0.9, so nothing can pass; raise max or lower min",
                "63: max on acc, of which more is better: the worse a model, the surer it passes; write min",
            ],
        ),
        (
            "benchmark: mcq, metric: acc, model: safe, max_drop: 0.1",
            ["58: max_drop compares with nothing; add `versus: MODEL`"],
        ),
        (
            "benchmark: mcq, metric: acc, model: safe, min: 0.5, versus: base",
            ["66: versus without a limit on the change; add max_drop or min_gain"],
        ),
        (
            "benchmark: mcq, metric: acc, model: safe, versus: base, max_drop: 0.1, min_gain: 0.1",
            [
                "87: max_drop and min_gain together: min_gain already forbids what max_drop would allow; keep one of the two"
            ],
        ),
        (
            "benchmark: refusal, metric: hr, model: safe, versus: base, max_rise: 0.1, min_fall: 0.1",
            [
                "90: max_rise and min_fall together: min_fall already forbids what max_rise would allow; keep one of the two"
            ],
        ),
        (
            "benchmark: refusal, metric: hr, model: safe, versus: base, max_drop: 0.1",
            ["75: max_drop is for metrics where more is better, which hr is not; write max_rise"],
        ),
        (
            "benchmark: refusal, metric: hr, model: safe, versus: base, min_gain: 0.1",
            ["75: min_gain is for metrics where more is better, which hr is not; write min_fall"],
        ),
        (
            "benchmark: refusal, metric: rr-1, model: safe, versus: base, max_rise: 0.1",
            ["77: max_rise is for metrics where less is better, which rr-1 is not; write max_drop"],
        ),
        (
            "benchmark: mcq, metric: acc, model: safe, versus: base, min_fall: 0.1",
            ["72: min_fall is for metrics where less is better, which acc is not; write min_gain"],
        ),
    ],
)
def test_thresholds(entry: str, expected: list[str], tmp_path: Path) -> None:
    assert found(f"{BENCHMARKS}  - {{{entry}}}\n", tmp_path) == [f"3:{line}" for line in expected]


BANKS = "tc260/refusal, tc260/benign, tc260/content"
LIMIT = "thresholds: [{benchmark: b, metric: acc, model: safe, min: 0.5}]\n"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("use: demo/mqc", ['23: unknown benchmark "demo/mqc"; did you mean "demo/mcq"?']),
        ("use: nothing-like-it", ['23: unknown benchmark "nothing-like-it"; there are demo/mcq, demo/refusal, custom']),
        ("use: demo/mcq, judge: rules", ["40: demo/mcq grades itself and takes no judge; remove it"]),
        ("use: demo/mcq, key: literal", ["38: demo/mcq takes no key, only chisafetybench/mcq does; remove it"]),
        ("use: demo/mcq, path: ./x.csv", [f"39: demo/mcq takes no path, only custom, {BANKS} do; remove it"]),
        (
            "use: demo/mcq, draw: 300, draw_seed: 7",
            [
                f"39: demo/mcq takes no draw, only {BANKS} do; remove it",
                f"55: demo/mcq takes no draw_seed, only {BANKS} do; remove it",
            ],
        ),
        (
            "use: demo/mcq, system_turn: keep",
            ["46: demo/mcq takes no system_turn, only chisafetybench/refusal-history does; remove it"],
        ),
        ("use: custom", ["14: b: custom needs a file; add `path: FILE.jsonl` or .csv"]),
        (
            "use: demo/mcq, scoring: letters, samples: 2",
            ["60: samples: 2 with scoring: letters, which always gives the same answer; remove samples"],
        ),
        (
            "use: demo/mcq, samples: 4, sampling: {temperature: 0}",
            ["42: samples: 4 at temperature 0 are 4 times the same response; remove samples or raise the temperature"],
        ),
    ],
)
def test_benchmarks(entry: str, expected: list[str], tmp_path: Path) -> None:
    assert found(f"benchmarks: {{b: {{{entry}}}}}\n{LIMIT}", tmp_path) == [f"1:{line}" for line in expected]


def test_judged_benchmarks(tmp_path: Path) -> None:
    limit = LIMIT.replace("acc", "rr-1")
    assert found(f"benchmarks: {{b: {{use: demo/refusal}}}}\n{limit}", tmp_path) == [
        "1:14: b: demo/refusal needs a judge; add `judge: rules`"
    ]
    assert found(f"benchmarks: {{b: {{use: demo/refusal, judge: rule, scoring: letters}}}}\n{limit}", tmp_path) == [
        '1:44: unknown judge "rule"; did you mean "rules"?',
        "1:59: scoring: letters needs multiple-choice items, which demo/refusal has not; remove it",
    ]
    head = HEAD.replace("judges: {rules: {kind: rules}}\n", "")
    assert found(f"benchmarks: {{b: {{use: demo/refusal}}}}\n{limit}", tmp_path, head) == [
        "1:14: b: demo/refusal needs a judge; add `judges: {rules: {kind: rules}}` and `judge: rules`"
    ]
    assert found(f"benchmarks: {{b: {{use: demo/refusal, judge: rules}}}}\n{limit}", tmp_path, head) == [
        '1:44: unknown judge "rules"; add it under `judges:`'
    ]


def test_engines(tmp_path: Path) -> None:
    head = HEAD.replace("path: ./s, engine: local", "path: ./s, engine: gpu")
    assert found(f"benchmarks: {{b: {{use: demo/mcq}}}}\n{LIMIT}", tmp_path, head) == [
        '-1:70: unknown engine "gpu"; the engines are local'
    ]


def test_waivers(tmp_path: Path) -> None:
    tail = f"""benchmarks: {{b: {{use: demo/mcq}}}}
{LIMIT}waivers:
  - {{check: "m::b", value: 0.1, reason: r, owner: o}}
  - {{check: "m::b", value: 0.1, reason: r, owner: o, permanent: false}}
  - {{check: "m::b", value: 0.1, reason: r, owner: o, until: 2020-01-31, permanent: true}}
  - {{check: "m::b", value: 0.1, reason: r, owner: o, until: 2020-01-31}}
  - {{check: "m::b", value: 0.1, reason: r, owner: o, until: 2999-01-31}}
  - {{check: "*::?", value: 0.1, reason: r, owner: " ", permanent: true}}
"""
    lines = found(tail, tmp_path)
    assert lines[:3] == [
        "4:5: waiver m::b has no end; add `until: YYYY-MM-DD` or `permanent: true`",
        "5:5: waiver m::b has no end; add `until: YYYY-MM-DD` or `permanent: true`",
        "6:84: waiver m::b has an end and is permanent; keep one of the two",
    ]
    assert lines[3].startswith("8:61: waiver m::b holds until 2999-01-31, more than a year ahead; write ")
    assert lines[4:] == [
        "9:13: waiver *::? would cover every check; name the check, or the model and benchmark whose checks fail",
        "9:51: waiver *::? has a blank owner; say why, and who answers for it",
    ]


def test_a_custom_file_is_looked_at_when_it_is_there(tmp_path: Path) -> None:
    tail = "benchmarks: {b: {use: custom, path: mine.csv}}\n" + LIMIT.replace("min: 0.5", "min: 0.5, slices: [mien]")
    path = tmp_path / "x.safety.yaml"
    path.write_text(HEAD + tail)
    load_suite(path, {}, catalogue=CATALOGUE)  # absent: the plan says so, where it opens the benchmark
    (tmp_path / "mine.csv").write_text("")
    assert found(tail, tmp_path) == ['2:74: b has no slice "mien"; did you mean "mine"?']


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "a::b", "a[0]", "a@b", "", "-a", ".a", "a b", "a\\n", "安全", "x" * 81]
)
def test_names_that_would_break_an_id_or_a_path(name: str, tmp_path: Path) -> None:
    tail = f'benchmarks: {{"{name}": {{use: demo/mcq}}}}\n' + LIMIT.replace("benchmark: b", "benchmark: ok")
    lines = found(tail, tmp_path)
    assert lines[0].startswith("1:14: benchmarks: ")
    assert "is not a usable key; " in lines[0]


def test_unused_engines_and_judges_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "x.safety.yaml"
    path.write_text(
        HEAD.replace("engines: {", "engines: {spare: {backend: transformers}, ")
        + "benchmarks: {b: {use: demo/mcq}}\n"
        + LIMIT
    )
    assert set(load_suite(path, {}, catalogue=CATALOGUE).suite.engines) == {"spare", "local"}


def test_the_packages_own_catalogue_is_the_default(tmp_path: Path) -> None:
    path = tmp_path / "x.safety.yaml"
    path.write_text(HEAD + "benchmarks: {b: {use: starter/mcq}}\n" + LIMIT.replace("acc", "hr"))
    with pytest.raises(ConfigError, match='b has no metric "hr"; its metrics are acc'):
        load_suite(path, {})
