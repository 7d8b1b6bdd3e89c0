"""What happens while measuring, told as it happens: to `events.jsonl` for tailing, and to whoever listens.

An event is a flat dict of JSON types with `event` and `time` (seconds since the epoch). Kinds: `plan`, `model-start`,
`progress`, `model-done`, `unavailable`, `failed`, `warning`, `done`. No prompt or answer text ever.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dsafe_runner.files import writing

Event = dict[str, Any]
Listener = Callable[[Event], None]


class EventLog:
    """Appends events to a file and passes them on.

    Raises (all of it):
        WriteError: the file cannot be written.
    """

    def __init__(self, path: Path, listener: Listener | None = None) -> None:
        self._path = path
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8", buffering=1)
        self._listener = listener

    def __call__(self, event: str, **fields: Any) -> None:
        """Tell one event."""
        record: Event = {"event": event, "time": round(time.time(), 3), **fields}
        with writing(self._path):
            self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        if self._listener is not None:
            self._listener(record)

    def close(self) -> None:
        """Close the file."""
        with writing(self._path):
            self._file.close()


class Progress:
    """Rate and time left of one model's responses, told at most every `every` seconds."""

    def __init__(self, tell: EventLog, model: str, total: int, every: float = 5.0) -> None:
        self._tell, self._model, self._total, self._every = tell, model, total, every
        self._done = 0
        self._start = self._last = time.monotonic()

    @property
    def per_second(self) -> float:
        """Responses stored per second so far."""
        return self._done / max(time.monotonic() - self._start, 1e-9)

    def more(self, count: int) -> None:
        """So many more are asked than was known at the start."""
        self._total += count

    def step(self) -> None:
        """One more response has been stored."""
        self._done += 1
        now = time.monotonic()
        if now - self._last >= self._every or self._done == self._total:
            self._last = now
            rate = self.per_second
            self._tell(
                "progress",
                model=self._model,
                done=self._done,
                total=self._total,
                per_second=round(rate, 2),
                seconds_left=round((self._total - self._done) / rate),
            )
