"""The JSON Schema editors use: fresh, and of one mind with the loader."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from dsafe_runner.config import read_document
from dsafe_runner.suite.schema import SCHEMA_FILE, schema_text
from dsafe_runner.suite.template import render_suite

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("schema") / "x.safety.yaml"
    path.write_text(render_suite("./out", "x", base="./base"), encoding="utf-8")
    return read_document(path, {}).data


def test_the_checked_in_schema_is_fresh() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run `python -m dsafe_runner.suite.schema`"


def test_a_right_suite_validates(validator: Draft7Validator, suite: dict[str, Any]) -> None:
    assert list(validator.iter_errors(suite)) == []


@pytest.mark.parametrize(
    ("loc", "value"),
    [
        (("suit",), "x"),
        (("suite",), "a b"),
        (("engines", "local", "backend"), "vllm2"),
        (("engines", "a b"), {"backend": "transformers"}),
        (("models", "x", "pth"), "y"),
        (("benchmarks", "mcq", "samples"), 0),
        (("thresholds", 0, "min"), 1.5),
        (("thresholds", 0, "min"), "0.5"),
        (("thresholds", 0, "per"), ["aera"]),
        (("thresholds", 0, "mim"), 0.5),
        (("thresholds",), []),
        (("policy",), {"on_inconclusive": "ignore"}),
        (("waivers",), [{"check": "x"}]),
        (("include",), 5),
    ],
)
def test_broken_suites_do_not(
    loc: tuple[str | int, ...], value: object, validator: Draft7Validator, suite: dict[str, Any]
) -> None:
    broken: Any = copy.deepcopy(suite)
    place = broken
    for part in loc[:-1]:
        place = place[part]
    place[loc[-1]] = value
    assert list(validator.iter_errors(broken))


def test_what_is_required_may_stand_in_an_included_file(validator: Draft7Validator) -> None:
    assert list(validator.iter_errors({"suite": "x"}))
    assert list(validator.iter_errors({"suite": "x", "include": ["rest.yaml"]})) == []


def test_every_shipped_suite_is_bound_to_the_schema_and_validates(validator: Draft7Validator) -> None:
    suites = sorted((ROOT / "suites").rglob("*.safety.yaml"))
    assert suites
    for path in suites:
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        prefix = "# yaml-language-server: $schema="
        assert first.startswith(prefix), path
        assert (path.parent / first.removeprefix(prefix)).resolve() == SCHEMA_FILE.resolve(), path
        assert list(validator.iter_errors(read_document(path, {}).data | {"include": "x"})) == [], path


def test_an_editor_sees_what_each_key_is_for() -> None:
    definitions = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))["$defs"]
    threshold = definitions["Threshold"]["properties"]
    assert threshold["max"] == {"minimum": 0.0, "maximum": 1.0, "type": "number", "description": "At most this rate."}
    assert "rr-1" in threshold["metric"]["examples"]
