"""What is not finite stops a run before anything of it is written: real training, with real weights that go bad."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dsafe_runner.errors import TrainingError

torch = pytest.importorskip("torch")
pytest.importorskip("trl", reason="training needs TRL: pip install 'dsafe-runner[train]'")

WORDS = [f"word{number:02}" for number in range(12)]
"""A token of its own each."""


def quiet(_line: str) -> None:
    """Training says much."""


def start(folder: Path, tokenizer, spoil=None) -> Path:
    """A one-layer GPT-2 (a large embedding overflows in its layer norm); `spoil` is given its tensors by name."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=16,
        n_layer=1,
        n_head=2,
        n_positions=128,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = GPT2LMHeadModel(config)
    if spoil is not None:
        with torch.no_grad():
            spoil(dict(model.named_parameters()))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def rows(folder: Path) -> Path:
    """Twelve rows, a word of its own in each question."""
    path = folder / "rows.jsonl"
    lines = [
        {"messages": [{"role": "user", "content": f"问{word}"}], "thinking": "想一想", "answer": "好的"}
        for word in WORDS
    ]
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def begin(write_recipe, tmp_path, r1):
    """A recipe over those rows that starts from weights on the disk."""
    rows(tmp_path)
    r1.add_tokens(WORDS)

    def write(spoil=None, train=None, holdout=0.0, **more):
        folder = start(tmp_path / "start", r1, spoil)
        source = {"path": "./rows.jsonl", "kind": "safety"}
        data = {"use": "mixture", "sources": [source], "near_duplicates": None, "holdout": holdout}
        numbers = {"steps": 3, "batch_size": 4, "learning_rate": 0.001, "max_length": 128, **(train or {})}
        return write_recipe(start=[{"path": str(folder)}], data=[data], train=[numbers], template=None, **more)

    return write


def test_diverging_weights_stop_the_command_and_leave_what_was_there(begin, tmp_path):
    numbers = {"learning_rate": 1e39, "clip": 1e9, "warmup": 0.6, "batch_size": 2, "accumulate": 2, "log_every": 50}
    recipe = begin(train=numbers, checkpoints={"every": 1}, save={"dtype": "float32"})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model.safetensors").write_bytes(b"an older model")
    done = subprocess.run(
        [sys.executable, "-m", "dsafe_runner", "train", str(recipe), "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        timeout=300,
    )
    assert done.returncode == 4, done.stderr[-3000:]
    line = done.stderr.strip().splitlines()[-1]
    assert " step 2 (rows " in line
    assert line.count("./rows.jsonl:") == 4  # both batches of the step
    assert [f.name for f in (tmp_path / "out").iterdir()] == ["model.safetensors"]
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == b"an older model"
    # the first step has a learning rate of 0; its checkpoint is whole, and no other is there
    assert [f.name for f in (tmp_path / "out-checkpoints").glob("checkpoint-*")] == ["checkpoint-1"]
    assert (tmp_path / "out-checkpoints" / "checkpoint-1" / "dsafe.json").is_file()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_start_that_is_not_finite_is_told_with_the_name_of_its_tensor(begin, tmp_path, value):
    from dsafe_runner.training.sft import train

    def spoil(weights):
        weights["transformer.wte.weight"][300, 3] = value  # of a token that no row holds

    with pytest.raises(TrainingError, match=rf"starting model .*start holds {value} in transformer\.wte\.weight"):
        train(begin(spoil), tmp_path / "out", say=quiet)
    assert not (tmp_path / "out").exists()


def test_weights_too_large_for_what_they_are_saved_as_are_not_written(begin, tmp_path):
    from dsafe_runner.training.sft import train

    def spoil(weights):
        weights["transformer.wte.weight"][300, 3] = 3.4e38  # finite as float32, inf as bfloat16

    with pytest.raises(TrainingError, match=r"as bfloat16, hold inf in transformer\.wte\.weight"):
        train(begin(spoil, train={"steps": 1}), tmp_path / "out", say=quiet)
    assert not (tmp_path / "out").exists()


def test_a_loss_that_is_bad_on_held_out_rows_only_names_them(begin, tmp_path, r1):
    from dsafe_runner.training.recipe import load_recipe
    from dsafe_runner.training.rows import recipe_rows
    from dsafe_runner.training.sft import train

    recipe = begin(holdout=0.1)
    (row,) = recipe_rows(load_recipe(recipe).value, recipe, 3).held_out
    word = r1.convert_tokens_to_ids(row.messages[0].content[1:])

    def spoil(weights):
        weights["transformer.wte.weight"][word] = 3e38

    recipe = begin(spoil, holdout=0.1, checkpoints={"every": 1}, save={"dtype": "float32"})
    with pytest.raises(TrainingError, match=rf"held-out loss is (nan|inf) after step 1 \(rows {row.where}\)"):
        train(recipe, tmp_path / "out", say=quiet)
    assert not (tmp_path / "out").exists()


def test_a_bad_gradient_an_unseen_one_and_a_bad_optimiser_state_stop_the_step():
    from dsafe_runner.training.finite import Guard

    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model(torch.ones(1, 2)).sum().backward()
    guard = Guard(["f:1", "f:2"])
    with pytest.raises(TrainingError, match="step 1 without saying the norm"):
        guard.before(1)
    guard.begin([1])
    for norm in (float("nan"), float("inf"), -1.0):  # -1 is how DeepSpeed spells both
        with pytest.raises(TrainingError, match=r"gradient is .* at step 1 \(rows f:2\)"):
            guard.norm(norm, 1, skipped=False)
    guard.norm(float("inf"), 1, skipped=True)  # float16: the scale of the loss is lowered, and the step not taken
    assert guard.skipped == 1
    guard.before(1)
    optimizer.step()
    guard.after(model, 1)
    guard.close(model, optimizer, 1)
    optimizer.state[model.weight]["exp_avg_sq"][0, 0] = float("inf")
    with pytest.raises(TrainingError, match="inf in the optimiser's exp_avg_sq of weight in the checkpoint of step 2"):
        guard.close(model, optimizer, 2)


def test_a_checkpoint_that_is_not_finite_is_not_gone_on_from(begin, tmp_path):
    from safetensors.torch import load_file, save_file

    from dsafe_runner.training.sft import train

    recipe = begin(train={"steps": 2}, checkpoints={"every": 1})
    train(recipe, tmp_path / "out", say=quiet)
    (tmp_path / "out-checkpoints" / "checkpoint-2" / "dsafe.json").unlink()  # as if it had died before closing it
    file = tmp_path / "out-checkpoints" / "checkpoint-1" / "model.safetensors"
    held = load_file(file)
    held["lm_head.weight"][5, 1] = float("nan")
    save_file(held, file, metadata={"format": "pt"})
    with pytest.raises(TrainingError, match=r"nan in lm_head\.weight in the checkpoint of step 1; remove it"):
        train(recipe, tmp_path / "out", say=quiet)
