"""A tokenizer and small recipes for the training tests."""

from __future__ import annotations

import copy
import json

import pytest

from dsafe_runner.benchmarks.tiny import text as tiny_text
from dsafe_runner.training.templates import TEMPLATES

SMALL = {
    "recipe": "mini",
    "seed": 3,
    "start": {
        "scratch": {
            "hidden_size": 32,
            "layers": 1,
            "heads": 2,
            "kv_heads": 1,
            "ffn": 64,
            "context": 512,
            "initializer_range": 0.06,
        }
    },
    "template": "deepseek-r1",
    "reasoning": "deepseek-r1",
    "data": {"use": "tiny", "stage": "safe", "rows": 64, "mix": {"refuse": 1.0, "reason": 1.0}},
    "train": {"steps": 4, "batch_size": 8, "learning_rate": 0.003, "max_length": 128},
    "threads": 1,
}


@pytest.fixture(scope="session")
def small():
    return copy.deepcopy(SMALL)


@pytest.fixture(scope="session")
def tokenizer():
    from dsafe_runner.training.tokenizer import make_tokenizer

    return make_tokenizer(tiny_text.words(), 512)


@pytest.fixture
def r1(tokenizer):
    made = copy.deepcopy(tokenizer)
    made.chat_template = TEMPLATES["deepseek-r1"]
    return made


@pytest.fixture
def plain(tokenizer):
    made = copy.deepcopy(tokenizer)
    made.chat_template = TEMPLATES["plain"]
    return made


@pytest.fixture
def write_recipe(tmp_path):
    """Writes SMALL with changes, e.g. write_recipe(train={"steps": 2}); None removes a key, [x] replaces it by x."""

    def write(**changes):
        data = copy.deepcopy(SMALL)
        for key, value in changes.items():
            if value is None:
                data.pop(key)
            elif isinstance(value, list):
                data[key] = value[0]
            elif isinstance(value, dict) and isinstance(data.get(key), dict):
                data[key] = {**data[key], **value}
            else:
                data[key] = value
        path = tmp_path / "mini.yaml"
        path.write_text(json.dumps(data), encoding="utf-8")  # JSON is YAML
        return path

    return write
