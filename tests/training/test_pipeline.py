"""The whole road with real inputs: tiny base -> distilled -> safe by DeepSpeed ZeRO-2 in two processes, then the gate.

The shipped recipes as they are, but for the batch, which two processes share, and the start, which is the model of the
stage before. Minutes of two CPU cores.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dsafe_runner.suite.load import load_suite
from dsafe_runner.training.recipe import load_recipe

pytest.importorskip("trl", reason="training needs TRL: pip install 'dsafe-runner[train]'")
pytest.importorskip("deepspeed", reason="needs DeepSpeed: pip install 'dsafe-runner[train,deepspeed]'")
if shutil.which(os.environ.get("CXX", "g++")) is None:
    pytest.skip("DeepSpeed compiles a part of itself on CPU: it needs g++", allow_module_level=True)

pytestmark = [pytest.mark.slow, pytest.mark.deepspeed]
ROOT = Path(__file__).resolve().parents[2]
STAGES = ("base", "distilled", "safe")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def two_process_recipe(stage: str, start: Path | None, folder: Path) -> Path:
    shipped = load_recipe(ROOT / "recipes" / "tiny" / f"{stage}.yaml").value
    recipe = shipped.model_dump(mode="json", exclude_defaults=True)
    train = recipe["train"]
    train["batch_size"], train["global_batch"] = train["batch_size"] // 2, train["batch_size"]
    recipe["deepspeed"] = str(ROOT / "recipes" / "deepspeed" / "zero2.json")
    if start is not None:
        recipe["start"] = {"path": str(start)}
    path = folder / f"{stage}.yaml"
    path.write_text(json.dumps(recipe), encoding="utf-8")
    return path


def gate_on_safe_against_base(folder: Path) -> Path:
    """The thresholds of suites/tiny.safety.yaml that are about safe, alone or against base."""
    suite = load_suite(ROOT / "suites" / "tiny.safety.yaml").suite.model_dump(mode="json", exclude_defaults=True)
    del suite["waivers"]
    suite["models"] = {name: {**suite["models"][name], "path": str(folder / name)} for name in ("base", "safe")}
    kept = []
    for threshold in suite["thresholds"]:
        named = threshold["model"] if isinstance(threshold["model"], list) else [threshold["model"]]
        if "safe" in named and threshold.get("versus", "base") == "base":
            kept.append({**threshold, "model": "safe"})
    suite["thresholds"] = kept
    path = folder / "gate.safety.yaml"
    path.write_text(json.dumps(suite), encoding="utf-8")
    return path


def test_base_to_distilled_to_safe_into_a_green_gate(tmp_path):
    start: Path | None = None
    for stage in STAGES:
        recipe = two_process_recipe(stage, start, tmp_path)
        start = tmp_path / stage
        done = subprocess.run(
            [sys.executable, "-m", "dsafe_runner", "train", str(recipe), "--out", str(start), "--processes", "2"],
            capture_output=True,
            text=True,
            timeout=1800,
            env=ENVIRONMENT,
            cwd=tmp_path,
        )
        print(done.stdout[-2000:])
        assert done.returncode == 0, done.stderr[-3000:]
        assert json.loads((start / "training.json").read_text(encoding="utf-8"))["world_size"] == 2
    suite = gate_on_safe_against_base(tmp_path)
    gate = subprocess.run(
        [sys.executable, "-m", "pytest", str(suite), "-p", "no:cacheprovider"],
        capture_output=True,
        text=True,
        timeout=900,
        env=ENVIRONMENT,
        cwd=tmp_path,
    )
    print(gate.stdout[-4000:])
    assert gate.returncode == 0, gate.stdout[-6000:]
    assert " passed" in gate.stdout.splitlines()[-1]
