"""All that one model is to be asked in a run, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dsafe_runner.engines.base import Identified
from dsafe_runner.records import Request, Response
from dsafe_runner.runner.hearing import Hearing


@dataclass
class Job:
    """All that one model is to be asked.

    fields     model and engine as the engine process wants them
    pending    requests that are not stored, each once: duplicates of a prompt are folded
    described  what its engine says about itself; until it has started, what it said the last time
    failed     keys of requests that got no response; `errors` of them
    answered   keys of requests whose response was stored in this run
    enough     it was stopped, as no further response could change a verdict
    again      a second request where the response to a first one is of no use
    known      a judge's requests, whether they had to be asked or were stored
    hearing    tells which of its responses are answers
    """

    model: str
    identity: dict[str, Any]
    fields: tuple[dict[str, Any], dict[str, Any]]
    identified: Identified
    hearing: Hearing
    requests: dict[str, list[Request]] = field(default_factory=dict)
    pending: list[Request] = field(default_factory=list)
    described: dict[str, Any] = field(default_factory=dict)
    errors: int = 0
    failed: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    enough: bool = False
    again: Callable[[Request, Response], Request | None] | None = None
    known: list[Request] = field(default_factory=list)

    @property
    def place(self) -> str:
        """Where it runs, in a word: a device, or the kind of engine that needs none."""
        device = self.identified.device
        return str(self.fields[1]["backend"]) if device == "none" else device

    @property
    def everything(self) -> list[Request]:
        """All that is asked of this model, stored or not."""
        return [*(r for requests in self.requests.values() for r in requests), *self.known]

    @property
    def unasked(self) -> set[str]:
        """Keys of the requests that were left out when it was stopped."""
        return {r.key for r in self.pending if r.key not in self.failed | self.answered} if self.enough else set()

    @property
    def asked(self) -> int:
        """Responses wanted in all."""
        return sum(len(requests) for requests in self.requests.values())

    @property
    def most_new_tokens(self) -> int:
        """Tokens that asking the pending requests can cost at most; reading option letters costs one."""
        return sum(r.sampling.max_tokens if r.sampling.scoring == "generate" else 1 for r in self.pending)

    @property
    def seconds(self) -> int | None:
        """Seconds the pending requests take at the rate of the last time; None where there was none."""
        rate = self.described.get("responses_per_second")
        return round(len(self.pending) / rate) if rate else None
