"""The recipe schema editors use: up to date, and of one mind with the loader about every shipped recipe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsafe_runner.config import read_document
from dsafe_runner.training.schema import SCHEMA_FILE, schema_text

jsonschema = pytest.importorskip("jsonschema")
ROOT = Path(__file__).resolve().parents[2]
RECIPES = sorted(ROOT.glob("recipes/*/*.yaml"))


def test_the_file_is_what_the_code_says():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run python -m dsafe_runner.training.schema"


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_shipped_recipes_are_valid_and_bound_to_it(path):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    bound = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / bound).resolve() == SCHEMA_FILE
    jsonschema.Draft7Validator(json.loads(schema_text())).validate(read_document(path).data)


@pytest.mark.parametrize(
    "changes", [{"seed": -1}, {"template": "chatml"}, {"reasoning": "qwen"}, {"train": {"steps": 0}}, {"unknown": 1}]
)
def test_it_refuses_what_the_loader_refuses(changes, write_recipe):
    data = json.loads(write_recipe(**changes).read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(json.loads(schema_text())).validate(data)
