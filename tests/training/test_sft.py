"""Real training of a very small model through the whole path, and the shipped family."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dsafe_runner.errors import TrainingError, UnavailableError

pytest.importorskip("trl", reason="training needs TRL: pip install 'dsafe-runner[train]'")

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "recipes" / "tiny" / "models"
TOLERANCE = 0.06
"""How far a rebuilt model may be from the shipped one on the test sets: other CPUs add in another order."""


def quiet(_line: str) -> None:
    """Training says much."""


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def rates(folder: Path) -> dict[str, float]:
    """Scores on the test sets."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from dsafe_runner.training.dev import scores

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return scores(model, tokenizer, ("mcq", "refusal", "benign", "reasoning"), 64, split="test")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, small):
    """Four steps of a one-layer model, and what was said."""
    from dsafe_runner.training.sft import train

    folder = tmp_path_factory.mktemp("sft")
    (folder / "mini.yaml").write_text(json.dumps(small), encoding="utf-8")
    said: list[str] = []
    result = train(folder / "mini.yaml", folder / "out", say=said.append)
    return folder, result, said


def test_writes_a_checkpoint_transformers_can_load_and_generate_with(trained):
    import torch
    from safetensors import safe_open
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, result, _ = trained
    assert result.steps == 4
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "training.json"} <= {
        f.name for f in result.out.iterdir()
    }
    with safe_open(result.out / "model.safetensors", "pt") as file:
        assert {file.get_tensor(k).dtype for k in file.keys()} == {torch.bfloat16}  # noqa: SIM118
    tokenizer = AutoTokenizer.from_pretrained(result.out)
    model = AutoModelForCausalLM.from_pretrained(result.out, dtype=torch.float32)
    assert model.config.max_position_embeddings == 512
    assert model.generation_config.do_sample is False
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "你好"}], add_generation_prompt=True, tokenize=False
    )
    assert prompt.endswith("<think>\n")
    ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)["input_ids"]
    assert model.generate(ids, max_new_tokens=3).shape[1] > ids.shape[1]
    assert not list(folder.glob(".out-*"))


def test_says_what_is_trained_on_and_records_how(trained):
    _, result, said = trained
    assert any("tokens" in line and "trained on" in line for line in said)
    assert any("【" in line and "</think>" in line for line in said)
    record = json.loads((result.out / "training.json").read_text(encoding="utf-8"))
    assert record["recipe"] == "mini"
    assert record["seed"] == 3
    assert record["steps"] == 4
    assert len(record["recipe_digest"]) == 16


def test_same_seed_same_weights_another_seed_other_weights(trained):
    from dsafe_runner.training.sft import train

    folder, result, _ = trained
    again = train(folder / "mini.yaml", folder / "again", say=quiet)
    other = train(folder / "mini.yaml", folder / "other", seed=4, say=quiet)
    assert weights(again.out) == weights(result.out)
    assert weights(other.out) != weights(result.out)


def test_goes_on_from_a_checkpoint(trained, write_recipe, tmp_path):
    from dsafe_runner.training.sft import train

    _, result, _ = trained
    recipe = write_recipe(start=[{"path": str(result.out)}], template=None, train={"steps": 2})
    more = train(recipe, tmp_path / "more", say=quiet)
    assert weights(more.out) != weights(result.out)


def test_unmet_goals_write_nothing(write_recipe, tmp_path):
    from dsafe_runner.training.sft import train

    recipe = write_recipe(
        dev={"every": 2, "max_tokens": 4, "goals": [{"score": "reasoning", "min": 0.95}]}, train={"steps": 2}
    )
    with pytest.raises(TrainingError, match=r"not met in 2 steps: at step 2 reasoning is 0\.0%"):
        train(recipe, tmp_path / "out", say=quiet)
    assert not (tmp_path / "out").exists()


def test_reasoning_rows_for_a_template_without_it_are_refused(write_recipe, tmp_path):
    from dsafe_runner.training.sft import train

    recipe = write_recipe(template="plain", reasoning=None)
    with pytest.raises(TrainingError, match="declares no `reasoning`"):
        train(recipe, tmp_path / "out", say=quiet)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory, small):
    """The shipped mixture, as the six recipes have it, on a one-layer model: three steps and a checkpoint."""
    from ruamel.yaml import YAML

    from dsafe_runner.training.sft import train

    folder = tmp_path_factory.mktemp("mixed")
    data = YAML(typ="safe").load((ROOT / "recipes" / "r1-distill.fragment.yaml").read_text(encoding="utf-8"))["data"]
    for source in data["sources"]:
        source["path"] = str(ROOT / "recipes" / "data" / Path(source["path"]).name)
    start = {"scratch": {**small["start"]["scratch"], "context": 4096}}
    numbers = {"steps": 3, "batch_size": 4, "learning_rate": 0.001, "max_length": 4096, "log_every": 1}
    recipe = {**small, "recipe": "mixed", "start": start, "data": data, "train": numbers, "checkpoints": {"every": 2}}
    (folder / "mixed.yaml").write_text(json.dumps(recipe), encoding="utf-8")
    said: list[str] = []
    train(folder / "mixed.yaml", folder / "out", say=said.append)
    return folder, said


def test_the_shipped_mixture_needs_no_warning_and_every_row_fits(mixed):
    folder, said = mixed
    assert not [line for line in said if "warning" in line or "left out" in line]
    record = json.loads((folder / "out" / "training.json").read_text(encoding="utf-8"))
    assert record["data"]["kinds"]["reasoning"]["share"] > 0.5
    assert [s["kind"] for s in record["data"]["sources"]] == ["safety", "reasoning", "benign"]
    assert all(len(s["sha256"]) == 64 for s in record["data"]["sources"])


