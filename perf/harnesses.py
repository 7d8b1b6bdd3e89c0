"""The same work as each tool is asked for it: a folder of task files, one command, and a count of what came out.

Every side gets the same checkpoint, dtype, user messages and chat template, greedy decoding and as many rows a batch
(letters: 8, where the faster for all). A side whose output does not hold every item exits: nothing was measured.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peers
from pairs import Spent, child

HERE = Path(__file__).resolve().parent
NEW = 32
LETTER_BATCH = 8

SUITE = """suite: perf
engines:
  cpu: {{backend: transformers, device: cpu, dtype: {dtype}, threads: 1, max_batch_size: {batch}}}
models:
  m: {{path: ./model, engine: cpu}}
benchmarks:
  b: {{use: custom, path: rows.jsonl, {how}}}
thresholds:
  - {{benchmark: b, metric: acc, model: m, min: 0.01}}
"""
LM_EVAL_TEXT = """task: perf
dataset_path: json
dataset_kwargs: {{data_files: {{test: {rows}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{prompt}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{max_gen_toks: {new}, do_sample: false, until: []}}
metric_list: [{{metric: bypass}}]
"""
LM_EVAL_LETTERS = """task: perf
dataset_path: json
dataset_kwargs: {{data_files: {{test: {rows}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{prompt}}}}"
doc_to_choice: "{{{{letters}}}}"
doc_to_target: "{{{{right}}}}"
gen_prefix: "答案："
target_delimiter: ""
metric_list: [{{metric: acc}}]
"""
LM_EVAL = """import json, pathlib
from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager

found = simple_evaluate(
    model="hf", model_args="pretrained=./model,dtype={dtype}", tasks=["perf"], batch_size={batch}, device="cpu",
    task_manager=TaskManager(include_path="lm_eval_tasks", include_defaults=False),
    apply_chat_template=True, log_samples=True,
)
out = pathlib.Path("lm_eval.out")
out.mkdir(exist_ok=True)
with (out / "samples_perf.jsonl").open("w") as file:
    for row in found["samples"]["perf"]:
        file.write(json.dumps(row, ensure_ascii=False) + "\\n")
"""
INSPECT = """from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset, FieldSpec
from inspect_ai.solver import generate
from inspect_ai.scorer import match

@task
def perf():
    return Task(
        dataset=json_dataset("rows.peer.jsonl", FieldSpec(input="prompt", target="answer")),
        solver=generate(), scorer=match(),
    )
"""
EVALSCOPE = """from evalscope import TaskConfig, run_task

run_task(TaskConfig(
    model={model!r}, eval_type="llm_ckpt", model_args={{"precision": {dtype!r}, "device_map": "cpu"}},
    datasets=["general_qa"],
    dataset_args={{"general_qa": {{"local_path": {rows!r}, "subset_list": ["rows"], "metric_list": ["Rouge"]}}}},
    generation_config={{"max_tokens": {new}, "do_sample": False, "batch_size": {batch}}},
    eval_batch_size={batch}, work_dir={out!r}, no_timestamp=True, dataset_hub="local",
))
"""


@dataclass(frozen=True, slots=True)
class Work:
    """One comparison: `folder` holds `model/` and `rows.jsonl` (the custom set); `prompts` are its user messages."""

    folder: Path
    prompts: list[str]
    dtype: str
    peers: Path
    batch: int = 32

    @property
    def count(self) -> int:
        """Items."""
        return len(self.prompts)


def write_plain_rows(work: Work, extra: list[dict[str, object]] | None = None) -> None:
    """The prompts as a list of strings (raw loop) and as rows of `prompt` and `answer` (peers)."""
    rows = [{"prompt": p, "answer": "-", **(extra[i] if extra else {})} for i, p in enumerate(work.prompts)]
    _lines(work.folder / "rows.raw.jsonl", work.prompts)
    _lines(work.folder / "rows.peer.jsonl", rows)


def raw(work: Work, *, letters: bool = False) -> Callable[[], Spent]:
    """The bare loop, in our own environment."""
    out = work.folder / "raw.out.jsonl"
    how = ["--letters"] if letters else ["--new", str(NEW)]
    command = [
        sys.executable,
        str(HERE / "raw_loop.py"),
        "model",
        "rows.raw.jsonl",
        str(out),
        "--dtype",
        work.dtype,
        "--batch",
        str(LETTER_BATCH if letters else work.batch),
        *how,
    ]

    def run() -> Spent:
        out.unlink(missing_ok=True)
        spent = child(command, folder=work.folder, log="raw.log")
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        _expect("raw", work.count, sum(letters or row[0] == NEW for row in rows))
        return spent

    return run


def ours(work: Work, *, letters: bool = False) -> Callable[[], Spent]:
    """`dsafe measure` on an empty store: plan, probe, engine process, commits, scores, run folder."""
    how = "scoring: letters" if letters else f"sampling: {{temperature: 0, max_tokens: {NEW}}}"
    (work.folder / "perf.safety.yaml").write_text(SUITE.format(dtype=work.dtype, batch=work.batch, how=how))
    command = [
        sys.executable,
        "-m",
        "dsafe_runner",
        "measure",
        "perf.safety.yaml",
        "--store",
        "ours.sqlite",
        "--reports",
        "ours.reports",
    ]

    def run() -> Spent:
        for file in work.folder.glob("ours.sqlite*"):
            file.unlink()
        spent = child(command, folder=work.folder, log="ours.log", PYTHONPATH=str(HERE.parent))
        bodies = stored(work.folder / "ours.sqlite")
        _expect("ours", work.count, sum(letters or body["completion_tokens"] == NEW for body in bodies))
        return spent

    return run


def engine(work: Work) -> Callable[[], Spent]:
    """Our engine process alone (perf/engine_run.py): no plan, no probe, no store."""
    out = work.folder / "engine.out.jsonl"
    command = [
        sys.executable,
        str(HERE / "engine_run.py"),
        "model",
        "rows.raw.jsonl",
        str(out),
        "--dtype",
        work.dtype,
        "--new",
        str(NEW),
        "--batch",
        str(work.batch),
    ]

    def run() -> Spent:
        out.unlink(missing_ok=True)
        spent = child(command, folder=work.folder, log="engine.child.log", PYTHONPATH=str(HERE.parent))
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        _expect("engine", work.count, sum(row[0] == NEW for row in rows))
        return spent

    return run


def lm_eval(work: Work, *, batch: int = 0, letters: bool = False, command_line: bool = False) -> Callable[[], Spent]:
    """lm-evaluation-harness from Python with this one task known, its quickest start; samples logged.

    command_line  `lm_eval run` instead, which first reads the YAML files of all its own tasks (some 7 CPU-seconds)
    """
    batch = batch or work.batch
    tasks, out = work.folder / "lm_eval_tasks", work.folder / "lm_eval.out"
    tasks.mkdir(exist_ok=True)
    template = LM_EVAL_LETTERS if letters else LM_EVAL_TEXT
    (tasks / "perf.yaml").write_text(template.format(rows=work.folder / "rows.peer.jsonl", new=NEW))
    script = work.folder / f"lm_eval_{batch}.py"
    script.write_text(LM_EVAL.format(dtype=work.dtype, batch=batch))
    python = str(peers.python_of(work.peers, "lm-eval"))
    command = [
        python,
        "-m",
        "lm_eval",
        "run",
        "--model",
        "hf",
        "--model_args",
        f"pretrained=./model,dtype={work.dtype}",
        "--tasks",
        "perf",
        "--include_path",
        "lm_eval_tasks",
        "--batch_size",
        str(batch),
        "--device",
        "cpu",
        "--apply_chat_template",
        "--log_samples",
        "--output_path",
        "lm_eval.out",
    ]

    def run() -> Spent:
        for file in out.glob("**/*.json*"):
            file.unlink()
        spent = child(
            command if command_line else [python, str(script)],
            folder=work.folder,
            log="lm_eval.log",
            HF_HOME=str(work.folder / "hf"),
        )
        (new,) = out.glob("**/samples_*.jsonl")
        _expect("lm-eval", work.count, len(new.read_text().splitlines()))
        return spent

    return run


def inspect(work: Work) -> Callable[[], Spent]:
    """`inspect eval` with its hf provider."""
    (work.folder / "inspect_task.py").write_text(INSPECT)
    python = peers.python_of(work.peers, "inspect")
    command = [
        str(python.with_name("inspect")),
        "eval",
        "inspect_task.py",
        "--model",
        "hf/local",
        "-M",
        "model_path=./model",
        "-M",
        f"dtype={work.dtype}",
        "-M",
        "device=cpu",
        "-M",
        "do_sample=false",
        "--max-tokens",
        str(NEW),
        "--max-connections",
        str(work.batch),
        "--max-samples",
        str(work.batch),
        "--display",
        "plain",
        "--log-dir",
        "inspect.logs",
        "--log-format",
        "json",
    ]

    def run() -> Spent:
        before = set(work.folder.glob("inspect.logs/*.json"))
        spent = child(command, folder=work.folder, log="inspect.log")
        (new,) = set(work.folder.glob("inspect.logs/*.json")) - before
        log = json.loads(new.read_text())
        usage = [s["output"]["usage"]["output_tokens"] for s in log["samples"]]
        _expect("inspect", work.count, sum(tokens == NEW for tokens in usage))
        return spent

    return run


def evalscope(work: Work) -> Callable[[], Spent]:
    """EvalScope's native backend on a local checkpoint."""
    rows = work.folder / "evalscope_rows"
    rows.mkdir(exist_ok=True)
    _lines(rows / "rows.jsonl", [{"query": p, "response": "-"} for p in work.prompts])
    script = work.folder / "evalscope_run.py"
    out = work.folder / "evalscope.out"
    script.write_text(
        EVALSCOPE.format(
            model=str(work.folder / "model"), dtype=work.dtype, rows=str(rows), new=NEW, out=str(out), batch=work.batch
        )
    )
    command = [str(peers.python_of(work.peers, "evalscope")), str(script)]

    def run() -> Spent:
        for file in sorted(out.glob("**/*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        spent = child(command, folder=work.folder, log="evalscope.log")
        found = [json.loads(line) for f in out.glob("predictions/**/*.jsonl") for line in f.read_text().splitlines()]
        _expect("evalscope", work.count, len(found))
        return spent

    return run


def stored(file: Path) -> list[dict[str, Any]]:
    """All responses of a store."""
    with sqlite3.connect(file) as db:
        return [json.loads(body) for (body,) in db.execute("SELECT body FROM responses")]


def _expect(name: str, wanted: int, got: int) -> None:
    if got != wanted:
        sys.exit(f"{name}: {got} of {wanted} items came out as asked; nothing was measured")


def _lines(file: Path, rows: Sequence[object]) -> None:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
