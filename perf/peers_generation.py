"""32 new tokens to the same prompts, whole runs: dsafe, lm-evaluation-harness, Inspect, EvalScope (local path).

    python perf/peers_generation.py [--size tiny mid] [--prompts mixed] [--peers .perf-venvs] [--pairs 3] [--quick]

Whole run: interpreter start to exit, everything a user waits for, child processes included. Ours is `dsafe measure` on
an empty store. Prompts: `mixed`, the three starter sets shuffled (40 to 250 tokens, what one suite asks of a model), or
`mcq`, starter/mcq alone (90 to 270 tokens: lengths more alike, so sorting by length gains less). 200 prompts for the
tiny model in batches of 32, 24 for the mid one in batches of 8 (a single batch would hide what sorting does); the same
batches and dtype (float32 unless --dtype says otherwise) on every side.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import harnesses
import models
import pairs
import peers

COUNT = {"tiny": 200, "mid": 24}
BATCH = {"tiny": 32, "mid": 8}
PROMPTS = {"mixed": models.mixed_prompts, "mcq": models.mcq_prompts}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", nargs="+", choices=COUNT, default=list(COUNT))
    parser.add_argument("--prompts", choices=PROMPTS, default="mixed")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--peers", type=Path, default=peers.DEFAULT)
    parser.add_argument("--only", nargs="+", choices=peers.PINS, default=list(peers.PINS), help="these peers")
    options = pairs.options(parser)
    pairs.head("torch", "transformers")
    print(", ".join(peers.version(name) for name in options.only))
    for size in options.size:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            label = pairs.build_model(size, folder / "model")
            count = 8 if options.quick else COUNT[size]
            prompts = PROMPTS[options.prompts](count)
            work = harnesses.Work(folder, prompts, options.dtype, options.peers.resolve(), BATCH[size])
            models.write_questions(folder / "rows.jsonl", work.prompts)
            harnesses.write_plain_rows(work)
            makers = {"lm-eval": harnesses.lm_eval, "inspect": harnesses.inspect, "evalscope": harnesses.evalscope}
            run = {"dsafe measure": harnesses.ours(work), **{peer: makers[peer](work) for peer in options.only}}
            spent = pairs.rounds(run, options.pairs)
        how = f"32 new tokens, batches of {BATCH[size]}, {options.dtype}, whole run"
        title = f"{label}, {count} {options.prompts} prompts, {how}"
        pairs.compare(spent, ours="dsafe measure", items=count, title=title)
    pairs.foot()


if __name__ == "__main__":
    main()
