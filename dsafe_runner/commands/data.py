"""`dsafe data`: which benchmarks there are, which of them can run here, fetching what is missing, examining a bank."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from dsafe_runner.benchmarks import data
from dsafe_runner.benchmarks.registry import NAMES, TAKES, offer, open_benchmark
from dsafe_runner.benchmarks.tc260.bank import age, read_bank
from dsafe_runner.errors import DataError, ExitCode, UnavailableError, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What stands after `dsafe data`."""
    parser.add_argument("action", nargs="?", choices=["list", "fetch", "bank"], default="list")
    parser.add_argument("names", nargs="*", metavar="NAME", help="fetch: data sets; bank: .jsonl or .csv files")


def run(arguments: argparse.Namespace) -> int:
    """0 done; of `bank`: 0 all points are met, 1 some are open."""
    if arguments.action == "list":
        return list_data()
    if arguments.action == "bank":
        return examine_banks(arguments.names)
    return fetch_data(arguments.names)


def list_data() -> int:
    """A line per benchmark. 0 always: absence is no error here."""
    for name in NAMES:
        if name == "custom":
            print(f"{name:32} a .jsonl or .csv of yours (`path:` in the suite)")
            continue
        promised = offer(name)
        if name in TAKES["path"]:
            least = promised.slices["overall"]
            print(f"{name:32} {least:5} drawn from a question bank of yours (`path:` in the suite; docs/tc260.md)")
            continue
        try:
            open_benchmark(name).samples()
            state = "ready"
        except UnavailableError as error:
            state = str(error)
        except DataError as error:
            state = f"BROKEN: {error}"
        metrics = ", ".join(promised.metrics)
        print(f"{name:32} {promised.slices['overall']:5} items  {metrics:18} {state}")
    return 0


def fetch_data(names: list[str]) -> int:
    """Download the named sets, verified by their pinned SHA-256.

    Raises:
        UsageError: no name, or one that is not known.
        UnavailableError: a server that does not answer.
        DataError: what came, or what is there already, is not what was pinned.
    """
    known = ", ".join(data.DATASETS)
    if not names:
        raise UsageError(f"name what to fetch: {known}")
    for name in names:
        if name not in data.DATASETS:
            raise UsageError(f"there is no data set {name!r} to fetch; there is {known}")
    for name in names:
        for licence in dict.fromkeys(source.licence for source in data.SOURCES if source.dataset == name):
            print(f"{name}: licence: {licence}")
        for done in data.fetch(name):
            print(f"{name}: {done.action}: {done.path}")
    return 0


def examine_banks(files: list[str], today: datetime.date | None = None) -> int:
    """Hold question banks of the user's against what TC260-003 asks of one. 0 when all of it is there, 1 otherwise.

    Raises:
        UsageError: no file named.
        UnavailableError: one that is not there.
        DataError: mistakes in a file, one per line.
    """
    if not files:
        raise UsageError("name the banks to look at: .jsonl or .csv files; docs/tc260.md says what they hold")
    open_points = 0
    for file in files:
        bank = read_bank(Path(file))
        wanted = bank.standard
        print(f"{file}: {wanted.name} bank, {len(bank.items)} questions, sha256 {bank.sha256[:12]}")
        for finding in [*bank.findings, age(bank, today or datetime.date.today())]:
            open_points += not finding.met
            print(f"  {'ok  ' if finding.met else 'OPEN'}  {finding.point:11} {finding.said}")
        print(f"  evidence toward TC260-003 {wanted.clause} and GB/T 45654 Annex B; no statement about a service")
    return ExitCode.FINDINGS if open_points else ExitCode.FINE
