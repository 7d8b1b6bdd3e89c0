"""`dsafe doctor`: devices, versions, and what each backend would do here."""

from __future__ import annotations

import argparse

from dsafe_runner.engines.doctor import report_lines
from dsafe_runner.errors import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`dsafe doctor` takes none; its help says that it only looks."""
    parser.epilog = "Nothing is downloaded, started for good, or written."


def run(arguments: argparse.Namespace) -> int:
    """0 always: what is missing is what it reports."""
    print("\n".join(report_lines()))
    return ExitCode.FINE
