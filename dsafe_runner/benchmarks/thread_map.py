"""Slow grading on several threads: jobs are handed out one by one, scores come back as they are made."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Generic, TypeVar

from dsafe_runner.records import Score

Job = TypeVar("Job")


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_map(jobs: Iterable[Job], grade: Callable[[Iterator[Job]], Iterator[Score]], threads: int) -> Iterator[Score]:
    """Scores of all jobs, in the order they are made. Left early, it begins no further job.

    Args:
        jobs: what there is to do.
        grade: called in every thread with the jobs that thread takes; it may hold a resource for as long as it runs.
        threads: how many.

    Raises:
        What `grade` or `jobs` raises; the other threads then end after the job they are at.
    """
    shared = _Shared(jobs)
    made: SimpleQueue[Score | BaseException | None] = SimpleQueue()

    def work() -> None:
        try:
            for score in grade(shared):
                made.put(score)
            made.put(None)
        except BaseException as error:  # told to whoever waits for scores, who raises it
            made.put(error)

    # daemons: an interrupted controller does not wait for a program that may run for its whole time limit
    for number in range(threads):
        threading.Thread(target=work, daemon=True, name=f"grading-{number}").start()
    running = threads
    try:
        while running:
            found = made.get()
            if found is None:
                running -= 1
            elif isinstance(found, BaseException):
                raise found
            else:
                yield found
    finally:
        shared.stop()


class _Shared(Generic[Job]):
    """One iterator for many threads."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = iter(jobs)
        self._lock = threading.Lock()
        self._stopped = False

    def __iter__(self) -> Iterator[Job]:
        return self

    def __next__(self) -> Job:
        with self._lock:
            if self._stopped:
                raise StopIteration
            return next(self._jobs)

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
