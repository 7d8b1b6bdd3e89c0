"""The transformers engine against a bare, length-sorted, batch-32 `model.generate` loop: same model, same prompts.

    python perf/engine_vs_raw.py [--size tiny mid] [--dtype float32] [--whole-only] [--pairs 3] [--quick]

Whole run, in processes of their own: perf/raw_loop.py against our engine process (`EngineProcess` and its worker) and
against `dsafe measure` on an empty store, interpreter start to exit. 200 prompts (tiny), or 24
in batches of 8 (mid).

Inside one process, both loaded, 96 prompts (12 for mid), CPU-seconds of the process:
- equal    every answer has 32 new tokens: what our code around `generate` costs
- spread   answers of 8 to 120 tokens: what going on without the finished rows of a batch saves
- letters  one forward pass per item against a bare last-position loop in batches of 8
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import harnesses
import models
import pairs
from pairs import Spent

COUNT = {"tiny": 200, "mid": 24}
ROWS = {"tiny": 32, "mid": 8}
INSIDE = {"tiny": 96, "mid": 12}
BATCH, LETTER_BATCH, NEW = 32, 8, 32


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", nargs="+", choices=COUNT, default=list(COUNT))
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--whole-only", action="store_true", help="leave out the part inside one process")
    options = pairs.options(parser)
    pairs.head("torch", "transformers")
    for size in options.size:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            label = pairs.build_model(size, folder / "model")
            count = 8 if options.quick else COUNT[size]
            work = harnesses.Work(folder, models.mixed_prompts(count), options.dtype, folder, ROWS[size])
            models.write_questions(folder / "rows.jsonl", work.prompts)
            harnesses.write_plain_rows(work)
            run = {
                "engine process": harnesses.engine(work),
                "raw": harnesses.raw(work),
                "dsafe measure": harnesses.ours(work),
            }
            spent = pairs.rounds(run, options.pairs)
            how = f"32 new tokens, batches of {ROWS[size]}, {options.dtype}, whole run"
            pairs.compare(spent, ours="engine process", items=count, title=f"{label}, {count} mixed prompts, {how}")
            if not options.whole_only:
                inside(folder / "model", label, 8 if options.quick else INSIDE[size], options)
    pairs.foot()


def inside(folder: Path, label: str, count: int, options: argparse.Namespace) -> None:
    """The three cases in this process."""
    import torch

    from dsafe_runner.engines.hf.engine import TransformersEngine

    torch.set_num_threads(1)
    engine = {"dtype": options.dtype, "device": "cpu", "threads": 1, "max_batch_size": BATCH, "max_batch_tokens": 10**6}
    with TransformersEngine({"name": "perf", "path": str(folder)}, engine) as ours:
        for case, pair in cases(ours, models.mixed_prompts(count)).items():
            for run in pair.values():
                run()  # warm
            timed = {name: lambda run=run: _timed(run) for name, run in pair.items()}
            title = f"{label}, {count} mixed prompts, {options.dtype}, inside one process: {case}"
            pairs.compare(pairs.rounds(timed, options.pairs), ours="engine", items=count, title=title)


def _timed(run: Callable[[], object]) -> Spent:
    cpu, wall = time.process_time(), time.monotonic()
    run()
    return Spent(time.process_time() - cpu, time.monotonic() - wall, 0.0)


def cases(ours: Any, texts: list[str]) -> dict[str, dict[str, Callable[[], object]]]:
    """Case -> its two sides."""
    import torch

    from dsafe_runner.engines.hf.decode import generate_batch
    from dsafe_runner.engines.prompts import LETTER_CUE
    from dsafe_runner.records import Message, Request, Sampling

    loaded = ours._ready()
    tokenizer, model = loaded.tokenizer, loaded.model

    def requests(letters: tuple[str, ...] = ()) -> list[Request]:
        sampling = Sampling(max_tokens=NEW, scoring="letters" if letters else "generate")
        return [Request(str(i), str(i), 0, (Message("user", t),), sampling, 0, letters) for i, t in enumerate(texts)]

    def batches(size: int, cue: str = "") -> list[Any]:
        rendered = [
            tokenizer.apply_chat_template([{"role": "user", "content": t}], tokenize=False, add_generation_prompt=True)
            + cue
            for t in texts
        ]
        ids = sorted(tokenizer(rendered, add_special_tokens=False)["input_ids"], key=len, reverse=True)
        groups = [ids[i : i + size] for i in range(0, len(ids), size)]
        return [tokenizer.pad({"input_ids": g}, return_tensors="pt", padding_side="left") for g in groups]

    def raw_equal() -> None:
        for inputs in batches(BATCH):
            out = model.generate(**inputs, max_new_tokens=NEW, do_sample=False)
            tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1] :])

    def raw_letters() -> None:
        with torch.inference_mode():
            for inputs in batches(LETTER_BATCH, LETTER_CUE):
                positions = (inputs["attention_mask"].cumsum(-1) - 1).clamp(min=0)
                model(**inputs, position_ids=positions, use_cache=False, logits_to_keep=1).logits[:, -1].log_softmax(-1)

    dice = random.Random(1)
    prepared = sorted(loaded.prompts.prepare(requests()), key=lambda p: -len(p.ids))
    spread = [dataclasses.replace(p, budget=dice.randint(8, 120)) for p in prepared]

    def raw_spread() -> None:
        for start, inputs in zip(range(0, len(spread), BATCH), batches(BATCH), strict=True):
            longest = max(p.budget for p in spread[start : start + BATCH])
            model.generate(**inputs, max_new_tokens=longest, do_sample=False)

    def our_spread() -> None:
        for start in range(0, len(spread), BATCH):
            list(generate_batch(loaded, spread[start : start + BATCH]))

    return {
        "equal": {"engine": lambda: list(ours.generate(requests())), "raw": raw_equal},
        "spread": {"engine": our_spread, "raw": raw_spread},
        "letters": {"engine": lambda: list(ours.generate(requests(("A", "B", "C", "D")))), "raw": raw_letters},
    }


if __name__ == "__main__":
    main()
