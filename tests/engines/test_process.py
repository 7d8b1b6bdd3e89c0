"""The engine process: its protocol, and every way it can end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from tiny_qwen2 import ask, build, engine_spec, make_noisy

from dsafe_runner.engines.hf.engine import TransformersEngine
from dsafe_runner.engines.process import EngineProcess
from dsafe_runner.errors import EngineError, UnavailableError

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    return make_noisy(tmp_path_factory.mktemp("noisy"))


def start(model, tmp_path, env=None, **engine):
    return EngineProcess(model, engine_spec(**engine), env=env or {}, log_path=tmp_path / "logs" / "engine.log")


def gone(pid, seconds=10.0):
    """Whether a process ends within some seconds; a zombie nobody has buried has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_thousands_of_requests_come_back_whatever_the_model_prints(tiny, noisy, tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("raise SystemExit('a module in the working directory was taken for torch')")
    monkeypatch.chdir(tmp_path)
    requests = [ask(f"第{i}题", max_tokens=2, seed=i, temperature=0.5 * (i % 2)) for i in range(400)]
    requests += [ask("长" * 300) for _ in range(3000)]
    with start(noisy.spec(trust_remote_code=True), tmp_path, max_batch_size=64) as engine:
        assert engine.describe()["architecture"] == "Noisy"
        got = {r.key: r for r in engine.generate(iter(requests))}
        again = list(engine.generate(requests[:3]))
        assert list(engine.generate([])) == []
        pid = engine.pid
        unwanted = engine.generate(long_work())
        next(unwanted)
        unwanted.close()
        assert gone(pid, 3), "what it computes nobody would read"
    assert len(got) == len(requests)
    assert [got[r.key] for r in again] == again
    assert "progress 1" in (tmp_path / "logs/engine.log").read_text()
    with TransformersEngine(tiny.spec(), engine_spec()) as plain:
        assert {r.key: r for r in plain.generate(requests[:400])} == {r.key: got[r.key] for r in requests[:400]}


def test_code_of_a_checkpoint_does_not_run_unasked(noisy, tmp_path):
    with TransformersEngine(noisy.spec(), engine_spec()) as engine:
        assert engine.describe()["architecture"] == "Qwen2ForCausalLM"


def test_death_keeps_what_was_answered_and_says_how_it_died(noisy, tmp_path):
    requests = [ask(f"{i}", max_tokens=1) for i in range(20)]
    got = []
    spec = noisy.spec(trust_remote_code=True)
    with start(spec, tmp_path, {"NOISY_DIES_AFTER": "2"}) as engine, pytest.raises(EngineError) as died:
        got.extend(engine.generate(requests))
    assert len(got) == 16
    assert all(r.finish == "length" for r in got)
    message = str(died.value)
    assert "engine of tiny was killed by SIGKILL (out of memory?): device-side fault triggered; log: " in message
    assert "\n" not in message
    assert "\x1b" not in message
    with pytest.raises(EngineError, match="not running"):
        next(engine.generate(requests))


def test_an_engine_that_is_killed_ends_in_the_middle_of_its_work(tiny, tmp_path):
    engine = start(tiny.spec(), tmp_path, max_batch_size=1)
    with engine:
        answers = engine.generate(long_work())
        assert next(answers).finish in ("stop", "length")
        pid = engine.pid
        threading.Timer(0.1, engine.kill).start()
        with pytest.raises(EngineError, match="was stopped"):
            list(answers)
        assert gone(pid, 3)


def long_work():
    return [ask(f"{i}", max_tokens=400, temperature=1.0, seed=i) for i in range(200)]


def test_an_engine_killed_before_it_starts_never_starts(tiny, tmp_path):
    engine = start(tiny.spec(), tmp_path)
    engine.kill()
    with pytest.raises(EngineError, match="stopped before it started"), engine:
        raise AssertionError("it started")


def test_fatal_messages_keep_their_kind(tmp_path):
    with pytest.raises(UnavailableError, match=r"^tiny: there is no folder /nowhere/at/all; check"):
        start({"name": "tiny", "path": "/nowhere/at/all"}, tmp_path).__enter__()
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    with pytest.raises(UnavailableError, match=r"HF_HUB_OFFLINE is set; run `hf download some/model`"):
        start({"name": "far", "path": "some/model"}, tmp_path, offline).__enter__()
    bare = build(tmp_path / "bare", template=None)
    with pytest.raises(EngineError, match=r"^engine of tiny: the model has no chat template; .*; log: .*engine\.log$"):
        start(bare.spec(), tmp_path).__enter__()


CONTROLLER = """
import sys, json, pathlib
sys.path[:0] = [{root!r}, {here!r}]
from tiny_qwen2 import ask, engine_spec
from dsafe_runner.engines.process import EngineProcess
model = json.loads({model!r})
requests = [ask(str(i), max_tokens=480, temperature=1.5, seed=i) for i in range(500)]
with EngineProcess(model, engine_spec(max_batch_size=2), env={{}}, log_path=pathlib.Path({log!r})) as engine:
    print(engine.pid, flush=True)
    for response in engine.generate(requests):
        print(response.key, flush=True)
"""


def test_kill_9_of_the_controller_leaves_no_orphan(tiny, tmp_path):
    """Also while torch computes, and with the worker in a session of its own."""
    code = CONTROLLER.format(root=str(ROOT), here=str(HERE), model=json.dumps(tiny.spec()), log=str(tmp_path / "log"))
    controller = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        worker = int(controller.stdout.readline())
        assert controller.stdout.readline().startswith("key")
        assert os.getsid(worker) == worker
        controller.send_signal(signal.SIGKILL)
        controller.wait()
        assert gone(worker, 3)
    finally:
        controller.kill()
        controller.wait()
        controller.stdout.close()
