"""These tests run a real vLLM: `make test-vllm` builds it an environment of its own. Elsewhere they are skipped."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "engines"))


def vllm_is_here() -> bool:
    # this very folder looks like a package of that name, one without an origin
    found = importlib.util.find_spec("vllm")
    return found is not None and found.origin is not None


def pytest_collection_modifyitems(items):
    if vllm_is_here():
        return
    skip = pytest.mark.skip(reason="vLLM is not installed in this environment; run `make test-vllm`")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(skip)
