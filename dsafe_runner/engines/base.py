"""What an engine is to the rest of the package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Protocol, Self

from dsafe_runner.records import Request, Response


@dataclass(frozen=True, slots=True)
class Identified:
    """What is known of a model and its engine before the engine starts.

    facts      everything about checkpoint and engine that can move an answer, JSON types; part of every store key
    device     what it has to lease: `cuda`, `cpu`, or `none` for a server and for files
    gpus       how many GPUs it needs, 0 unless device is `cuda`
    uses_date  the chat template prints the current date, so the day is part of every prompt
    """

    facts: dict[str, Any]
    device: Literal["cuda", "cpu", "none"]
    gpus: int = 0
    uses_date: bool = False


class Engine(Protocol):
    """Answers requests. Used as a context manager: entering loads the model, leaving frees the device.

    `generate` yields a Response per Request as soon as it is finished, in any order. What fails for one request is a
    Response with finish `error`; EngineError means the engine is gone.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def describe(self) -> dict[str, Any]:
        """Everything about the engine that can move a number (versions, device, dtype, attention), JSON types."""

    def generate(self, requests: Iterable[Request]) -> Iterator[Response]:
        """A Response per Request, each as soon as it is finished, in any order.

        Raises:
            EngineError: the engine is gone.
        """
