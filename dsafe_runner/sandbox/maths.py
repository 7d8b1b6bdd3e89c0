r"""Are two mathematical answers the same? math-verify decides, in a process of its own that is killed when it hangs.

    with MathsGrader() as grader:                    # UnavailableError without the extra `math`
        grader.equivalent(r"\frac{1}{2}", "0.5")     # right

A process, because math-verify disarms other people's alarms (pytest-timeout's), refuses to work in threads, and
follows an answer like 10^{10^{10}} for as long as it is let.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import dsafe_runner
from dsafe_runner.errors import DataError, UnavailableError

_START_SECONDS = 120.0
_WALL_FACTOR = 3.0
_LONGEST = 4000
"""Characters of an answer; no gold answer is near that, and parsing time grows faster than length."""
_KEPT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "HOME", "TMPDIR", "SYSTEMROOT")


class MathsVerdict(StrEnum):
    """What an answer is worth beside the right one.

    UNREADABLE  no expression could be read out of it, and it is not the right answer's very text
    TIME        comparing took too long
    """

    RIGHT = "right"
    WRONG = "wrong"
    UNREADABLE = "unreadable"
    TIME = "time"


class MathsGrader:
    """A comparing process, started when it is first needed and again after it had to be killed.

    Safe to use from several threads, which then wait for each other; one grader per thread is faster.

    Args:
        seconds: CPU time of one comparison; three times that of wall time, so that a busy machine changes no verdict.

    Raises (on construction):
        UnavailableError: math-verify is not installed.
    """

    def __init__(self, seconds: float = 10.0) -> None:
        if importlib.util.find_spec("math_verify") is None:
            raise UnavailableError("math-verify is not installed; pip install 'dsafe-runner[math]'")
        self._seconds = seconds
        self._worker: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Process id of the worker while there is one."""
        return self._worker.pid if self._worker else None

    @staticmethod
    def describe() -> dict[str, str]:
        """Versions of what can move a verdict."""
        names = ("math-verify", "latex2sympy2_extended", "sympy", "antlr4-python3-runtime")
        return {name: importlib.metadata.version(name) for name in names}

    def equivalent(self, gold: str, answer: str) -> MathsVerdict:
        r"""Whether `answer` is the same as `gold`. Their order matters: what may differ in form is the answer.

        Args:
            gold: the right answer in LaTeX, without \boxed or dollars around it.
            answer: the given one in LaTeX, the inside of its last \boxed.

        Raises:
            DataError: nothing can be read out of `gold`.
            UnavailableError: the process does not start.
        """
        if not answer.strip() or len(answer) > _LONGEST:
            return MathsVerdict.UNREADABLE
        with self._lock:
            verdict = self._ask(gold, answer)
            if verdict == "died":  # by something from outside, or by this answer: then it will do so again
                verdict = self._ask(gold, answer)
        if verdict == "gold":
            raise DataError("a right answer is not readable mathematics; fetch the data again")
        return MathsVerdict(MathsVerdict.UNREADABLE if verdict == "died" else verdict)

    def close(self) -> None:
        """End the process."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()
            worker.wait()
            for pipe in (worker.stdin, worker.stdout):
                if pipe is not None:
                    pipe.close()

    def _ask(self, gold: str, answer: str) -> str:
        try:
            worker = self._worker or self._start()
            said = self._exchange(worker, {"gold": gold, "answer": answer}, self._seconds * _WALL_FACTOR)
        except BaseException:
            self.close()
            raise
        if said is not None:
            return str(said["verdict"])
        late = worker.poll() is None
        self.close()
        return "time" if late or worker.returncode == -signal.SIGPROF else "died"

    def _start(self) -> subprocess.Popen[bytes]:
        home = str(Path(dsafe_runner.__file__).resolve().parent.parent)
        env = {name: os.environ[name] for name in _KEPT if name in os.environ}
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [env.get("PYTHONPATH"), home]))
        self._worker = subprocess.Popen(
            [sys.executable, "-P", "-B", "-m", "dsafe_runner.sandbox.maths_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Ctrl-C in the terminal is the controller's to handle
            env=env,
            start_new_session=True,
        )
        said = self._exchange(self._worker, {"seconds": self._seconds}, _START_SECONDS)
        if said is None or said.get("verdict") != "ready":
            why = said["why"] if said else "its process ended"
            raise UnavailableError(f"math-verify does not start: {why}; pip install 'dsafe-runner[math]'")
        return self._worker

    @staticmethod
    def _exchange(worker: subprocess.Popen[bytes], message: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        """Send one line and read one; None where none came in time, or the worker is gone."""
        if worker.stdin is None or worker.stdout is None:
            return None
        try:
            worker.stdin.write(json.dumps(message).encode() + b"\n")
            worker.stdin.flush()
        except BrokenPipeError:
            worker.wait()
            return None
        deadline, line = time.monotonic() + seconds, b""
        while not line.endswith(b"\n"):
            ready = select.select([worker.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]
            data = os.read(worker.stdout.fileno(), 65536) if ready else b""
            if not data:
                if ready:
                    worker.wait()
                return None
            line += data
        found: dict[str, Any] = json.loads(line)
        return found
