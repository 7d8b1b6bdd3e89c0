"""A server that was there at the start and dies is an error, also where the suite may be absent."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from recorded_suite import write_recorded

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/servers"))

from chat_server import ChatServer  # noqa: E402

from dsafe_runner.runner.session import GateSession  # noqa: E402

SUITE = """\
suite: served
engines:
  log: {{backend: replay, match: id}}
  fleet: {{backend: openai, base_urls: ["{model}"], identity: fleet, concurrency: 2, timeout: 5, max_attempts: 2}}
  bench: {{backend: openai, base_urls: ["{judge}"], identity: bench, timeout: 5, max_attempts: 2}}
models:
  safe: {{path: served-model, engine: fleet}}
judges:
  reads: {{kind: llm, template: chisafetybench, path: served-model, engine: bench}}
benchmarks:
{benchmark}
thresholds:
  - {{{check}, model: safe, min: 0.7}}
"""
SECOND = """\
suite: {name}
engines:
  fleet: {{backend: openai, base_urls: ["{url}"], timeout: 5, max_attempts: 2}}
models:
  safe: {{path: served-model, engine: fleet}}
benchmarks:
  mcq: {{use: custom, path: {file}.jsonl}}
thresholds:
  - {{benchmark: mcq, metric: acc, model: safe, min: 0.1}}
"""
CASES = {
    "model": ("  mcq: {use: custom, path: mcq.jsonl}", "benchmark: mcq, metric: acc"),
    "judge": ("  ask: {use: custom, path: ask.jsonl, judge: reads}", "benchmark: ask, metric: rr-1"),
}


def _started(folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CI": ""}
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "dsafe_runner.plugin", "suites"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("dies", ["model", "judge"])
def test_a_server_that_dies_in_mid_run_is_an_error(tmp_path, dies):
    (tmp_path / "pytest.ini").write_text("[pytest]\ndsafe_may_be_absent = suites\n")
    folder = tmp_path / "suites"
    write_recorded(folder).unlink()
    rows = (folder / "mcq.jsonl").read_text().splitlines()
    asked = [f'{{"id": "a{n}", "kind": "refusal", "prompt": "Question {n}?"}}' for n in range(len(rows))]
    (folder / "ask.jsonl").write_text("\n".join(asked))
    # beside it a suite that passes: nothing else could make the run red
    write_recorded(tmp_path / "suites/other", "other")
    with ChatServer("--delay", "0.2") as model, ChatServer() as judge:
        benchmark, check = CASES[dies]
        text = SUITE.format(model=model.url, judge=judge.url, benchmark=benchmark, check=check)
        (folder / "served.safety.yaml").write_text(text)
        run = _started(tmp_path)
        until = time.monotonic() + 120
        while sum(model.log()["answered"].values()) < 12:
            assert time.monotonic() < until
            assert run.poll() is None, run.communicate()[0]
            time.sleep(0.05)
        (model if dies == "model" else judge).stop()
        said, _ = run.communicate(timeout=120)
        # stopped once already; leaving the block stops it again
        (model if dies == "model" else judge).start()
    assert run.returncode == 1, said
    assert "1 in error" in said, said
    assert "not gated" not in said.casefold()


def test_a_server_that_dies_between_two_suites_of_a_session_is_an_error(tmp_path):
    """As the plugin measures them, one suite after the other."""
    write_recorded(tmp_path).unlink()
    rows = (tmp_path / "mcq.jsonl").read_text()
    (tmp_path / "other.jsonl").write_text(rows.replace("Question", "Another question"))
    session = GateSession(tmp_path / "reports", "now", tmp_path / "store.sqlite")
    paths = []
    with ChatServer() as server:
        for name, file in (("first", "mcq"), ("second", "other")):
            paths.append(tmp_path / f"{name}.safety.yaml")
            paths[-1].write_text(SECOND.format(name=name, url=server.url, file=file))
        first = session.measure(paths[0], session.plan(paths[0]).checks, None, required=False)
        assert first.evidence
        server.stop()
        second = session.measure(paths[1], session.plan(paths[1]).checks, None, required=False)
        server.start()
    assert not second.unavailable
    assert "answered earlier in this session, and is gone" in second.failed["safe::mcq"]


def test_a_server_that_was_never_up_is_absent(tmp_path):
    write_recorded(tmp_path).unlink()
    path = tmp_path / "first.safety.yaml"
    path.write_text(SECOND.format(name="first", url="http://127.0.0.1:9/v1", file="mcq"))
    session = GateSession(tmp_path / "reports", "now", tmp_path / "store.sqlite")
    run = session.measure(path, session.plan(path).checks, None, required=False)
    assert "safe::mcq" in run.unavailable
    assert not run.failed
