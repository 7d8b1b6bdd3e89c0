"""The transformers engine against a bare, length-sorted, batch-32 `model.generate` loop: same model, same prompts.

    python perf/engine_vs_raw.py [--rounds 5] [--items 96]

Model: random-weight Qwen2 of about 4M parameters (vocabulary 4096), float32, CPU, one thread; built on the spot. Every
round runs both sides in alternating order, in one process, on the same prompts; printed are medians of CPU-seconds and
of the paired ratios (above 1: the engine is faster). Three cases:

- equal    every answer has 32 new tokens: what our code around `generate` costs
- spread   answers of 8 to 120 tokens: what going on without the finished rows of a batch saves
- letters  one forward pass per item against a bare last-position loop in batches of 8
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from dsafe_runner.engines.hf import TransformersEngine
from dsafe_runner.engines.hf_decode import generate_batch
from dsafe_runner.engines.prompts import LETTER_CUE
from dsafe_runner.records import Message, Request, Sampling

BATCH, LETTER_BATCH, NEW = 32, 8, 32
TEMPLATE = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"


def build(folder: Path) -> None:
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer, raw.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    raw.train_from_iterator(
        ["a b c d e f g"],
        trainers.BpeTrainer(
            vocab_size=300,
            special_tokens=["<|endoftext|>"],
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="<|endoftext|>", eos_token="<|endoftext|>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=4096,
        hidden_size=192,
        intermediate_size=768,
        num_hidden_layers=4,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        tie_word_embeddings=False,
    )
    model = Qwen2ForCausalLM(config)
    model.generation_config = GenerationConfig()
    model.save_pretrained(folder)


def paired(rounds: int, sides: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for run in sides.values():
        run()  # warm
    for turn in range(rounds):
        for name in list(sides)[:: 1 if turn % 2 else -1]:
            start = time.process_time()
            sides[name]()
            seconds[name].append(time.process_time() - start)
    return seconds


def report(case: str, seconds: dict[str, list[float]], items: int) -> None:
    ratios = [raw / ours for raw, ours in zip(seconds["raw"], seconds["engine"], strict=True)]
    raw, ours = statistics.median(seconds["raw"]), statistics.median(seconds["engine"])
    print(
        f"{case:8} raw {raw:6.2f} s  engine {ours:6.2f} s  {items / ours:7.1f} items/cpu-s  "
        f"engine/raw speed {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--items", type=int, default=96)
    options = parser.parse_args()
    torch.set_num_threads(1)
    dice = random.Random(0)
    texts = ["".join(dice.choices("abcdefghij ", k=dice.randint(40, 400))) for _ in range(options.items)]
    with tempfile.TemporaryDirectory() as name:
        build(Path(name))
        engine = {"dtype": "float32", "device": "cpu", "threads": 1, "max_batch_size": BATCH, "max_batch_tokens": 10**6}
        with TransformersEngine({"name": "perf", "path": name}, engine) as ours:
            measure(ours, texts, options.rounds)


def measure(ours: TransformersEngine, texts: list[str], rounds: int) -> None:
    loaded = ours._ready()
    tokenizer, model = loaded.tokenizer, loaded.model
    size = f"{model.num_parameters() / 1e6:.1f}M parameters"
    print(f"{size}, {len(texts)} items, {rounds} rounds, torch {torch.__version__}")

    def requests(letters: tuple[str, ...] = ()) -> list[Request]:
        sampling = Sampling(max_tokens=NEW, scoring="letters" if letters else "generate")
        return [Request(str(i), str(i), 0, (Message("user", t),), sampling, 0, letters) for i, t in enumerate(texts)]

    def batches(size: int, cue: str = "") -> list[dict[str, torch.Tensor]]:
        rendered = [
            tokenizer.apply_chat_template([{"role": "user", "content": t}], tokenize=False) + cue for t in texts
        ]
        rendered.sort(key=len, reverse=True)
        groups = [rendered[i : i + size] for i in range(0, len(rendered), size)]
        return [tokenizer(g, return_tensors="pt", padding=True, padding_side="left") for g in groups]

    def raw_equal() -> None:
        for inputs in batches(BATCH):
            out = model.generate(**inputs, max_new_tokens=NEW, do_sample=False)
            tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1] :])

    def raw_letters() -> None:
        with torch.inference_mode():
            for inputs in batches(LETTER_BATCH, LETTER_CUE):
                positions = (inputs["attention_mask"].cumsum(-1) - 1).clamp(min=0)
                model(**inputs, position_ids=positions, use_cache=False, logits_to_keep=1).logits[:, -1].log_softmax(-1)

    prepared = sorted(loaded.prompts.prepare(requests()), key=lambda p: -len(p.ids))
    spread = [dataclasses.replace(p, budget=dice) for p, dice in zip(prepared, lengths(len(prepared)), strict=True)]

    def raw_spread() -> None:
        for start, inputs in zip(range(0, len(spread), BATCH), batches(BATCH), strict=True):
            longest = max(p.budget for p in spread[start : start + BATCH])
            model.generate(**inputs, max_new_tokens=longest, do_sample=False)

    def our_spread() -> None:
        for start in range(0, len(spread), BATCH):
            list(generate_batch(loaded, spread[start : start + BATCH]))

    def our_letters() -> None:
        list(ours.generate(requests(("a", "b", "c", "d"))))

    report("equal", paired(rounds, {"raw": raw_equal, "engine": lambda: list(ours.generate(requests()))}), len(texts))
    report("spread", paired(rounds, {"raw": raw_spread, "engine": our_spread}), len(texts))
    report("letters", paired(rounds, {"raw": raw_letters, "engine": our_letters}), len(texts))


def lengths(count: int) -> list[int]:
    dice = random.Random(1)
    return [dice.randint(8, 120) for _ in range(count)]


if __name__ == "__main__":
    main()
