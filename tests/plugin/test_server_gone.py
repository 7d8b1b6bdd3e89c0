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
