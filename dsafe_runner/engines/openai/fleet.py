"""Which server gets the next request: the one with the fewest in flight, of those that are not resting.

A server that fails several times in a row rests for a while, longer each time, and is then tried with one request at a
time until it answers. Where nothing is answered at all for long, the whole engine ends: no run may spend attempts and
timeouts on every one of fifty thousand requests in turn.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from dsafe_runner.engines.openai.transport import Server
from dsafe_runner.errors import EngineError

FAILURES = 4
"""In a row, before a server rests."""
FIRST_REST, LONGEST_REST = 0.5, 30.0
TRIAL_SECONDS = 1.0
"""Between two requests to a server that has rested and not answered yet."""


@dataclass(eq=False, slots=True)
class _Standing:
    """How a server is doing. `epoch` counts its rests: what was sent before one says nothing about the time after."""

    server: Server
    in_flight: int = 0
    last: int = 0
    failures: int = 0
    epoch: int = 0
    rest: float = 0.0
    rest_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Turn:
    """Leave to send one request to `server`; given back with exactly one of `Fleet.answered`, `failed`, `dropped`."""

    server: Server
    standing: _Standing
    epoch: int


class Fleet:
    """The servers of an engine. For one event loop.

    Args:
        servers: at least one.
        patience: seconds without any answer after which the engine ends.
    """

    def __init__(self, servers: list[Server], patience: float) -> None:
        self.servers = servers
        self._all = [_Standing(server) for server in servers]
        self._patience = patience
        self._turns = 0
        self._opened = asyncio.Event()
        self.begin()

    def begin(self) -> None:
        """Silence counts from now."""
        self._since = time.monotonic()
        self._row = 0
        self._failing: str | None = None
        self._several = False

    async def take(self, until: float, avoid: Server | None = None) -> Turn | None:
        """The next server, waiting while all rest; None when `until` (monotonic) passes first.

        avoid  the server that failed last, not taken where another one is ready
        """
        while True:
            now = time.monotonic()
            ready = [one for one in self._all if one.rest_until <= now]
            if ready:
                if avoid is not None and len(ready) > 1:
                    ready = [one for one in ready if one.server is not avoid]
                best = min(ready, key=lambda one: (one.in_flight, one.last))
                self._turns += 1
                best.last = self._turns
                best.in_flight += 1
                if best.failures >= FAILURES:
                    best.rest_until = now + min(best.rest, TRIAL_SECONDS)
                return Turn(best.server, best, best.epoch)
            if now >= until:
                return None
            soonest = min(one.rest_until for one in self._all)
            try:
                async with asyncio.timeout(min(soonest, until) - now):
                    await self._opened.wait()
            except TimeoutError:
                pass

    def answered(self, turn: Turn) -> None:
        """The server gave a whole answer, a refusal included."""
        one = turn.standing
        one.in_flight -= 1
        one.failures = 0
        if one.rest:
            one.rest = one.rest_until = 0.0
            self._opened.set()
        self.begin()

    def dropped(self, turn: Turn) -> None:
        """Nobody waits for the answer any more."""
        turn.standing.in_flight -= 1

    def failed(self, turn: Turn, key: str, what: str, retry_after: float = 0.0) -> None:
        """The server did not answer the request `key`.

        Raises:
            EngineError: no server has answered anything for `patience` seconds.
        """
        one, now = turn.standing, time.monotonic()
        one.in_flight -= 1
        one.failures += 1
        if one.failures >= FAILURES and turn.epoch == one.epoch:
            one.epoch += 1
            one.rest = min(2 * one.rest, LONGEST_REST) if one.rest else FIRST_REST
            one.rest_until = now + max(one.rest, retry_after)
            self._opened.clear()
        self._row += 1
        self._several = self._several or self._failing not in (None, key)
        self._failing = self._failing or key
        silence = now - self._since
        # one request alone may be the server's trouble with that request; it has its own attempts and budget
        if silence >= self._patience and self._several and self._row > 2:
            raise EngineError(
                f"{self._who()} gave no answer for {silence:.0f} s ({self._row} attempts, the last: {what}); "
                "see to the server, then run again: what was answered is kept"
            )

    def _who(self) -> str:
        urls = [server.url for server in self.servers]
        return urls[0] if len(urls) == 1 else f"{len(urls)} servers ({urls[0]} and others)"
