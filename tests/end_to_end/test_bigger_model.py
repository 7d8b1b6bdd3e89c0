"""A random-weight Qwen2 of about 150M parameters on 100 items: the path of a real checkpoint, at a size that shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dsafe_runner.benchmarks.registry import open_benchmark

ROOT = Path(__file__).parents[2]


def build(folder: Path) -> int:
    """A checkpoint with random weights and the tiny tokenizer; returns its number of parameters."""
    import torch
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(ROOT / "recipes/tiny/models/base")
    tokenizer.save_pretrained(folder)
    torch.manual_seed(3)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=896,
        intermediate_size=2688,
        num_hidden_layers=16,
        num_attention_heads=14,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
    )
    model = Qwen2ForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    return sum(p.numel() for p in model.parameters())


@pytest.mark.slow
def test_a_bigger_model_on_100_items(tmp_path):
    assert 120e6 < build(tmp_path / "model") < 200e6
    with (tmp_path / "mcq.jsonl").open("w") as file:
        for sample in open_benchmark("starter/mcq").samples()[:100]:
            question = sample.messages[0].content
            row = {
                "id": sample.id,
                "kind": "mcq",
                "messages": [{"role": "user", "content": question}],
                "options": list(sample.options),
                "answer": sample.target[0],
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "big.safety.yaml").write_text(
        "suite: big\n"
        "engines: {cpu: {backend: transformers}}\n"
        "models: {big: {path: ./model, engine: cpu}}\n"
        "benchmarks:\n"
        "  said: {use: custom, path: mcq.jsonl, sampling: {max_tokens: 16}}\n"
        "  letters: {use: custom, path: mcq.jsonl, scoring: letters}\n"
        "thresholds:\n"
        "  - {benchmark: said, metric: acc, model: big, min: 0.9}\n"
        "  - {benchmark: letters, metric: acc, model: big, min: 0.9}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "dsafe_runner.plugin", "big.safety.yaml", "--tb=no"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout[-3000:])
    assert done.returncode == 1, "random weights cannot pass"
    (folder,) = (tmp_path / "reports").iterdir()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["models"]["big"]["errors"] == 0
    assert manifest["models"]["big"]["asked"] == 200
    said = manifest["measurements"]["big::said"]["outcomes"]
    assert said["truncated"] + said["no-answer"] + said["right"] + said["wrong"] == 100
    letters = manifest["measurements"]["big::letters"]["outcomes"]
    assert letters["right"] + letters["wrong"] == 100
