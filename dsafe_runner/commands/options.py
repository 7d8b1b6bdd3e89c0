"""Options that several verbs take, and how they read their values."""

from __future__ import annotations

import argparse
import datetime
import math
from pathlib import Path


def add_store(parser: argparse.ArgumentParser) -> None:
    """`--store`: where responses are kept."""
    parser.add_argument(
        "--store", type=Path, default=Path(".dsafe/store.sqlite"), metavar="FILE", help="default: %(default)s"
    )


def add_reports(parser: argparse.ArgumentParser) -> None:
    """`--reports`: where the folder of a run is made, or looked for."""
    parser.add_argument("--reports", type=Path, default=Path("reports"), metavar="DIR", help="default: %(default)s")


def day(text: str) -> datetime.date:
    """A day as ISO 8601 writes it. ArgumentTypeError: it is none."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it like 2027-06-30") from None


def count(text: str) -> int:
    """A whole number from 1 on. ArgumentTypeError: it is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def amount(text: str) -> float:
    """A number above 0. ArgumentTypeError: it is none."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not (math.isfinite(found) and found > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return found
