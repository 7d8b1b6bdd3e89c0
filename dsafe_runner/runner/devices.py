"""Leases on what engines run on: GPU indices, or CPU threads. One pool per run, shared by its model threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dsafe_runner.errors import UnavailableError


def visible_gpus(count: int) -> list[str]:
    """The `count` GPUs torch sees, as CUDA_VISIBLE_DEVICES names them: a subset given to us stays that subset."""
    said = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = [name.strip() for name in said.split(",")] if said else [str(index) for index in range(count)]
    return names[:count]


class DevicePool:
    """Hands out devices and waits when there are none left.

    gpus     the visible GPU indices, as CUDA_VISIBLE_DEVICES spells them
    threads  CPU threads to share out among CPU engines
    """

    def __init__(self, gpus: list[str], threads: int) -> None:
        self._gpus = list(gpus)
        self._all_gpus = len(gpus)
        self._all_threads = self._threads = threads
        self._changed = threading.Condition()

    @contextmanager
    def gpus(self, count: int) -> Iterator[dict[str, str]]:
        """`count` GPUs; yields the environment their engine process needs (set before torch is imported).

        All of them at once, so that two models that wait for several never hold what the other one needs.

        Raises:
            UnavailableError: there are fewer.
        """
        if count > self._all_gpus:
            raise UnavailableError(f"the engine needs {count} GPUs and there are {self._all_gpus}")
        with self._changed:
            self._changed.wait_for(lambda: len(self._gpus) >= count)
            held, self._gpus[:count] = self._gpus[:count], []
        try:
            yield {"CUDA_VISIBLE_DEVICES": ",".join(held)}
        finally:
            with self._changed:
                self._gpus[:0] = held
                self._changed.notify_all()

    @contextmanager
    def cpu(self, threads: int | None) -> Iterator[dict[str, str]]:
        """`threads` CPU threads (all of them when None); never more than there are."""
        wanted = min(threads or self._all_threads, self._all_threads)
        with self._changed:
            self._changed.wait_for(lambda: self._threads >= wanted)
            self._threads -= wanted
        try:
            # an engine on the CPU must not see a GPU, and OpenMP must not spin up a thread per core of its own
            yield {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": str(wanted), "MKL_NUM_THREADS": str(wanted)}
        finally:
            with self._changed:
                self._threads += wanted
                self._changed.notify_all()
