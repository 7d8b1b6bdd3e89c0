"""The memory plan: parameters counted exactly, states as DeepSpeed estimates them, verdicts for given machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsafe_runner.cli import main
from dsafe_runner.errors import UnavailableError
from dsafe_runner.training.dimensions import Dimensions, dimensions_of
from dsafe_runner.training.memory import Machines, Setup, amount, needs
from dsafe_runner.training.plan import plan_lines
from dsafe_runner.training.recipe import load_recipe

ROOT = Path(__file__).resolve().parents[2]
MODELS = ("qwen-1.5b", "qwen-7b", "qwen-14b", "qwen-32b", "llama-8b", "llama-70b")
BILLIONS = dict(zip(MODELS, (1.78, 7.62, 14.77, 32.76, 8.03, 70.55), strict=True))


def path_of(name: str) -> Path:
    return ROOT / "recipes" / name / "sft.yaml"


def of(name: str) -> tuple[Dimensions, object]:
    recipe = load_recipe(path_of(name)).value
    return dimensions_of(recipe, path_of(name)), recipe


@pytest.mark.parametrize("name", MODELS)
def test_parameters_are_those_transformers_makes(name):
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config

    size, _ = of(name)
    family = Qwen2Config if size.qkv_bias else LlamaConfig
    config = family(
        hidden_size=size.hidden,
        num_hidden_layers=2,
        num_attention_heads=size.heads,
        intermediate_size=size.ffn,
        num_key_value_heads=size.kv_heads,
        vocab_size=size.vocabulary,
        tie_word_embeddings=size.tied,
    )
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    two = Dimensions(**{f: getattr(size, f) for f in Dimensions.__dataclass_fields__} | {"layers": 2})
    assert two.parameters == sum(p.numel() for p in model.parameters())
    assert max(sum(p.numel() for p in m.parameters(recurse=False)) for m in model.modules()) == size.embedding
    assert size.parameters / 1e9 == pytest.approx(BILLIONS[name], abs=0.01)


def published(total: int, largest: int, stage: int, offload: bool, gpus: int, nodes: int) -> tuple[float, float]:
    """GPU and host bytes as runtime/zero of DeepSpeed 0.19 estimates them (zero_init, no parameter offload)."""
    world = gpus * nodes
    if stage == 2:
        return 2 * total + 18 * total / world, total * 4 * gpus * 1.5
    if offload:
        return 4 * largest + 2 * total / world, total * 16 / nodes * 1.5
    return 4 * largest + 18 * total / world, largest * 4 * gpus * 1.5


@pytest.mark.parametrize("machines", [(8, 1), (8, 4), (4, 2), (1, 1)])
@pytest.mark.parametrize(("stage", "offload"), [(2, False), (3, False), (3, True)])
@pytest.mark.parametrize("name", MODELS)
def test_states_are_those_of_deepspeeds_estimators(name, stage, offload, machines):
    size, recipe = of(name)
    gpus, nodes = machines
    found = needs(size, recipe, Setup("x", stage, offload), Machines(gpus, nodes))
    wanted = published(size.parameters, size.embedding, stage, offload, gpus, nodes)
    assert (found.states, found.host) == pytest.approx(wanted, rel=0.001)


@pytest.mark.parametrize("name", MODELS)
def test_the_published_formulas_are_the_installed_ones(name):
    pytest.importorskip("deepspeed", reason="needs DeepSpeed: pip install 'dsafe-runner[train,deepspeed]'")
    from deepspeed.runtime.zero.stage3 import estimate_zero3_model_states_mem_needs as three
    from deepspeed.runtime.zero.stage_1_and_2 import estimate_zero2_model_states_mem_needs as two

    size, _ = of(name)
    p, largest = size.parameters, size.embedding
    for gpus, nodes in ((8, 1), (8, 4)):
        host, gpu = two(p, gpus, nodes, cpu_offload=False)
        assert (gpu, host) == pytest.approx(published(p, largest, 2, False, gpus, nodes), rel=1e-6)
        for offload in (False, True):
            host, gpu, _ = three(p, largest, gpus, nodes, cpu_offload=offload, cpu_offload_params=False)
            assert (gpu, host) == pytest.approx(published(p, largest, 3, offload, gpus, nodes), rel=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_every_recipe_fits_the_machines_it_names(name):
    nodes = 4 if name == "llama-70b" else 1
    lines, fits = plan_lines(path_of(name), Machines(8, nodes, 80 * 10**9, 10**12))
    assert fits, lines[-1]


def test_the_plan_says_what_would_fit(capsys):
    command = ["train", str(path_of("llama-70b")), "--plan", "--gpus", "8", "--gpu-memory", "80", "--host-memory"]
    assert main([*command, "2000"]) == 1
    text = capsys.readouterr().out
    assert "70.55B parameters, 1 x 8 GPU(s) of 80.0 GB" in text
    assert "activations" in text
    assert "disk: 3.10 TB (2 checkpoints, one being written, the model)" in text
    assert text.splitlines()[-1].endswith("GPU memory; say `deepspeed: ../deepspeed/zero3_offload.json`")
    assert main([*command, "500"]) == 1
    assert "take 4 such machines with zero3_offload" in capsys.readouterr().out
    assert main([*command, "500", "--nodes", "4"]) == 0


def test_a_plan_without_gpus_refuses_nothing_and_says_so(capsys):
    assert main(["train", str(ROOT / "recipes" / "tiny" / "safe.yaml"), "--plan", "--gpus", "1"]) == 0
    assert "no GPU found" in capsys.readouterr().out


def test_a_folder_brings_its_own_dimensions(tmp_path, write_recipe):
    config = {
        "model_type": "llama",
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "vocab_size": 100,
        "intermediate_size": 128,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
    }
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.json").write_text(json.dumps(config))
    path = write_recipe(start=[{"path": "./m"}])
    size = dimensions_of(load_recipe(path).value, path)
    assert (size.head, size.tied, size.qkv_bias) == (16, True, False)
    (tmp_path / "m" / "config.json").write_text("{}")
    with pytest.raises(UnavailableError, match="cannot be read"):
        dimensions_of(load_recipe(path).value, path)
    path = write_recipe(start=[{"path": "somebody/else"}])
    with pytest.raises(UnavailableError, match="not known here"):
        dimensions_of(load_recipe(path).value, path)


def test_amounts():
    assert [amount(n) for n in (1_500_000, 400e6, 73.7e9, 1.69e12)] == ["1.5 MB", "0.4 GB", "73.7 GB", "1.69 TB"]
