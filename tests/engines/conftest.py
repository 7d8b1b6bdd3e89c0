"""A real, small, random-weight Qwen2 with its own tokenizer, built once per session."""

from __future__ import annotations

import pytest
from tiny_qwen2 import R1, TinyModel, build


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> TinyModel:
    return build(tmp_path_factory.mktemp("tiny-qwen2"))


@pytest.fixture(scope="session")
def tiny_r1(tmp_path_factory) -> TinyModel:
    return build(tmp_path_factory.mktemp("tiny-r1"), template=R1, think_special=True)
