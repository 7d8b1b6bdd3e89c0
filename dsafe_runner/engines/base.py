"""What an engine is to the rest of the package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Protocol, Self

from dsafe_runner.records import Request, Response


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
