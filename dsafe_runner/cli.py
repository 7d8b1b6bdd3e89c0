"""`dsafe`: finds the verb, runs it, makes a line and an exit code of what goes wrong. The gate itself is `pytest`."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from dsafe_runner import __version__
from dsafe_runner.errors import ConfigError, DsafeError, ExitCode, WriteError

VERBS = {
    "init": "write a suite for a model of yours, or one of the package's own",
    "check": "validate suites without running them",
    "measure": "run a suite's measurements without deciding anything",
    "judge": "hold a judge of a suite against labelled replies",
    "baseline": "make, replace, print and compare stored baselines",
    "waive": "take responsibility for checks that fail, as bad as the last run says",
    "sheet": "write the answers that people have to read (judges of kind sheet)",
    "data": "list benchmarks, fetch their data, look at a question bank of yours",
    "train": "train a checkpoint from a recipe",
    "overlap": "list training samples that stand in a suite's benchmarks",
    "doctor": "print devices, versions, and what each backend would do here",
}
"""Each is a module of `dsafe_runner.commands` with `add_arguments` and `run`."""


class _Parser(argparse.ArgumentParser):
    """argparse itself ends with 2, which here means that a file is wrong or that the user interrupted."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ExitCode.ENVIRONMENT, f"{self.prog}: error: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns an ExitCode. SystemExit: argparse has said what is wrong (4), or what was asked for (0)."""
    for stream in (sys.stdout, sys.stderr):
        # a name that the terminal's encoding lacks is printed as its code, not as a traceback
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            return _run(sys.argv[1:] if argv is None else argv)
        finally:
            _flush()
    except SystemExit:
        raise
    except BaseException as error:  # the last place where an error can become a line
        return _told(error)


def _run(words: Sequence[str]) -> int:
    """The only verb whose module is imported is the one that was asked for."""
    parser = _Parser(prog="dsafe", description="Safety regression gates for language models.")
    parser.add_argument("--version", action="version", version=f"dsafe {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    asked = next((word for word in words if not word.startswith("-")), None)
    for name, about in VERBS.items():
        verb = commands.add_parser(name, help=about)
        if name == asked:
            module = importlib.import_module(f"dsafe_runner.commands.{name}")
            module.add_arguments(verb)
            verb.set_defaults(run=module.run)
    arguments = parser.parse_args(words)
    return int(arguments.run(arguments))


def _flush() -> None:
    """What is buffered is written while an error of it can still be told."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _discard_output()
        raise WriteError(f"standard output cannot be written ({error.strerror})") from error


def _discard_output() -> None:
    """What is still buffered must not be tried again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _told(error: BaseException) -> ExitCode:
    """The line that an error is told in, on standard error, and the code it ends with."""
    if isinstance(error, BrokenPipeError):
        # `dsafe check --list | head`: nobody reads on, so there is nothing to tell
        _discard_output()
        return ExitCode.ENVIRONMENT
    if isinstance(error, ConfigError):
        print(error, file=sys.stderr)
        return error.exit_code
    if isinstance(error, DsafeError):
        print(f"dsafe: {error}", file=sys.stderr)
        return error.exit_code
    if isinstance(error, KeyboardInterrupt):
        print("dsafe: interrupted; what was measured is stored", file=sys.stderr)
        return ExitCode.MISTAKES
    if isinstance(error, OSError):
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        print(f"dsafe: {where}{error.strerror or error}", file=sys.stderr)
        return ExitCode.ENVIRONMENT
    if isinstance(error, MemoryError):
        print("dsafe: the memory of this machine does not suffice", file=sys.stderr)
        return ExitCode.ENVIRONMENT
    traceback.print_exception(error)
    print(
        "dsafe: this is a bug of dsafe; please report it with the lines above and what `dsafe doctor` prints",
        file=sys.stderr,
    )
    return ExitCode.INTERNAL


if __name__ == "__main__":
    sys.exit(main())
