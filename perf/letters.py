"""Option letters from one forward pass: `scoring: letters` against lm-evaluation-harness, same questions, whole runs.

    python perf/letters.py [--size tiny] [--dtype float32] [--items 400] [--peers .perf-venvs] [--pairs 3] [--quick]

Items: starter/mcq (248), then the same questions with their options in another order, shuffled. Both sides see the same
tokens: chat template, question with its options, then the cue before the letter. lm-evaluation-harness runs from Python
with this one task known, its quickest start, with batches of 8 (what we use) and of 32; its command line, which first
reads the YAML of all its own tasks, is a side of its own. `raw` is the bare last-position loop in batches of 8.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import harnesses
import models
import pairs
import peers

from dsafe_runner.benchmarks.registry import open_benchmark


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", nargs="+", choices=models.SHAPES, default=["tiny"])
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--items", type=int, default=400)
    parser.add_argument("--peers", type=Path, default=peers.DEFAULT)
    options = pairs.options(parser)
    items = 16 if options.quick else options.items
    pairs.head("torch", "transformers")
    print(peers.version("lm-eval"))
    for size in options.size:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            label = pairs.build_model(size, folder / "model")
            work = _work(folder, items, options.dtype, options.peers.resolve())
            run = {
                "dsafe measure": harnesses.ours(work, letters=True),
                "lm-eval, batch 8": harnesses.lm_eval(work, batch=8, letters=True),
                "lm-eval, batch 32": harnesses.lm_eval(work, batch=32, letters=True),
                "lm-eval command line, batch 8": harnesses.lm_eval(work, batch=8, letters=True, command_line=True),
                "raw, batch 8": harnesses.raw(work, letters=True),
            }
            spent = pairs.rounds(run, options.pairs)
            same = _agreement(folder)
        title = f"{label}, {items} multiple-choice items, letters, {options.dtype}, whole run (aim: 1.5 times lm-eval)"
        pairs.compare(spent, ours="dsafe measure", items=items, title=title)
        print(f"\nsame letter as the raw loop: dsafe {same['dsafe']} of {items}, lm-eval {same['lm-eval']} of {items}")
    pairs.foot()


def _work(folder: Path, items: int, dtype: str, where: Path) -> harnesses.Work:
    models.write_choices(folder / "rows.jsonl", items)
    samples = open_benchmark("custom", path=folder / "rows.jsonl").samples()
    work = harnesses.Work(folder, [sample.messages[0].content for sample in samples], dtype, where)
    extra: list[dict[str, object]] = []
    for sample in samples:
        letters = "ABCDEFGHIJ"[: len(sample.options)]
        extra.append({"letters": list(letters), "right": letters.index(sample.target[0])})
    harnesses.write_plain_rows(work, extra)
    return work


def _agreement(folder: Path) -> dict[str, int]:
    """How many letters agree with the raw loop's: the sides must have been asked the same."""
    raw = [json.loads(line) for line in (folder / "raw.out.jsonl").read_text().splitlines()]
    ours = {body["sample_id"]: body["answer"] for body in harnesses.stored(folder / "ours.sqlite")}
    log = sorted(folder.glob("lm_eval.out/**/samples_*.jsonl"))[-1]
    theirs = {row["doc_id"]: row["filtered_resps"] for row in map(json.loads, log.read_text().splitlines())}
    ids = [json.loads(line)["id"] for line in (folder / "rows.jsonl").read_text().splitlines()]
    best = {doc: _best([float(value) for value, _ in scores]) for doc, scores in theirs.items()}
    bare = [_best(scores[: len(theirs[doc])]) for doc, scores in enumerate(raw)]
    return {
        "dsafe": sum(ours[sample] == letter for sample, letter in zip(ids, bare, strict=True)),
        "lm-eval": sum(best[doc] == letter for doc, letter in enumerate(bare)),
    }


def _best(scores: list[float]) -> str:
    return "ABCDEFGHIJ"[scores.index(max(scores))]


if __name__ == "__main__":
    main()
