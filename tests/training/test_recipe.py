"""Recipes: every mistake with its place; the shipped ones are right."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsafe_runner.errors import ConfigError
from dsafe_runner.training.recipe import load_recipe, resolve

ROOT = Path(__file__).resolve().parents[2]


def mistakes(text: str, tmp_path: Path) -> list[str]:
    path = tmp_path / "r.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_recipe(path)
    return [str(m).replace(str(path), "r.yaml") for m in caught.value.mistakes]


@pytest.mark.parametrize("name", ["base", "distilled", "safe"])
def test_shipped_recipes_load(name):
    recipe = load_recipe(ROOT / "recipes" / "tiny" / f"{name}.yaml").value
    assert recipe.recipe == f"tiny-{name}"
    assert recipe.data.stage == name
    assert (recipe.reasoning is None) == (name == "base")


def test_all_mistakes_at_once_with_their_places(tmp_path):
    found = mistakes(
        "recipe: x\n"
        "start: {}\n"
        "data: {use: tiny, stage: safe, rows: 0, mix: {mcq: 1, foo: 2}}\n"
        "train: {steps: 10, batch_size: 2, learning_rate: -1, max_len: 300}\n",
        tmp_path,
    )
    assert any(line.startswith("r.yaml:2:") and "exactly one of `path` and `scratch`" in line for line in found)
    assert any(line.startswith("r.yaml:3:38: rows: 0") for line in found)
    assert any(line.startswith("r.yaml:3:") and 'unknown key "foo"' in line for line in found)
    assert any(line.startswith("r.yaml:4:") and "learning_rate" in line for line in found)
    assert any(line.startswith("r.yaml:4:") and 'did you mean "max_length"' in line for line in found)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"template": None}, "from scratch needs `template`"),
        ({"template": "plain"}, "has no thinking"),
        ({"data": {"mix": {"next": 1.0}}}, "stage base only"),
        ({"data": {"mix": {"mcq": 0.0}}}, "weight above 0"),
        ({"dev": {"every": 1, "goals": [{"score": "mcq"}]}}, "give `min`, `max` or both"),
        ({"dev": {"every": 1, "goals": [{"score": "mcq", "min": 0.9, "max": 0.1}]}}, "no score satisfies both"),
        ({"dev": {"every": 1, "goals": []}}, "goals"),
        ({"deepspeed": "./nowhere.json"}, "no file"),
    ],
)
def test_contradictions(write_recipe, changes, what):
    with pytest.raises(ConfigError, match=what):
        load_recipe(write_recipe(**changes))


def test_folders_are_relative_to_the_recipe(tmp_path):
    recipe = tmp_path / "a" / "r.yaml"
    assert resolve("./models/base", recipe) == str((tmp_path / "a" / "models" / "base").resolve())
    assert resolve("Qwen/Qwen2.5-7B", recipe) == "Qwen/Qwen2.5-7B"
