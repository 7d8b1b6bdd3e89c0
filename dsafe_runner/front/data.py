"""`dsafe data`: which benchmarks there are, which of them can run here, and fetching what is missing."""

from __future__ import annotations

from dsafe_runner.benchmarks import data
from dsafe_runner.benchmarks.registry import NAMES, offer, open_benchmark
from dsafe_runner.errors import DataError, UnavailableError


def list_data() -> int:
    """A line per benchmark. 0 always: absence is no error here."""
    for name in NAMES:
        if name == "custom":
            print(f"{name:32} a .jsonl or .csv of yours (`path:` in the suite)")
            continue
        promised = offer(name)
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
    """Download the named sets, verified by their pinned SHA-256. 4 when no name was given."""
    if not names:
        raise UnavailableError(f"name what to fetch: {', '.join(data.DATASETS)}")
    for name in names:
        for source in data.SOURCES:
            if source.dataset == name:
                print(f"{name}: licence: {source.licence}")
                break
        for done in data.fetch(name):
            print(f"{name}: {done.action}: {done.path}")
    return 0
