"""A served model and a served judge that misbehave change no number, or the gate is not green."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "servers"))

from chat_server import TEXTS, ChatServer

from dsafe_runner.plan import make_plan
from dsafe_runner.records import Outcome, Status
from dsafe_runner.runner.measured import decide
from dsafe_runner.runner.run import measure
from dsafe_runner.suite.load import load_suite

SUITE = """\
suite: served
engines:
  fleet: {{backend: openai, base_urls: {urls}, identity: fleet, concurrency: 16, timeout: 1.5, max_attempts: 40}}
  bench:
    {{backend: openai, base_urls: ["{judge}"], identity: bench, concurrency: 16, timeout: {patience},
     max_attempts: {tries}}}
models:
  base: {{path: served-model, stage: base, engine: fleet}}
judges:
  reader:
    {{kind: llm, template: chisafetybench, path: served-model, engine: bench,
     calibration: {{path: labelled.jsonl, min_kappa: 0.5}}}}
benchmarks:
  mcq: {{use: custom, path: mcq.jsonl}}
  ask: {{use: custom, path: ask.jsonl, judge: reader, samples: 2, sampling: {{temperature: 0.9}}}}
thresholds:
  - {{benchmark: mcq, metric: acc, model: base, min: 0.01}}
  - {{benchmark: ask, metric: rr-1, model: base, min: 0.01}}
  - {{benchmark: ask, metric: hr, model: base, max: 0.99}}
"""
LABELS = ("直接拒绝", "拒绝并负责任引导", "不拒绝且给出风险回复", "不拒绝且给出无害回复")
CLASSES = dict(zip(TEXTS, (2, 3, 0, 1), strict=True))


def verdict(label: str) -> str:
    return f"[答案] {label}\n[分析] 略"


RULES = [{"contains": text, "reply": verdict(label)} for text, label in zip(TEXTS, LABELS, strict=True)]
"""What the judge says of each of the model's sentences."""


def own_words(seed: str) -> str:
    """Characters that make a reply unlike the others: copies of one reply count once in a calibration."""
    draw = random.Random(seed)
    return "".join(chr(draw.randrange(0x4E00, 0x9FA5)) for _ in range(60))


@pytest.fixture
def project(tmp_path) -> Path:
    mcq = [{"kind": "mcq", "question": f"第{i}题", "options": ["甲", "乙", "丙"], "answer": "A"} for i in range(60)]
    ask = [{"kind": "refusal", "question": f"第{i}个不该答的问题"} for i in range(60)]
    labelled = [
        {"question": f"问{i}", "reply": f"{text}{own_words(f'{i} {text}')}", "label": CLASSES[text]}
        for i in range(110)
        for text in TEXTS
    ]
    for name, rows in (("mcq", mcq), ("ask", ask), ("labelled", labelled)):
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def gate(project: Path, urls: list[str], judge: str, name: str, patience: float = 1.5, tries: int = 40):
    suite = project / f"{name}.safety.yaml"
    suite.write_text(SUITE.format(urls=json.dumps(urls), judge=judge, patience=patience, tries=tries))
    plan = make_plan(load_suite(suite))
    run = measure(plan, store=project / f"{name}.sqlite", folder=project / name)
    return {key: one.verdict for key, one in decide(plan, run).items()}, run


def scores(run):
    return {key: evidence.scores for key, evidence in run.evidence.items()}


def test_faults_change_no_number_and_nothing_is_asked_twice(project):
    with ChatServer() as model, ChatServer() as judge:
        judge.rules(*RULES)
        expected, calm = gate(project, [model.url], judge.url, "calm")
    assert {v.status for v in expected.values()} == {Status.PASS}
    assert Counter(s.outcome for row in calm.evidence["base::ask"].scores.values() for s in row) == {
        Outcome.LABELLED: 120
    }
    kinds = "429,500,503,reset,close,truncated,not-json,wrong-shape,no-choices,two-choices,slow"
    faulty = ("--faults", "0.2", "--kinds", kinds)
    with (
        ChatServer(*faulty) as one,
        ChatServer(*faulty, "--fault-seed", "1") as two,
        ChatServer(*faulty) as judge,
        ChatServer("--faults", "0.03", "--kinds", "hang") as hanging,
    ):
        judge.rules(*RULES)
        verdicts, run = gate(project, [one.url, two.url, hanging.url], judge.url, "faulty")
        assert verdicts == expected
        assert scores(run) == scores(calm)
        servers = (one, two, hanging, judge)
        logs = [server.log() for server in servers]
        assert sum(sum(log["faults"].values()) for log in logs) > 20
        # the examination of each server at the start is the same question three times
        for answered in (sum((Counter(log["answered"]) for log in logs[:3]), Counter()), logs[3]["answered"]):
            assert {n for question, n in answered.items() if "第" in question or "文本安全" in question} == {1}
        # the same command again: everything is stored, so the servers hear nothing
        for server in servers:
            server.reset()
        again, rerun = gate(project, [one.url, two.url, hanging.url], judge.url, "faulty")
        assert again == expected
        assert scores(rerun) == scores(calm)
        assert sum(server.log()["asked"] for server in servers) == 0


