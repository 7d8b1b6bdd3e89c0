"""What a gate says of recorded responses stays as it is: ids, verdicts, exit codes and JSON, byte by byte.

After a change that is meant: `python tests/recorded/recording.py`, and read the difference.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from recording import EXPECTED
from scenarios import ALL

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def server():
    """One process runs the scenarios of this worker: it imports once and forks for every command."""
    env = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    with subprocess.Popen(
        [sys.executable, HERE / "recording.py", "--serve"],
        env=env,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        yield process
        process.stdin.close()
        assert process.wait(timeout=60) == 0


# every third one runs with the fast tests, all of them with the slow ones
@pytest.mark.parametrize(
    "name", [pytest.param(s.name, marks=() if number % 3 == 0 else pytest.mark.slow) for number, s in enumerate(ALL)]
)
def test_a_recorded_gate_says_what_it_said(name, tmp_path, server):
    server.stdin.write(json.dumps([name, str(tmp_path)]) + "\n")
    server.stdin.flush()
    assert json.loads(server.stdout.readline()) == name
    found = (tmp_path / ".found.json").read_text(encoding="utf-8")
    assert found == (EXPECTED / f"{name}.json").read_text(encoding="utf-8")


def test_there_is_a_recording_of_every_scenario_and_of_nothing_else():
    names = [scenario.name for scenario in ALL]
    assert len(set(names)) == len(names) >= 60
    assert {path.stem for path in EXPECTED.glob("*.json")} == set(names)
