"""LiveCodeBench's problems by id, date, platform and difficulty: what a release or a window of dates holds.

Facts only, no text of a problem. They let a suite be planned without the data, and data be held against them. From the
leaderboard's own results (LiveCodeBench/submissions 4d04b02: release v5; LiveCodeBench/livecodebench.github.io 83b6481:
v6, where days are one later than in the data) and the 400 rows of v1; releases v2 to v4 are not told apart there.
"""

from __future__ import annotations

import csv
import datetime
import functools
import io
from dataclasses import dataclass
from importlib import resources
from typing import Any

from dsafe_runner.benchmarks.base import Offer
from dsafe_runner.errors import DataError
from dsafe_runner.records import OVERALL
from dsafe_runner.vocabulary import metrics_of

RELEASES: dict[str, int] = {"v1": 400, "v5": 880, "v6": 1055}
"""Release -> its problems; each holds all of the one before."""
PUBLIC = "v1-public"
"""The 400 problems of v1 with their public sample tests only."""
DIFFICULTIES: tuple[str, ...] = ("easy", "medium", "hard")
PLATFORMS: dict[str, str] = {"atcoder": "AtCoder", "leetcode": "LeetCode", "codeforces": "Codeforces"}
WITHOUT_ERRATA = "without-errata"
"""Slice without the 17 problems of upstream's ERRATA.md: several right outputs, interactive, or wrong tests."""

LICENCE = "problems belong to LeetCode, AtCoder and Codeforces; for local evaluation, not redistributed"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a problem without its text. `release`: the first that has it; `errata`: listed in ERRATA.md."""

    id: str
    date: datetime.date
    platform: str
    difficulty: str
    release: str
    errata: bool

    @property
    def slices(self) -> tuple[str, ...]:
        """Every slice it counts in."""
        return (OVERALL, self.difficulty, self.platform, *(() if self.errata else (WITHOUT_ERRATA,)))

    def differs(self, row: dict[str, Any]) -> bool:
        """Whether a row of the data says something else of this problem."""
        said = (str(row.get("contest_date", ""))[:10], row.get("platform"), row.get("difficulty"))
        return said != (self.date.isoformat(), self.platform, self.difficulty)


@dataclass(frozen=True, slots=True)
class Window:
    """Contest dates, both ends included; None is open."""

    since: datetime.date | None = None
    until: datetime.date | None = None

    def __contains__(self, date: datetime.date) -> bool:
        return (self.since is None or self.since <= date) and (self.until is None or date <= self.until)

    def __str__(self) -> str:
        return f"{self.since or 'the first'} to {self.until or 'the last'}"


def entries(version: str, window: Window | None = None) -> dict[str, Entry]:
    """The problems of a release within a window, by id, in order of their dates.

    Raises:
        DataError: the window holds none of them.
    """
    release = "v1" if version == PUBLIC else version
    upto = list(RELEASES)[: list(RELEASES).index(release) + 1]
    window = window or Window()
    found = {entry.id: entry for entry in _all() if entry.release in upto and entry.date in window}
    if not found:
        raise DataError(f"livecodebench/{version} has no problem from {window}; choose other dates")
    return found


def offer(version: str, window: Window | None = None) -> Offer:
    """What a version offers within a window; the data need not be there. Raises what `entries` raises."""
    counts = dict.fromkeys((OVERALL, *DIFFICULTIES, *PLATFORMS, WITHOUT_ERRATA), 0)
    for entry in entries(version, window).values():
        for name in entry.slices:
            counts[name] += 1
    slices = {name: n for name, n in counts.items() if n}
    labels = PLATFORMS | {WITHOUT_ERRATA: "without errata"}
    return Offer(
        name=f"livecodebench/{version}",
        slices=slices,
        metrics=metrics_of("code"),
        judged=False,
        extra=tuple(name for name in slices if name in labels),
        max_tokens=(4096, 32768),
        labels={name: labels[name] for name in slices if name in labels},
        licence=LICENCE,
    )


@functools.cache
def _all() -> tuple[Entry, ...]:
    path = resources.files("dsafe_runner.benchmarks").joinpath("data", "livecodebench_problems.tsv")
    return tuple(
        Entry(
            row["id"],
            datetime.date.fromisoformat(row["date"]),
            row["platform"],
            row["difficulty"],
            row["release"],
            row["errata"] == "yes",
        )
        for row in csv.DictReader(io.StringIO(path.read_text("utf-8")), delimiter="\t")
    )
