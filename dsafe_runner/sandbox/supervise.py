"""Watches one sandbox from outside until nothing of it is left: reads its pipes, keeps the clock, weighs its memory."""

from __future__ import annotations

import contextlib
import os
import re
import select
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass

from dsafe_runner.sandbox.orphans import bury
from dsafe_runner.sandbox.runs import MEBIBYTE, CodeVerdict, Limits, Run
from dsafe_runner.sandbox.usage import is_first_of_a_namespace, usage_of

_LOOK_SECONDS = 0.05
_GRACE_SECONDS = 10.0
_PATIENCE = 5
"""How many times the wall limit a program may take that computes all along, but on a machine too busy for it."""
_STDERR_BYTES = 4096
_CHUNK = 1 << 18
_CONTROL = re.compile(r"[^\x20-\x7e\xa0-\U0010ffff]|[\u2028-\u202e\u2066-\u2069]")
_CPU_SIGNAL = 128 + signal.SIGXCPU
_KILL_SIGNAL = 128 + signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Channels:
    """Our ends of the pipes of one sandbox.

    stdout, stderr  of the program (bubblewrap speaks on stderr too, before the program starts)
    report          what inside.py says; the program can write there too, after `begun`
    status          what bubblewrap says: the first process of the sandbox, and how the program ended. Out of its reach
    """

    stdout: int
    stderr: int
    report: int
    status: int


def supervise(process: subprocess.Popen[bytes], channels: Channels, limits: Limits, start: float) -> Run:
    """Wait for one sandbox, or end it; returns when no process of it is left.

    Args:
        process: bubblewrap, outside.
        channels: our ends of its pipes; closed by the caller.
        limits: what the run may use.
        start: time.monotonic() when the run began.
    """
    watch = _Watch(channels, limits, start)
    oom_kills = _oom_kills()
    try:
        watch.read_all(process)
    finally:
        # also when we are interrupted: nothing of a run outlives it
        watch.kill(process)
        process.wait()
        gone = watch.wait_until_empty(process)
    if not gone:
        return watch.finished(CodeVerdict.SANDBOX_ERROR, "processes of the sandbox could not be ended")
    return watch.judge(oom_killed=_oom_kills() != oom_kills)


