"""Options that several verbs take, and how they read their values."""

from __future__ import annotations

import argparse
import datetime
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
