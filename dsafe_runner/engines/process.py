"""An engine seen from the controller: starts the worker process, speaks its protocol, and never leaves it behind."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NoReturn, Self

from dsafe_runner.engines.launch import child_environment, python_command, thread_environment
from dsafe_runner.errors import EngineError, UnavailableError
from dsafe_runner.records import Request, Response, as_json, response_from_json

_GRACE_SECONDS = 5.0
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


class EngineProcess:
    """Implements engines.base.Engine in a process of its own.

    One `generate` at a time; several EngineProcesses may run in threads.

    Args:
        model: fields of spec.Model and `name`; `path` is an absolute folder or a hub id.
        engine: fields of spec.Engine.
        env: environment variables on top of this process's own, e.g. CUDA_VISIBLE_DEVICES.
        log_path: receives everything the worker and its libraries print; appended to.

    Raises (on entering, or while generating):
        UnavailableError: weights or device are not on this machine.
        EngineError: the engine could not start, died, or broke its protocol; responses yielded before are good.
    """

    def __init__(self, model: dict[str, Any], engine: dict[str, Any], *, env: dict[str, str], log_path: Path) -> None:
        self._hello = {"model": model, "engine": engine}
        self._name = str(model.get("name") or model["path"])
        self._env = child_environment({**thread_environment(engine.get("threads")), **env})
        self._log_path = log_path
        self._log_start = 0
        self._worker: subprocess.Popen[bytes] | None = None
        self._described: dict[str, Any] = {}
        self._notes: list[str] = []
        self._busy = False
        self._killed = False
        self._starting = threading.Lock()

    def __enter__(self) -> Self:
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        with self._log_path.open("ab") as log, self._starting:
            if self._killed:
                raise EngineError(f"engine of {self._name} was stopped before it started")
            self._log_start = log.tell()
            self._worker = subprocess.Popen(
                python_command("-m", "dsafe_runner.engines.worker"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._env,
                # Ctrl-C in the terminal must reach the controller alone: it commits what is there, then ends us
                start_new_session=True,
            )
        try:
            self._write([self._hello])
            self._described = self._read("ready")["ready"]
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def kill(self) -> None:
        """End the engine at once, from any thread, in any state; a `generate` or start under way raises EngineError."""
        with self._starting:
            self._killed = True
            worker = self._worker
        if worker is not None and worker.poll() is None:
            _kill(worker)

    @property
    def pid(self) -> int | None:
        """Process id of the worker while it runs."""
        return self._worker.pid if self._worker else None

    def describe(self) -> dict[str, Any]:
        """What the engine said about itself when it was ready."""
        return self._described

    @property
    def notes(self) -> list[str]:
        """What the engine said about the answers of the last `generate` that was read to its end, a line each."""
        return list(self._notes)

    def generate(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Yield a Response per Request as soon as it is finished; see engines.base.Engine.

        Closing the iterator before its end stops the engine: what it is computing nobody would read.
        """
        if self._worker is None or self._busy:
            raise EngineError(f"engine of {self._name} is {'busy' if self._worker else 'not running'}")
        asked = list(requests)
        self._notes = []
        if not asked:
            return
        open_keys = {(r.key, r.sample_id, r.k) for r in asked}
        self._busy = True
        # a thread, because both pipes are finite: the worker may want to be read from while we still write
        writer = threading.Thread(
            target=self._write,
            args=([*map(as_json, asked), {"flush": True}],),
            name=f"requests of {self._name}",
            daemon=True,
        )
        writer.start()
        try:
            while "done" not in (message := self._read("response", "done")):
                try:
                    response = response_from_json(message["response"])
                    open_keys.remove((response.key, response.sample_id, response.k))
                except (TypeError, KeyError):
                    raise EngineError(
                        f"engine of {self._name} sent a response nobody asked for; log: {self._log_path}"
                    ) from None
                yield response
            if open_keys:
                raise EngineError(
                    f"engine of {self._name} left {len(open_keys)} requests unanswered; log: {self._log_path}"
                )
        except BaseException:
            self._stop()
            raise
        writer.join()
        self._notes = [" ".join(str(note).split()) for note in message.get("notes", ())]
        self._busy = False

    def _write(self, messages: list[dict[str, Any]]) -> None:
        pipe = self._pipe("stdin")
        # a broken pipe means the worker died: the reading side says so, with its reason; ValueError: we closed it
        with contextlib.suppress(BrokenPipeError, ValueError):
            for message in messages:
                pipe.write(json.dumps(message).encode() + b"\n")
            pipe.flush()

    def _read(self, *expected: str) -> dict[str, Any]:
        line = self._pipe("stdout").readline()
        if not line.endswith(b"\n"):
            self._died()
        try:
            message = json.loads(line)
        except ValueError:
            message = {}
        if "fatal" in message:
            kind, text = message["fatal"]["kind"], message["fatal"]["message"]
            if kind == "unavailable":
                raise UnavailableError(f"{self._name}: {text}")
            raise EngineError(f"engine of {self._name}: {text}; log: {self._log_path}")
        if not isinstance(message, dict) or not any(name in message for name in expected):
            raise EngineError(f"engine of {self._name} broke its protocol; log: {self._log_path}")
        return message

    def _pipe(self, which: str) -> IO[bytes]:
        pipe: IO[bytes] | None = getattr(self._worker, which, None)
        if pipe is None:
            raise EngineError(f"engine of {self._name} is not running")
        return pipe

    def _died(self) -> NoReturn:
        if self._killed:
            raise EngineError(f"engine of {self._name} was stopped")
        worker = self._worker
        try:
            status = worker.wait(_GRACE_SECONDS) if worker else None
        except subprocess.TimeoutExpired:
            status = None
        how = "closed its pipe" if status is None else f"ended with status {status}"
        if status is not None and status < 0:
            name = signal.Signals(-status).name if -status in signal.Signals._value2member_map_ else str(-status)
            how = f"was killed by {name}" + (" (out of memory?)" if status == -signal.SIGKILL else "")
        said = self._last_words()
        raise EngineError(f"engine of {self._name} {how}{': ' + said if said else ''}; log: {self._log_path}")

    def _last_words(self) -> str:
        """Last line of this run's log that says something; model output never gets there, library output is cleaned."""
        try:
            with self._log_path.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(self._log_start, size - 20_000))
                text = log.read().decode("utf-8", "replace")
        except OSError:
            return ""
        lines = [_ESCAPES.sub("", line.rsplit("\r", 1)[-1]).strip() for line in text.split("\n")]
        told = [line for line in lines if len(line) > 3 and not set(line) <= set("^~-=_ ") and "%|" not in line]
        return told[-1][:300] if told else ""

    def _stop(self) -> None:
        """End the worker: idle, it ends when its stdin closes; busy, it is killed, as nobody would read its results."""
        worker, self._worker, busy, self._busy = self._worker, None, self._busy, False
        if worker is None:
            return
        if busy:  # first, because a pipe that our writer is blocked on cannot be closed
            _kill(worker)
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError, ValueError):
                    pipe.close()
        try:
            worker.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            _kill(worker)
            worker.wait()


def _kill(worker: subprocess.Popen[bytes]) -> None:
    """Kill the worker and whatever it started: it leads a session of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(worker.pid, signal.SIGKILL)
