"""Mathematics: gold answers equal themselves, hangs are killed, and nobody else's alarm is touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dsafe_runner.errors import DataError, UnavailableError
from dsafe_runner.sandbox.maths import MathsGrader, MathsVerdict

MATH = Path(os.environ.get("DSAFE_DATA", "/nonexistent"), "math500", "test.jsonl")


@pytest.fixture(scope="module")
def grader():
    try:
        with MathsGrader(seconds=4) as made:
            yield made
    except UnavailableError as error:
        pytest.skip(f"not run: {error}")


@pytest.mark.parametrize(
    ("gold", "answer", "verdict"),
    [
        ("2", "2", "right"),
        (r"\frac{1}{2}", "0.5", "right"),
        (r"\frac12", r"\dfrac{2}{4}", "right"),
        ("2", "3", "wrong"),
        ("x=5", "5", "right"),
        (r"(1,2)", "(1, 2)", "right"),
        (r"(1,2)", "(2,1)", "wrong"),
        (r"\sqrt{8}", r"2\sqrt{2}", "right"),
        (r"\text{Monday}", "Monday", "right"),
        (r"\text{Monday}", r"\text{Tuesday}", "wrong"),
        ("x^2+1", "1+x^2", "right"),
        (r"[-2,7]", r"x\in[-2,7]", "right"),
        ("10", "10.0000001", "wrong"),
        ("10", "10.001", "wrong"),
        (r"\pi", "3.14", "wrong"),
        ("5", "", "unreadable"),
        ("5", "  ", "unreadable"),
        ("5", r"\left(\left(", "unreadable"),
        ("5", "{{{", "unreadable"),
        ("5", "9" * 100_000, "unreadable"),
        ("5", "__import__('os').system('true')", "unreadable"),
    ],
)
def test_equivalence(grader, gold, answer, verdict):
    assert grader.equivalent(gold, answer) == verdict


HANGS = {"tower": "10^{10^{10}}", "fractions": r"\frac{1}{" * 60 + "2" + "}" * 60, "brackets": "(" * 3000}


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n != "tower")) for n in HANGS])
def test_hangs_are_killed_and_the_next_comparison_works(name):
    try:
        quick = MathsGrader(seconds=0.5)
    except UnavailableError as error:
        pytest.skip(f"not run: {error}")
    with quick:
        assert quick.equivalent("1", "1") == "right"
        pid = quick.pid
        begun = time.monotonic()
        assert quick.equivalent("5", HANGS[name]) is MathsVerdict.TIME
        assert time.monotonic() - begun < 5
        assert not Path(f"/proc/{pid}").exists()
        assert quick.equivalent("5", "5.0") == "right"
        assert quick.pid != pid
        last = quick.pid
    assert not Path(f"/proc/{last}").exists()


def test_a_killed_worker_is_no_verdict(grader):
    assert grader.equivalent("1", "1") == "right"
    os.kill(grader.pid, signal.SIGKILL)
    assert grader.equivalent("7", "7") == "right"


def test_an_unreadable_gold_answer_is_an_error(grader):
    with pytest.raises(DataError):
        grader.equivalent("", "5")


def test_works_in_threads_and_disarms_nobody(grader):
    """math-verify itself refuses threads, and clears the timer that pytest-timeout uses."""
    rung = []
    old = signal.signal(signal.SIGALRM, lambda *_: rung.append(time.monotonic()))
    signal.setitimer(signal.ITIMER_REAL, 0.8)
    try:
        found = []
        threads = [threading.Thread(target=lambda: found.append(grader.equivalent("3", "3"))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert grader.equivalent("3", "4") == "wrong"
        assert found == ["right"] * 3
        deadline = time.monotonic() + 5
        while not rung and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(rung) == 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def test_the_worker_ends_with_its_grader(grader):
    """A controller that is killed leaves no worker, not even one that hangs."""
    code = (
        "from dsafe_runner.sandbox.maths import MathsGrader\ng = MathsGrader(seconds=1)\ng.equivalent('1', '1')\n"
        "print(g.pid, flush=True)\ng.equivalent('5', '10^{10^{10}}')"
    )
    controller = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(controller.stdout.readline())
    controller.kill()
    controller.wait()
    deadline = time.monotonic() + 15
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_secrets_stay_with_the_controller(grader, monkeypatch):
    monkeypatch.setenv("DSAFE_API_KEY", "the-secret-key")
    with MathsGrader() as fresh:
        fresh.equivalent("1", "1")
        assert b"secret" not in Path(f"/proc/{fresh.pid}/environ").read_bytes()


def test_versions_are_told(grader):
    assert set(grader.describe()) == {"math-verify", "latex2sympy2_extended", "sympy", "antlr4-python3-runtime"}


def test_without_math_verify(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match=r"dsafe-runner\[math\]"):
        MathsGrader()


def real_golds() -> list[str]:
    if not MATH.exists():
        pytest.skip("not run: DSAFE_DATA has no math500")
    golds = [json.loads(line)["answer"] for line in MATH.read_text().splitlines()]
    assert len(golds) == 500
    return golds


def test_real_gold_answers_equal_themselves(grader):
    assert [gold for gold in real_golds() if grader.equivalent(gold, gold) != "right"] == []


@pytest.mark.slow
def test_real_gold_answers_equal_no_others(grader):
    """None equals its neighbour's, but for three pairs that are the same mathematics."""
    golds = real_golds()
    confused = [(a, b) for a, b in zip(golds, golds[1:] + golds[:1], strict=True) if grader.equivalent(a, b) == "right"]
    assert len(confused) == 3
    assert all(a.split("=")[-1] == b.split("=")[-1] for a, b in confused)