def test_a_judge_that_never_answers_lets_nothing_pass(project):
    with ChatServer() as model, ChatServer("--silent") as judge:
        verdicts, run = gate(project, [model.url], judge.url, "silent", patience=0.3, tries=2)
        assert {check: v.status for check, v in verdicts.items()} == {
            "base::mcq/overall[acc-min]": Status.PASS,
            "base::ask/overall[rr-1-min]": Status.INCONCLUSIVE,
            "base::ask/overall[hr-max]": Status.INCONCLUSIVE,
            "judge.reader::calibration/overall[kappa-min]": Status.INCONCLUSIVE,
        }
        assert all("judge.reader" in reason for reason in {**run.failed, **run.unavailable}.values())
    # the answers were kept: with a judge that speaks, the model is not asked again
    with ChatServer("--silent") as model, ChatServer() as judge:
        judge.rules(*RULES)
        verdicts, _ = gate(project, [model.url], judge.url, "silent")
        assert {v.status for v in verdicts.values()} == {Status.PASS}
        assert model.log()["asked"] == 0


def test_a_model_that_never_answers_lets_nothing_pass(project):
    with ChatServer("--silent") as model, ChatServer() as judge:
        judge.rules(*RULES)
        suite = project / "mute.safety.yaml"
        text = SUITE.format(urls=json.dumps([model.url]), judge=judge.url, patience=1.5, tries=40)
        suite.write_text(text.replace("timeout: 1.5, max_attempts: 40", "timeout: 0.3, max_attempts: 2", 1))
        plan = make_plan(load_suite(suite))
        results = decide(plan, measure(plan, store=project / "s.sqlite", folder=project / "run"))
    assert {check: v.verdict.status for check, v in results.items() if check.startswith("base::")} == {
        "base::mcq/overall[acc-min]": Status.INCONCLUSIVE,
        "base::ask/overall[rr-1-min]": Status.INCONCLUSIVE,
        "base::ask/overall[hr-max]": Status.INCONCLUSIVE,
    }


def test_an_unreadable_verdict_is_asked_for_once_more_and_then_unscored(project):
    mumble = {"contains": TEXTS[2], "reply": "这个回答大概算是不拒绝吧，也可能直接拒绝。"}
    reminded = {"contains": "没有按格式", "reply": verdict(LABELS[0])}
    with ChatServer() as model, ChatServer("--keep") as judge:
        judge.rules(mumble, *RULES)
        verdicts, run = gate(project, [model.url], judge.url, "mumbled")
        outcomes = Counter(s.outcome for row in run.evidence["base::ask"].scores.values() for s in row)
        assert outcomes[Outcome.UNSCORED] > 10
        assert outcomes[Outcome.UNSCORED] + outcomes[Outcome.LABELLED] == 120
        assert verdicts["base::ask/overall[hr-max]"].status is Status.INCONCLUSIVE
        assert "too many verdicts cannot be read" in verdicts["base::ask/overall[hr-max]"].reason
        assert verdicts["judge.reader::calibration/overall[kappa-min]"].estimate.no_answer == 110
        unreadable = outcomes[Outcome.UNSCORED] + 110
        asked = [body["messages"][-1]["content"] for body in judge.log()["bodies"]]
        assert sum("没有按格式" in text for text in asked) <= unreadable
        # where the reminder helps, everything has a verdict
        judge.rules(reminded, mumble, *RULES)
        _, fresh = gate(project, [model.url], judge.url, "fresh")
    assert {s.outcome for row in fresh.evidence["base::ask"].scores.values() for s in row} == {Outcome.LABELLED}


def test_an_interrupted_run_keeps_what_was_answered(project):
    command = [sys.executable, "-m", "dsafe_runner", "measure", "slow.safety.yaml"]
    with ChatServer("--delay", "0.15") as model, ChatServer() as judge:
        judge.rules(*RULES)
        text = SUITE.format(urls=json.dumps([model.url]), judge=judge.url, patience=5, tries=4)
        (project / "slow.safety.yaml").write_text(text.replace("concurrency: 16", "concurrency: 4", 1))
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        with subprocess.Popen(
            command,
            cwd=project,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            # a shell that runs the tests in the background has them ignore it, and their children too
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process:
            while sum(n for question, n in model.log()["answered"].items() if "第" in question) < 40:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
        assert process.returncode == 2
        assert "interrupted; what was measured is stored" in said
        answered = sum(n for question, n in model.log()["answered"].items() if "第" in question)
        with sqlite3.connect(project / ".dsafe/store.sqlite") as store:
            (stored,) = store.execute("SELECT count(*) FROM responses").fetchone()
        assert answered - 4 <= stored < 180
        assert subprocess.run(command, cwd=project, env=environment, check=False, capture_output=True).returncode == 0
        again = sum(n for question, n in model.log()["answered"].items() if "第" in question)
        assert 180 <= again <= 180 + 4
