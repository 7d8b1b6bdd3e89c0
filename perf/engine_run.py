"""Our engine process alone: the requests of a file put to an EngineProcess, without plan, store or scores.

    python perf/engine_run.py MODEL ROWS.jsonl OUT.jsonl --dtype float32 [--new 32] [--batch 32]

Started by perf/engine_vs_raw.py.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from dsafe_runner.engines.process import EngineProcess
from dsafe_runner.records import Message, Request, Sampling
from dsafe_runner.suite.spec import Engine


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--new", type=int, default=32)
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()
    engine = Engine(
        backend="transformers", device="cpu", dtype=options.dtype, threads=1, max_batch_size=options.batch
    ).model_dump(mode="json")
    prompts = [json.loads(line) for line in options.rows.read_text(encoding="utf-8").splitlines()]
    requests = [
        Request(str(i), str(i), 0, (Message("user", text),), Sampling(max_tokens=options.new), 0)
        for i, text in enumerate(prompts)
    ]
    model = {"name": "perf", "path": str(options.model.resolve())}
    with EngineProcess(model, engine, env={}, log_path=Path("engine.log")) as process, options.out.open("w") as out:
        for response in process.generate(requests):
            out.write(json.dumps([response.completion_tokens, response.answer]) + "\n")


if __name__ == "__main__":
    main()
