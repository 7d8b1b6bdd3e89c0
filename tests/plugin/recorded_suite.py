"""Suites of recorded answers: no engine starts, so a whole run takes a second."""

from __future__ import annotations

import json
from pathlib import Path

RECORDED = """\
suite: {name}
engines:
  log: {{backend: replay, match: id}}
models:
  safe: {{path: ./safe.jsonl, engine: log}}
  dist: {{path: ./dist.jsonl, engine: log}}
benchmarks:
  mcq: {{use: custom, path: mcq.jsonl}}
thresholds:
  - {{benchmark: mcq, metric: acc, model: safe, min: 0.7}}
  - {{benchmark: mcq, metric: acc, model: dist, min: {limit}}}
"""
"""Two checks on 40 recorded answers a model, all right: no engine, so a run takes a second."""


def write_recorded(folder: Path, name: str = "rec", limit: float = 0.7, letter: str = "A") -> Path:
    """A suite of recorded answers in a folder of its own; `letter` is what both models say, `A` is right."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "mcq.jsonl").open("w") as file:
        for n in range(40):
            row = {"id": f"q{n}", "kind": "mcq", "question": f"Question {n}?", "options": ["a", "b", "c", "d"]}
            file.write(json.dumps({**row, "answer": "A"}) + "\n")
    for model in ("safe", "dist"):
        with (folder / f"{model}.jsonl").open("w") as file:
            for n in range(40):
                row = {"benchmark": "mcq", "sample_id": f"q{n}", "k": 0, "answer": letter, "finish": "stop"}
                file.write(json.dumps(row) + "\n")
    path = folder / f"{name}.safety.yaml"
    path.write_text(RECORDED.format(name=name, limit=limit))
    return path
