"""What a tree of processes uses right now, read from /proc without asking any of them."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """Of all processes together: threads, bytes of resident memory (shared pages once per process), CPU-seconds.

    CPU-seconds include those of children that have ended, since the first process of a namespace reaps every orphan.
    """

    threads: int
    memory_bytes: int
    cpu_seconds: float


def usage_of(pid: int) -> Usage:
    """Usage of a process and all its descendants; zeros where it has ended."""
    threads, pages, ticks, waiting, seen = 0, 0, 0, [pid], set()
    while waiting:
        pid = waiting.pop()
        if pid in seen:
            continue
        seen.add(pid)
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open(f"/proc/{pid}/stat", "rb") as file:
                # the name of a process may hold anything; the fields after its closing parenthesis start with the third
                fields = file.read().rpartition(b")")[2].split()
            ticks += sum(map(int, fields[11:15]))
            threads += int(fields[17])
            pages += int(fields[21])
            for task in os.listdir(f"/proc/{pid}/task"):
                with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                    waiting += map(int, file.read().split())
    return Usage(threads, pages * _PAGE, ticks / _TICKS)


def is_first_of_a_namespace(pid: int) -> bool:
    """Whether a process is number 1 of a process namespace below ours."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", "rb") as file:
        for line in file:
            if line.startswith(b"NSpid:"):
                numbers = line.split()[1:]
                return len(numbers) > 1 and numbers[-1] == b"1"
    return False
