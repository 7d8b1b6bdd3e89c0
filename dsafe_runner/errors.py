"""The one tree of exceptions.

    DsafeError
    ├── ConfigError        a user's YAML is wrong: one or more Mistakes, each `file:line:col: what; what to do`
    ├── UnavailableError   something a suite needs is not on this machine (weights, data, hardware, a token)
    ├── DataError          data is here but is not what was promised (hash, schema, zero samples)
    ├── EngineError        an engine could not start, died, or broke its protocol
    ├── JudgeError         a judge could not run
    ├── StoreError         the response store cannot be read or written
    ├── EvidenceError      a check has nothing it may be decided on
    └── TrainingError      a recipe cannot start or had to stop

Every message is one line a user can act on; a traceback is reserved for our own bugs.
"""

from __future__ import annotations

from dataclasses import dataclass


class DsafeError(Exception):
    """Base of everything this package raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake in a user's file. `line` and `column` count from 1, as editors do."""

    path: str
    line: int
    column: int
    what: str
    todo: str = ""

    def __str__(self) -> str:
        text = f"{self.path}:{self.line}:{self.column}: {self.what}"
        return f"{text}; {self.todo}" if self.todo else text


class ConfigError(DsafeError):
    """A user's YAML is wrong. All mistakes of the file at once, in file order."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = sorted(mistakes)
        super().__init__("\n".join(str(m) for m in self.mistakes))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[list[Mistake]]]:
        return (type(self), (self.mistakes,))


class UnavailableError(DsafeError):
    """Something a suite needs is not on this machine; the message says what and how to get it."""


class DataError(DsafeError):
    """Data is here but is not what was promised: wrong hash, broken schema, zero samples."""


class EngineError(DsafeError):
    """An engine could not start, died, or broke its protocol."""


class JudgeError(DsafeError):
    """A judge could not run."""


class StoreError(DsafeError):
    """The response store cannot be read or written."""


class EvidenceError(DsafeError):
    """A check has nothing it may be decided on: its measurement failed or never ran."""


class TrainingError(DsafeError):
    """A recipe cannot start or had to stop."""