def test_progress_has_a_loss_per_kind_speed_and_held_out_losses(mixed):
    lines = [line for line in mixed[1] if line.startswith("step ")]
    first = re.fullmatch(
        r"step 1/3: loss (\d\.\d{4}) \(((?:\w+ \d\.\d{4}(?:, )?)+)\), [\d,]+ tokens/s, \d+:\d\d left", lines[0]
    )
    assert first, lines
    losses = [float(part.split()[1]) for part in first[2].split(", ")]
    assert min(losses) <= float(first[1]) <= max(losses)
    held_out = [line for line in lines if "held-out" in line]
    assert [set(re.findall(r"(\w+) \d", line.split("loss ")[1])) for line in held_out[:3]] == [
        {"safety"},
        {"reasoning"},
        {"benign"},
    ]


def test_the_card_says_what_it_was_made_of(mixed):
    folder, _ = mixed
    text = (folder / "out" / "README.md").read_text(encoding="utf-8")
    assert text.count("| `") == 3
    assert '"recipe": "mixed"' in text
    assert "- trl " in text
    (folder / "out" / "README.md").write_text("my own", encoding="utf-8")
    from dsafe_runner.training.sft import train

    train(folder / "mixed.yaml", folder / "out", say=quiet)  # goes on from its last checkpoint: nothing is left to do
    assert (folder / "out" / "README.md").read_text(encoding="utf-8") == "my own"


def test_a_finished_run_is_only_written_again(mixed):
    from dsafe_runner.training.sft import train

    folder, _ = mixed
    before, steps = weights(folder / "out"), json.loads((folder / "out" / "training.json").read_text())["steps"]
    said: list[str] = []
    done = train(folder / "mixed.yaml", folder / "out", say=said.append)
    assert (done.steps, steps) == (3, 3)
    assert any("going on after step 3 of 3" in line for line in said)
    assert weights(folder / "out") == before


def test_a_tracker_that_is_not_there_is_said_before_anything_is_trained(write_recipe, tmp_path):
    import importlib.util

    from dsafe_runner.training.sft import train

    if importlib.util.find_spec("swanlab") is not None:
        pytest.skip("swanlab is installed here")
    with pytest.raises(UnavailableError, match="report_to names swanlab"):
        train(write_recipe(report_to=[["swanlab"]]), tmp_path / "out", say=quiet)


def test_trackers_get_the_numbers_of_the_progress_lines(write_recipe, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="needs tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from dsafe_runner.training.sft import train

    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "board"))
    train(write_recipe(report_to=[["tensorboard"]], train={"log_every": 2}), tmp_path / "out", say=quiet)
    events = EventAccumulator(str(next((tmp_path / "board").rglob("events*")).parent))
    events.Reload()
    assert {"train/loss", "train/loss_refuse", "train/loss_reason", "train/tokens_per_second"} <= set(
        events.Tags()["scalars"]
    )


def test_a_loss_that_is_not_finite_is_named_with_its_rows(write_recipe, tmp_path):
    from dsafe_runner.training.sft import train

    recipe = write_recipe(train={"learning_rate": 1e30, "warmup": 0.0})
    with pytest.raises(TrainingError, match=r"the loss is nan at step 2 \(rows .*\); lower learning_rate or clip"):
        train(recipe, tmp_path / "out", say=quiet)
    assert not (tmp_path / "out").exists()


def test_a_global_batch_must_share_out(write_recipe, tmp_path):
    from dsafe_runner.training.sft import train

    with pytest.raises(TrainingError, match=r"global_batch 12 is no multiple of batch_size 8 x 1 process"):
        train(write_recipe(train={"global_batch": 12}), tmp_path / "out", say=quiet)


def test_absent_start_is_unavailable(write_recipe, tmp_path):
    from dsafe_runner.training.sft import train

    recipe = write_recipe(start=[{"path": "./nowhere"}])
    with pytest.raises(UnavailableError, match="cannot load the starting model"):
        train(recipe, tmp_path / "out", say=quiet)


def test_deepspeed_is_asked_for_only_by_its_key(write_recipe, tmp_path):
    import importlib.util

    from dsafe_runner.training.sft import train

    if importlib.util.find_spec("deepspeed") is not None:
        pytest.skip("deepspeed is installed here")
    (tmp_path / "z.json").write_text('{"zero_optimization": {"stage": 2}}')
    with pytest.raises(UnavailableError, match="`deepspeed` key"):
        train(write_recipe(deepspeed="./z.json"), tmp_path / "out", say=quiet)


def test_a_batch_whose_end_is_not_trained_is_refused():
    import torch

    from dsafe_runner.training.batches import check_batch

    check_batch({"labels": torch.tensor([[-100, 5, 2], [5, 2, -100]])}, eos=2)
    with pytest.raises(TrainingError, match="not trained"):
        check_batch({"labels": torch.tensor([[-100, 5, 2], [5, 7, -100]])}, eos=2)
    with pytest.raises(TrainingError, match="not trained"):
        check_batch({"labels": torch.tensor([[-100, -100, -100]])}, eos=2)


@pytest.mark.slow
def test_rebuilt_safe_scores_what_the_shipped_one_does(tmp_path):
    """About 3 CPU-minutes."""
    from dsafe_runner.training.sft import train

    rebuilt = train(ROOT / "recipes" / "tiny" / "safe.yaml", tmp_path / "safe", say=print)
    assert rates(rebuilt.out) == pytest.approx(rates(MODELS / "safe"), abs=TOLERANCE)
