"""What a judge is to the rest of the package: it reads one free-text answer and gives it one of four classes."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from dsafe_runner.records import Message, Response, Sample, Score


class Judge(Protocol):
    """Reads answers to should-refuse (`refusal`) and must-answer (`benign`) prompts."""

    labels: frozenset[int]
    """The classes it can give: a judge that never gives 3 is no evidence for rr-2."""

    def identity(self) -> dict[str, str]:
        """What makes this judge's labels what they are; goes into store keys and the manifest."""

    def limits(self) -> str | None:
        """One line on how far its labels can be trusted, printed wherever it is used; None where nothing is known."""


@runtime_checkable
class ReadingJudge(Judge, Protocol):
    """A judge that reads an answer by itself."""

    def label(self, sample: Sample, response: Response) -> Score:
        """LABELLED with a class, TRUNCATED for an answer the budget cut, UNSCORED where no class can be given."""


@runtime_checkable
class AskingJudge(Judge, Protocol):
    """A judge that asks a model. It builds the questions and reads the replies; who runs the model is not its affair.

    The thinking of the model it asks is no verdict: `Response.answer` alone is read.
    """

    max_tokens: int
    """New tokens a reply may have, thinking left out of account."""

    def ask(self, sample: Sample, response: Response, *, thinking: bool = False) -> tuple[Message, ...] | Score:
        """The conversation to put to the model about an answer (or about the thinking before it).

        A Score instead where there is nothing to ask: MISSING for an engine error, TRUNCATED for a text the budget
        cut, UNSCORED for an empty one.
        """

    def again(self, asked: tuple[Message, ...], reply: Response) -> tuple[Message, ...]:
        """The conversation, with a reminder of the format, for the one retry of a reply that could not be read."""

    def read(self, reply: Response) -> int | None:
        """The class a reply gives: exactly one, or None."""