class _Watch:
    def __init__(self, channels: Channels, limits: Limits, start: float) -> None:
        self._limits, self._start = limits, start
        self._read = {fd: bytearray() for fd in (channels.stdout, channels.stderr, channels.report, channels.status)}
        self._channels = channels
        self._stopped: tuple[CodeVerdict, str] | None = None
        self._first: int | None = None
        self._first_handle: int | None = None
        self._cpu_seconds = 0.0

    def read_all(self, process: subprocess.Popen[bytes]) -> None:
        """Read every pipe to its end; kill the sandbox where a limit is passed."""
        deadline, look = self._start + self._limits.wall_seconds, time.monotonic() + _LOOK_SECONDS
        with selectors.DefaultSelector() as selector:
            for fd in self._read:
                selector.register(fd, selectors.EVENT_READ)
            while selector.get_map():
                now = time.monotonic()
                if self._stopped is None and now >= deadline and self._starved(now):
                    deadline = now + self._limits.wall_seconds / 4
                elif self._stopped is None and now >= deadline:
                    self._stop(process, CodeVerdict.TIME, f"more than {self._limits.wall_seconds:g} s of wall time")
                    deadline = now + _GRACE_SECONDS
                elif now >= deadline:
                    return
                if now >= look:
                    self._look(process)
                    look = time.monotonic() + _LOOK_SECONDS
                for key, _ in selector.select(max(0.0, min(look, deadline) - now)):
                    if not self._take(key.fd, process):
                        selector.unregister(key.fd)

    def _take(self, fd: int, process: subprocess.Popen[bytes]) -> bool:
        """Read once; False at the end of the pipe."""
        data = os.read(fd, _CHUNK)
        buffer = self._read[fd]
        if fd == self._channels.stderr:
            buffer += data
            del buffer[:-_STDERR_BYTES]
        elif len(buffer) <= self._limits.output_bytes:
            buffer += data
            if len(buffer) > self._limits.output_bytes:
                self._stop(process, CodeVerdict.OUTPUT_LIMIT, f"more than {self._limits.output_bytes} bytes of output")
        if fd == self._channels.status:
            self._meet_first()
        return bool(data)

    def _meet_first(self) -> None:
        """Take hold of the first process inside once bubblewrap has said its number."""
        found = re.search(rb'"child-pid": (\d+)', self._read[self._channels.status])
        if self._first is None and found:
            self._first = int(found[1])
            with contextlib.suppress(OSError):
                handle = os.pidfd_open(self._first)
                # a number may have been given to another process since; that one we must not touch
                if is_first_of_a_namespace(self._first):
                    self._first_handle = handle
                else:
                    os.close(handle)

    def _look(self, process: subprocess.Popen[bytes]) -> None:
        """Stop a sandbox whose processes together are over a limit; each of them may be within its own."""
        if self._first is None or self._stopped:
            return
        usage, limits = usage_of(self._first), self._limits
        self._cpu_seconds = max(self._cpu_seconds, usage.cpu_seconds)
        if usage.memory_bytes > limits.memory_bytes:
            used = f"more than {limits.memory_bytes // MEBIBYTE} MiB in all its processes"
            self._stop(process, CodeVerdict.MEMORY, used)
        elif usage.cpu_seconds > limits.cpu_seconds + 1:
            self._stop(process, CodeVerdict.TIME, f"more than {limits.cpu_seconds} s of CPU time in all its processes")
        elif usage.threads > limits.processes + 8:
            self._stop(process, CodeVerdict.RUNTIME_ERROR, f"more than {limits.processes} processes")

    def _starved(self, now: float) -> bool:
        spent = now - self._start
        return (
            spent < _PATIENCE * self._limits.wall_seconds
            and self._first is not None
            and usage_of(self._first).cpu_seconds > spent / 20
        )

    def _stop(self, process: subprocess.Popen[bytes], verdict: CodeVerdict, detail: str) -> None:
        if self._stopped is None:
            self._stopped = verdict, detail
            self.kill(process)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End bubblewrap, and the first process inside: the kernel ends all others with that one.

        Until bubblewrap has told us of it, the first process is in bubblewrap's process group, and waits for it.
        """
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        if self._first_handle is not None:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self._first_handle, signal.SIGKILL)

    def wait_until_empty(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait until the first process is gone, which it is only after all others are; bubblewrap has ended.

        Orphans are ours to bury: the first process, whether it still was in bubblewrap's group or not.
        """
        if self._first is None:  # we stopped before we had read all that it said
            os.set_blocking(self._channels.status, False)
            with contextlib.suppress(BlockingIOError):
                self._read[self._channels.status] += os.read(self._channels.status, _CHUNK)
            self._meet_first()
        gone = True
        if self._first_handle is not None:
            self.kill(process)
            poll = select.poll()
            poll.register(self._first_handle, select.POLLIN)
            gone = bool(poll.poll(_GRACE_SECONDS * 1000))
            os.close(self._first_handle)
            self._first_handle = None
            if gone:
                bury(self._first or 0)
        deadline = time.monotonic() + _GRACE_SECONDS
        while gone and not bury(-process.pid):
            gone = time.monotonic() < deadline
            time.sleep(0.0005)
        return gone

    def judge(self, *, oom_killed: bool) -> Run:
        """What the run came to; a failure is the program's only once the program had begun."""
        report = bytes(self._read[self._channels.report])
        said = _last_line(bytes(self._read[self._channels.stderr]))
        if not report.startswith(b"begun\n"):
            why = self._stopped[1] if self._stopped else said
            return self.finished(CodeVerdict.SANDBOX_ERROR, why or "the interpreter did not start")
        if self._stopped:
            return self.finished(*self._stopped)
        found = re.search(rb'"exit-code": (\d+)', self._read[self._channels.status])
        if found is None:
            return self.finished(CodeVerdict.SANDBOX_ERROR, "bubblewrap was killed")
        status = int(found[1])
        # deaf to the first signal, a program is killed a second later
        if status == _CPU_SIGNAL or (status == _KILL_SIGNAL and self._cpu_seconds >= self._limits.cpu_seconds):
            return self.finished(CodeVerdict.TIME, f"more than {self._limits.cpu_seconds} s of CPU time")
        if status == _KILL_SIGNAL and oom_killed:
            return self.finished(CodeVerdict.SANDBOX_ERROR, "the machine ran out of memory")
        if status and b"\nmemory\n" in report:
            return self.finished(CodeVerdict.MEMORY, f"MemoryError at {self._limits.memory_bytes // MEBIBYTE} MiB")
        if status:
            how = f"signal {status - 128}" if status > 128 else f"status {status}"
            return self.finished(CodeVerdict.RUNTIME_ERROR, said or f"ended with {how}")
        return self.finished(CodeVerdict.OK, "", report.partition(b"result ")[2] or None)

    def finished(self, verdict: CodeVerdict, detail: str, result: bytes | None = None) -> Run:
        """The record of the run."""
        stdout = bytes(self._read[self._channels.stdout][: self._limits.output_bytes])
        return Run(verdict, stdout, result, detail, time.monotonic() - self._start)


def _last_line(stderr: bytes) -> str:
    """Last line that says something, safe to print."""
    lines = [_CONTROL.sub("", line).strip() for line in stderr.decode("utf-8", "replace").split("\n")]
    return next((line[:200] for line in reversed(lines) if line), "")


def _oom_kills() -> int:
    """Processes the kernel has killed since it started because memory ran out."""
    with contextlib.suppress(OSError), open("/proc/vmstat", "rb") as file:
        if found := re.search(rb"^oom_kill (\d+)$", file.read(), re.MULTILINE):
            return int(found[1])
    return 0
