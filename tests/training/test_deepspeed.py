"""Real runs in two processes on CPU: DeepSpeed changes no number, a killed run goes on as if nothing had been.

They need DeepSpeed, g++ and ninja (`make test-train`); the first run on a machine compiles for a minute or two.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dsafe_runner.training.recipe import load_recipe

psutil = pytest.importorskip("psutil")
pytest.importorskip("trl", reason="training needs TRL: pip install 'dsafe-runner[train]'")
pytest.importorskip("deepspeed", reason="needs DeepSpeed: pip install 'dsafe-runner[train,deepspeed]'")
if shutil.which(os.environ.get("CXX", "g++")) is None:
    pytest.skip("DeepSpeed compiles a part of itself on CPU: it needs g++", allow_module_level=True)

pytestmark = [pytest.mark.slow, pytest.mark.deepspeed]
ROOT = Path(__file__).resolve().parents[2]
LIMIT = 900
"""Seconds one run may take: compiling included, on a busy machine."""
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def command(recipe: Path, out: Path, *more: str, processes: int = 2) -> list[str]:
    train = [sys.executable, "-m", "dsafe_runner", "train"]
    return [*train, str(recipe), "--out", str(out), "--processes", str(processes), *more]


def run(recipe: Path, out: Path, *more: str, processes: int = 2) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(recipe, out, *more, processes=processes),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env=ENVIRONMENT,
        cwd=recipe.parent,
    )


@pytest.fixture
def recipe(write_recipe):
    """A small recipe for two processes, twelve steps, a checkpoint every four."""

    def write(name: str | None, **changes):
        train = {"steps": 12, "batch_size": 4, "global_batch": 8, "log_every": 2, **changes.pop("train", {})}
        changes = {"train": train, "save": {"dtype": "float32"}, **changes}
        if name is not None:
            changes["deepspeed"] = str(ROOT / "recipes" / "deepspeed" / f"{name}.json")
        path = write_recipe(**changes)
        return path.rename(path.with_name(f"{name or 'alone'}.yaml"))

    return write


def weights(folder: Path):
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def furthest(one, two) -> float:
    assert one.keys() == two.keys()
    return max((one[name] - two[name]).abs().max().item() for name in one)


def kill_after(recipe: Path, out: Path, pattern: str) -> None:
    """Start a run, SIGKILL its launcher once a file is there, and wait until its processes are gone too."""
    log = out.with_name("killed.log")
    with log.open("w") as file:
        process = subprocess.Popen(
            command(recipe, out), stdout=file, stderr=subprocess.STDOUT, env=ENVIRONMENT, cwd=recipe.parent
        )
        checkpoints = out.with_name(f"{out.name}-checkpoints")
        until = time.monotonic() + LIMIT
        while not list(checkpoints.glob(pattern)) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        assert list(checkpoints.glob(pattern)), log.read_text()[-3000:]
        process.kill()  # the launcher alone: its two processes must not outlive it
        process.wait(60)
    until = time.monotonic() + 30
    while alive := [p.pid for p in psutil.process_iter(["cmdline"]) if str(recipe) in (p.info["cmdline"] or ())]:
        assert time.monotonic() < until, f"processes {alive} outlived their launcher"
        time.sleep(0.1)


def test_zero_2_and_3_in_two_processes_give_the_weights_of_one_process(recipe, tmp_path):
    losses = {}
    for name in (None, "zero2", "zero3"):
        done = run(recipe(name), tmp_path / f"out-{name}", processes=1 if name is None else 2)
        assert done.returncode == 0, done.stderr[-3000:]
        losses[name] = [line.split(",")[0] for line in done.stdout.splitlines() if line.startswith("step ")]
        assert len(losses[name]) == 6
    alone = weights(tmp_path / "out-None")
    # the same sums in another order, twelve steps long, on weights of about 0.06
    assert furthest(alone, weights(tmp_path / "out-zero2")) < 1e-4
    assert furthest(alone, weights(tmp_path / "out-zero3")) < 1e-4
    record = json.loads((tmp_path / "out-zero3" / "training.json").read_text(encoding="utf-8"))
    assert record["world_size"] == 2
    assert "deepspeed" in record["versions"]

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out-zero3", dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out-zero3")
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "你好"}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    assert model.generate(**prompt, max_new_tokens=3).shape[1] > prompt["input_ids"].shape[1]


def test_a_run_killed_at_any_moment_goes_on_to_the_same_weights(recipe, tmp_path):
    path = recipe("zero3", checkpoints={"every": 4, "keep": 2})
    whole = run(path, tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr[-3000:]

    kill_after(path, tmp_path / "out", "checkpoint-4/dsafe.json")
    assert not (tmp_path / "out").exists()
    # what a death in the middle of the next checkpoint leaves behind
    half = tmp_path / "out-checkpoints" / "checkpoint-8"
    if not (half / "dsafe.json").exists():
        half.mkdir(exist_ok=True)
        (half / "model.safetensors").write_bytes(b"half")

    again = run(path, tmp_path / "out")
    assert again.returncode == 0, again.stderr[-3000:]
    assert re.search(r"going on after step [48] of 12", again.stdout)
    assert furthest(weights(tmp_path / "whole"), weights(tmp_path / "out")) == 0.0
    # died after the last step, before the model was written
    shutil.rmtree(tmp_path / "out")
    last = run(path, tmp_path / "out")
    assert last.returncode == 0, last.stderr[-3000:]
    assert "going on after step 12 of 12" in last.stdout
    assert furthest(weights(tmp_path / "whole"), weights(tmp_path / "out")) == 0.0

    other = run(path, tmp_path / "out", "--seed", "99")
    assert other.returncode == 4
    assert "checkpoints of another run" in other.stderr


def small_r1(folder: Path) -> Path:
    """A model of two layers with all that the R1 distills bring: their template, bfloat16, padding = end of text."""
    import torch
    import trl

    from dsafe_runner.benchmarks.tiny import text as tiny_text
    from dsafe_runner.training.model import new_model
    from dsafe_runner.training.recipe import FromScratch
    from dsafe_runner.training.tokenizer import make_tokenizer

    tokenizer = make_tokenizer(tiny_text.words(), 8192)
    tokenizer.pad_token = tokenizer.eos_token
    shipped = Path(trl.__file__).parent / "chat_templates" / "deepseek_r1_distill.jinja"
    tokenizer.chat_template = shipped.read_text(encoding="utf-8")
    torch.manual_seed(0)
    size = FromScratch(hidden_size=32, layers=2, heads=2, kv_heads=1, ffn=64, context=8192, initializer_range=0.06)
    new_model(size, tokenizer).to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_the_recipe_of_a_14b_model_but_for_model_and_rows_dies_and_goes_on(tmp_path):
    """ZeRO-3, bfloat16, recomputed activations, held-out rows, epochs: what the six recipes say, on shipped rows."""
    recipe = load_recipe(ROOT / "recipes" / "qwen-14b" / "sft.yaml").value
    shipped = recipe.model_dump(mode="json", exclude_defaults=True)
    for source, rows in zip(shipped["data"]["sources"], (24, 20, 6), strict=True):
        source |= {"path": str(ROOT / "recipes" / "data" / Path(source["path"]).name), "rows": rows}
    shipped["start"] = {"path": str(small_r1(tmp_path / "start"))}
    shipped["deepspeed"] = str(ROOT / "recipes" / "deepspeed" / "zero3.json")
    shipped["train"] |= {"epochs": 2.0, "global_batch": 8, "learning_rate": 0.001}
    path = tmp_path / "r14.yaml"
    path.write_text(json.dumps({**shipped, "threads": 1}), encoding="utf-8")

    whole = run(path, tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr[-3000:]
    steps = [line for line in whole.stdout.splitlines() if line.startswith("step ")]
    assert any("safety" in line and "reasoning" in line for line in steps)
    assert sum("held-out" in line for line in steps) == 6
    kill_after(path, tmp_path / "out", "checkpoint-*/dsafe.json")
    again = run(path, tmp_path / "out")
    assert again.returncode == 0, again.stderr[-3000:]
    assert "going on after step" in again.stdout
    assert furthest(weights(tmp_path / "whole"), weights(tmp_path / "out")) == 0.0


def test_a_loss_that_is_not_finite_stops_the_run_at_once_with_a_hint(recipe, tmp_path):
    done = run(recipe("zero2", train={"learning_rate": 1e30, "warmup": 0.0}), tmp_path / "out")
    assert done.returncode != 0
    assert "the loss is nan at step 2" in done.stderr
    assert "lower learning_rate or clip" in done.stderr
    assert not (tmp_path / "out").exists()


def test_weights_that_go_bad_in_parts_stop_all_processes_before_a_checkpoint(recipe, tmp_path):
    """ZeRO-3: each process holds a part of the weights. The first step, at a learning rate of 0, is the one kept."""
    train = {"steps": 5, "batch_size": 2, "learning_rate": 1e39, "warmup": 0.4, "clip": 1e9, "log_every": 50}
    done = run(recipe("zero3", train=train, checkpoints={"every": 1}), tmp_path / "out")
    assert done.returncode == 4
    assert re.search(r"(nan|inf) in model\.\S+ after step 2 \(rows (tiny/safe:\d+(, )?){8}\)", done.stderr)
    assert not (tmp_path / "out").exists()
    kept = sorted(f.name for f in (tmp_path / "out-checkpoints").glob("checkpoint-*"))
    assert kept == ["checkpoint-1"]


def test_one_process_needs_no_launcher_and_waits_for_no_dead_build(recipe, tmp_path):
    builds = Path(os.environ.get("TORCH_EXTENSIONS_DIR", f"{sys.prefix}/torch_extensions"))
    left = builds / "deepspeed_shm_comm" / "lock"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.touch()
    done = run(recipe("zero2", train={"steps": 2}), tmp_path / "out", processes=1)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "out" / "model.safetensors").is_file()


def test_without_a_compiler_one_line_says_so(recipe, tmp_path, monkeypatch):
    monkeypatch.setitem(ENVIRONMENT, "CXX", "/bin/false")
    monkeypatch.setitem(ENVIRONMENT, "TORCH_EXTENSIONS_DIR", str(tmp_path / "empty"))
    done = run(recipe("zero2"), tmp_path / "out", processes=1)
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1].endswith("it needs g++ and ninja")
