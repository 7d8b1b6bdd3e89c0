"""What bubblewrap would leave behind: we bury its orphans, and a keeper ends them should we not live to."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None)
_lock = threading.Lock()
_runs = 0
_KEEPER = (
    'trap "" HUP INT TERM; groups=; while read -r line; do groups=$line; done; test -z "$groups" || kill -9 $groups'
)
"""Reads the groups that are alive now, line after line; when our end of its pipe closes, it ends those of the last."""


@contextmanager
def adopting_orphans() -> Iterator[None]:
    """While this lasts, this process becomes the parent of what its children leave behind.

    Bubblewrap ends before the first process of its sandbox does. Where nobody waits for orphans, as in a container
    whose first process is not an init, each run would leave a zombie. Not for longer, since the orphans of engines and
    of other people's code are not ours.
    """
    _adopt(+1)
    try:
        yield
    finally:
        _adopt(-1)


def _adopt(runs: int) -> None:
    global _runs
    with _lock:
        _runs += runs
        if _runs == max(runs, 0):  # the first has begun, or the last has ended
            _libc.prctl(_PR_SET_CHILD_SUBREAPER, _runs, 0, 0, 0)


def bury(pid: int) -> bool:
    """Take note of the end of one orphan, or of all in a group (-group); False where one has not ended yet."""
    try:
        while os.waitpid(pid, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False


class Keeper:
    """A small process that outlives us for a moment, and then kills the process groups that we could not.

    Bubblewrap dies with us (--die-with-parent), but if it does so while it starts, the child it has just made waits for
    it for ever.
    """

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._lock = threading.Lock()
        read, self._write = os.pipe2(os.O_CLOEXEC)
        silence = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
        take = (os.POSIX_SPAWN_DUP2, read, 0)
        # a session of its own: what is sent to our process group must not reach it
        os.posix_spawn("/bin/sh", ["sh", "-c", _KEEPER], {}, file_actions=[take, *silence], setsid=True)
        os.close(read)

    @contextmanager
    def watching(self, group: int) -> Iterator[None]:
        """While this lasts, the group dies soon after us."""
        self._change(self._groups.add, group)
        try:
            yield
        finally:
            self._change(self._groups.discard, group)

    def _change(self, change: Callable[[int], None], group: int) -> None:
        with self._lock:
            change(group)
            line = " ".join(f"-{number}" for number in sorted(self._groups))
            with suppress(BrokenPipeError):  # someone ended the keeper: we are no worse off than without
                os.write(self._write, f"{line}\n".encode())
