"""The one tree of exceptions, and what a verb's exit code says.

    DsafeError
    ├── UsageError         what was asked for cannot be done as it was said (no such model, a file is there already)
    ├── ConfigError        a user's YAML is wrong: one or more Mistakes, each `file:line:col: what; what to do`
    ├── UnavailableError   something a suite needs is not on this machine (weights, data, hardware, a token)
    ├── WriteError         a file cannot be written: the disk is full, the folder is read-only or is none
    ├── DataError          data is here but is not what was promised (hash, schema, zero samples)
    ├── EngineError        an engine could not start, died, or broke its protocol
    ├── JudgeError         a judge could not run
    ├── StoreError         the response store cannot be used, or holds what is damaged
    ├── EvidenceError      a check has nothing it may be decided on
    └── TrainingError      a recipe cannot start or had to stop

Every message is one line a user can act on; a traceback is reserved for our own bugs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the exit code of a `dsafe` verb says. docs/exit-codes.md holds the table of all verbs."""

    FINE = 0
    FINDINGS = 1
    """The verb did what it was asked, and found what it looks for. Nothing else ends with it."""
    MISTAKES = 2
    """A file of the user's is wrong, or the user interrupted."""
    INTERNAL = 3
    """A bug of this package."""
    ENVIRONMENT = 4
    """The command line, this machine, or something that could not be measured or decided here."""


class DsafeError(Exception):
    """Base of everything this package raises on purpose."""

    exit_code: ClassVar[ExitCode] = ExitCode.ENVIRONMENT


class UsageError(DsafeError):
    """What was asked for cannot be done as it was said: a name that is not there, a file that is there already."""


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

    exit_code = ExitCode.MISTAKES

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = sorted(mistakes)
        super().__init__("\n".join(str(m) for m in self.mistakes))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[list[Mistake]]]:
        return (type(self), (self.mistakes,))


class UnavailableError(DsafeError):
    """Something a suite needs is not on this machine; the message says what and how to get it."""


class WriteError(DsafeError):
    """A file cannot be written: the disk is full, the folder is read-only or is none."""


class DataError(DsafeError):
    """Data is here but is not what was promised: wrong hash, broken schema, zero samples."""

    exit_code = ExitCode.MISTAKES


class EngineError(DsafeError):
    """An engine could not start, died, or broke its protocol."""


class JudgeError(DsafeError):
    """A judge could not run."""


class StoreError(DsafeError):
    """The response store cannot be used, or holds what is damaged."""


class EvidenceError(DsafeError):
    """A check has nothing it may be decided on: its measurement failed or never ran."""


class TrainingError(DsafeError):
    """A recipe cannot start or had to stop."""
