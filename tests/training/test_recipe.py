"""Recipes: every mistake with its place; the shipped ones are right."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dsafe_runner.errors import ConfigError
from dsafe_runner.training.recipe import load_recipe, resolve
from dsafe_runner.training.record import recipe_digest

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


@pytest.mark.parametrize("name", ["base", "distilled", "safe"])
def test_shipped_models_are_of_the_shipped_recipes(name):
    recipe = load_recipe(ROOT / "recipes" / "tiny" / f"{name}.yaml").value
    record = json.loads((ROOT / "recipes" / "tiny" / "models" / name / "training.json").read_text(encoding="utf-8"))
    assert record["recipe_digest"] == recipe_digest(recipe), "a recipe has changed: train its model again"


@pytest.mark.parametrize("name", ["qwen-1.5b", "qwen-7b", "qwen-14b", "qwen-32b", "llama-8b", "llama-70b"])
def test_real_recipes_load_start_from_a_distill_and_say_where_numbers_come_from(name):
    path = ROOT / "recipes" / name / "sft.yaml"
    loaded = load_recipe(path)
    recipe = loaded.value
    assert recipe.recipe == f"{name}-safe"
    assert recipe.start.path == f"deepseek-ai/DeepSeek-R1-Distill-{name.title().replace('b', 'B')}"
    assert (recipe.reasoning, recipe.template, recipe.train.precision) == ("deepseek-r1", None, "bfloat16")
    assert recipe.train.global_batch == 128
    assert recipe.deepspeed is not None
    for file in loaded.files:
        for line in file.read_text(encoding="utf-8").splitlines():
            number = re.match(r"\s+(- )?\{?[a-z_]+: [0-9]", line)
            assert number is None or "#" in line, f"{file.name}: no source for {line!r}"


def test_deepspeed_files_leave_to_the_recipe_what_it_says():
    for name, stage in (("zero2", 2), ("zero3", 3), ("zero3_offload", 3)):
        data = json.loads((ROOT / "recipes" / "deepspeed" / f"{name}.json").read_text(encoding="utf-8"))
        assert data["zero_optimization"]["stage"] == stage
        for key in ("gradient_clipping", "gradient_accumulation_steps", "train_batch_size"):
            assert data[key] == "auto"
        assert ("offload_optimizer" in data["zero_optimization"]) == name.endswith("offload")


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
        ({"deepspeed": "./mini.yaml"}, "no `zero_optimization`"),
        ({"train": {"epochs": 1.0}}, "exactly one of `steps` and `epochs`"),
        ({"train": {"accumulate": 2, "global_batch": 8}}, "not both"),
        ({"start": [{"path": "./x", "revision": "abc"}]}, "a folder has none"),
        ({"data": [{"use": "mixture", "sources": []}]}, "sources"),
        ({"data": [{"use": "mixture", "sources": [{"path": "./a.csv", "kind": "safety"}]}]}, "must end in .jsonl"),
        ({"data": [{"use": "mixture", "sources": [{"path": "./a.jsonl", "kind": "safety"}]}]}, "no file './a.jsonl'"),
        ({"data": [{"use": "mixture", "sources": [{"hub": "a/b", "kind": "safety"}]}]}, "needs `revision`"),
        ({"data": [{"use": "mixture", "rows": 9, "sources": [{"path": "./a.jsonl", "kind": "safety"}]}]}, "together"),
        ({"select": {"suite": "./a", "release": "./b"}}, "needs `epochs`"),
        ({"checkpoints": {"every": "epoch", "keep": 1}}, "keep"),
        ({"report_to": ["excel"]}, "report_to"),
    ],
)
def test_contradictions(write_recipe, changes, what):
    with pytest.raises(ConfigError, match=what):
        load_recipe(write_recipe(**changes))


def test_folders_are_relative_to_the_recipe(tmp_path):
    recipe = tmp_path / "a" / "r.yaml"
    assert resolve("./models/base", recipe) == str((tmp_path / "a" / "models" / "base").resolve())
    assert resolve("Qwen/Qwen2.5-7B", recipe) == "Qwen/Qwen2.5-7B"
