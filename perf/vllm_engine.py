"""The vllm engine beside the transformers engine: `.venv-vllm/bin/python perf/vllm_engine.py [--model mid]`.

Each side is a process of its own that starts the engine and answers all that the tiny suite asks one model of the tiny
family (`mid`: 32 prompts, 32 new tokens each, of 165M random weights), in turns (A B A B ...), float32, one thread.
Prints medians and ranges: seconds to start, and CPU-seconds to answer.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import models

from dsafe_runner.engines.backends import make_engine
from dsafe_runner.plan import make_plan
from dsafe_runner.records import Message, Request, Sampling
from dsafe_runner.suite.load import load_suite

ROOT = Path(__file__).resolve().parents[1]
ENGINES = {
    "transformers": {"max_batch_tokens": 65536, "max_batch_size": 32, "attention": "sdpa", "device": "cpu"},
    "vllm": {},
}


def work(model: str, mid: Path) -> tuple[dict[str, str], list[Request]]:
    """The checkpoint, and what it is asked."""
    if model == "mid":
        sampling = Sampling(max_tokens=32)
        asked = [
            Request(f"r{i}", f"s{i}", 0, (Message("user", text),), sampling, i)
            for i, text in enumerate(models.mixed_prompts(32))
        ]
        return {"path": str(mid), "name": model}, asked
    plan = make_plan(load_suite(ROOT / "suites/tiny.safety.yaml"))
    asked = [
        Request(f"{m.benchmark}{i}", sample.id, 0, sample.messages, m.sampling, i)
        for m in plan.measurements.values()
        if m.model == model
        for i, sample in enumerate(plan.benchmarks[m.benchmark].samples())
    ]
    spec = {"path": str(ROOT / "recipes/tiny/models" / model), "name": model}
    return (spec if model == "base" else {**spec, "reasoning": "deepseek-r1"}), asked


def one_side(name: str, model: str, mid: Path) -> dict[str, float]:
    """Start the engine, answer everything; runs in the child."""
    spec, requests = work(model, mid)
    began = time.perf_counter()
    with make_engine(spec, {"backend": name, "dtype": "float32", "threads": 1, **ENGINES[name]}) as engine:
        started, cpu = time.perf_counter(), time.process_time()
        responses = list(engine.generate(requests))
        spent = time.process_time() - cpu
    if any(r.finish == "error" for r in responses):
        raise SystemExit(f"{name}: some requests failed")
    tokens = sum(r.completion_tokens for r in responses)
    return {"start_s": started - began, "cpu_s": spent, "tokens": tokens, "requests": len(responses)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="safe")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=ENGINES)
    parser.add_argument("--mid", type=Path)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(one_side(options.side, options.model, options.mid)))
        return
    with tempfile.TemporaryDirectory() as folder:
        mid = Path(folder)
        if options.model == "mid":
            models.build("mid", mid)
        turns(options.model, options.rounds, mid)


def turns(model: str, rounds: int, mid: Path) -> None:
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in ENGINES}
    for _ in range(rounds):
        for name, found in rows.items():
            command = [sys.executable, __file__, "--model", model, "--side", name, "--mid", str(mid)]
            done = subprocess.run(
                command,
                check=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
            )
            found.append(json.loads(done.stdout.splitlines()[-1]))
            print(name, found[-1], flush=True)
    for name, found in rows.items():
        starts, cpus = (sorted(row[key] for row in found) for key in ("start_s", "cpu_s"))
        start, cpu = statistics.median(starts), statistics.median(cpus)
        print(f"{name}: start {start:.1f} s ({starts[0]:.1f}-{starts[-1]:.1f}), {found[0]['requests']} requests in")
        print(f"  {cpu:.1f} CPU-s ({cpus[0]:.1f}-{cpus[-1]:.1f}), {found[0]['tokens'] / cpu:.0f} tokens per CPU-s")


if __name__ == "__main__":
    main()
