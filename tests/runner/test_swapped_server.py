"""A server that has loaded other weights under the same name is told before old and new answers are mixed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "servers"))

from chat_server import ChatServer

from dsafe_runner.plan import make_plan
from dsafe_runner.records import Status
from dsafe_runner.runner.measured import decide
from dsafe_runner.runner.run import measure
from dsafe_runner.suite.load import load_suite

SUITE = """\
suite: swapped
engines: {{fleet: {{backend: openai, base_urls: ["{url}"], identity: fleet}}}}
models: {{m: {{path: served-model, engine: fleet}}}}
benchmarks: {{q: {{use: custom, path: q.jsonl}}}}
thresholds: [{{benchmark: q, metric: acc, model: m, min: 0.01, uncertainty: none}}]
"""


def warnings(folder: Path, items: int, root: str) -> list[str]:
    row = {"kind": "mcq", "options": ["甲", "乙"], "answer": "A"}
    rows = [{**row, "question": f"第{i}号题目"} for i in range(items)]
    (folder / "q.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    with ChatServer("--root", root) as server:
        (folder / "x.safety.yaml").write_text(SUITE.format(url=server.url))
        plan = make_plan(load_suite(folder / "x.safety.yaml"))
        return measure(plan, store=folder / "s.sqlite", folder=folder / "run").warnings


def test_other_weights_under_the_same_name_are_told(tmp_path):
    assert not warnings(tmp_path, 4, "/models/first")
    # another folder of the same name is another host's place for the same weights
    assert not warnings(tmp_path, 6, "/elsewhere/first/")
    (told,) = warnings(tmp_path, 8, "/models/second")
    assert told == (
        "m: its server loads second, and loaded first when it was last asked; if these are other weights, "
        "change `revision:`, or their answers are mixed"
    )


def test_a_model_compared_with_itself_decides_nothing(tmp_path):
    with ChatServer() as server:
        models = "{m: {path: served-model, engine: fleet}, n: {path: served-model, engine: fleet}}"
        suite = SUITE.format(url=server.url).replace("{m: {path: served-model, engine: fleet}}", models)
        (tmp_path / "x.safety.yaml").write_text(suite.replace("min: 0.01", "versus: n, max_drop: 0.5"))
        rows = [{"kind": "mcq", "options": ["甲", "乙"], "answer": "A", "question": f"第{i}号题目"} for i in range(4)]
        (tmp_path / "q.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
        plan = make_plan(load_suite(tmp_path / "x.safety.yaml"))
        run = measure(plan, store=tmp_path / "s.sqlite", folder=tmp_path / "run")
    (why,) = set(run.refused.values())
    assert why.startswith("m and n are one model under two names: both are the same recorded run")
    assert {one.verdict.status for one in decide(plan, run).values()} == {Status.INCONCLUSIVE}
