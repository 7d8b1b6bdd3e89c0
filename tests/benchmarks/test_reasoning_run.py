"""A whole run over recorded responses: items are graded as they were asked, and no question stands in a report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gpqa_rows import SECRET, rows, written

from dsafe_runner.benchmarks.gpqa import PATH, by_position
from dsafe_runner.benchmarks.livecodebench.sets import NAMES
from dsafe_runner.plan import Plan, make_plan
from dsafe_runner.records import Outcome, Score, message_list
from dsafe_runner.runner.run import measure
from dsafe_runner.suite.load import load_suite

SUITE = """
suite: run
engines: {log: {backend: replay}}
models:
  safe: {path: ./said, engine: log, reasoning: deepseek-r1}
benchmarks:
  gpqa: {use: gpqa/diamond, samples: 4}
thresholds:
  - {benchmark: gpqa, metric: pass@1, model: safe, min: 0.2}
"""


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path / "data"))
    (tmp_path / "data" / PATH).parent.mkdir(parents=True)
    (tmp_path / "data" / PATH).write_bytes(written(rows()))
    (tmp_path / "x.safety.yaml").write_text(SUITE, "utf-8")
    return make_plan(load_suite(tmp_path / "x.safety.yaml"))


def record(plan: Plan, folder: Path) -> None:
    """A model that knows the answer of every item it is asked the first two times, and says A afterwards."""
    folder.mkdir()
    with (folder / "gpqa.jsonl").open("w", encoding="utf-8") as file:
        for sample in plan.benchmarks["gpqa"].samples():
            for k in range(4):
                asked = plan.asked("gpqa", sample, k)
                answer = f"Answer: {asked.target[0] if k < 2 else 'A'}"
                said = {"benchmark": "gpqa", "k": k, "messages": message_list(asked.messages), "finish": "stop"}
                file.write(json.dumps({**said, "thinking": "So.", "answer": answer}) + "\n")


def test_items_are_graded_as_they_were_asked(plan: Plan, tmp_path: Path) -> None:
    record(plan, tmp_path / "said")
    run = measure(plan, store=tmp_path / "store.sqlite", folder=tmp_path / "run")
    assert run.failed == run.unavailable == {}
    evidence = run.evidence["safe::gpqa"]
    scores: list[Score] = [score for row in evidence.scores.values() for score in row]
    assert len(scores) == 198 * 4
    by_k = [[s.outcome for s in scores if s.k == k] for k in range(4)]
    assert set(by_k[0]) == set(by_k[1]) == {Outcome.RIGHT}
    assert 20 < sum(outcome is Outcome.RIGHT for outcome in by_k[2]) < 80
    items = {sample.id: sample for sample in plan.benchmarks["gpqa"].samples()}
    always_a = [s for s in scores if s.k >= 2]
    found = by_position(always_a, [plan.asked("gpqa", items[s.sample_id], s.k) for s in always_a])
    assert [letter for letter, (right, _) in found.items() if right] == ["A"]
    written_files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert written_files
    assert not any(SECRET in path.read_text("utf-8") for path in written_files)


def test_names_of_the_suite_language_are_those_of_the_benchmark() -> None:
    from dsafe_runner.benchmarks.registry import TAKES

    assert TAKES["window"] == NAMES
