"""What a replay has to say beside its answers: counts, and places of rows, never a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dsafe_runner.engines.replay.match import Matched
from dsafe_runner.engines.replay.read import Recording
from dsafe_runner.engines.replay.rows import Recorded
from dsafe_runner.records import Request

_EXAMPLES = 5


@dataclass
class Tally:
    """What became of the requests of one `generate`.

    missing  reason -> places (of rows, or items where there is no row)
    doubted  why a response counts as cut -> places of rows
    files    numbers of the files that responses came from
    """

    missing: dict[str, list[str]] = field(default_factory=dict)
    doubted: dict[str, list[str]] = field(default_factory=dict)
    files: set[int] = field(default_factory=set)

    def lose(self, reason: str, place: str) -> None:
        """A request got no response."""
        self.missing.setdefault(reason, []).append(place)

    def use(self, row: Recorded, place: str) -> None:
        """A request got this row's response."""
        self.files.add(row.file)
        if row.doubt:
            self.doubted.setdefault(row.doubt, []).append(place)


def notes(recording: Recording, matched: Matched, requests: Sequence[Request], tally: Tally) -> list[str]:
    """A line per thing a person should know about the answers to some requests."""
    rows, asked = len(recording.rows), len(requests)
    lines = []
    if recording.left_out:
        lines.append(f"files of earlier runs of the same task are left out ({_some(recording.left_out)})")
    for what, found in (
        ("answer nothing that was asked", matched.strangers),
        ("have a k that was not asked for", matched.further),
        ("fit several items and are nobody's", matched.unclear),
    ):
        if found:
            lines.append(f"{len(found)} of {rows} rows {what} ({_some(map(recording.place, found))})")
    for reason, places in tally.missing.items():
        lines.append(f"{len(places)} of {asked} responses are missing: {reason} ({_some(places)})")
    for reason, places in tally.doubted.items():
        lines.append(f"{len(places)} of {asked} responses count as cut: {reason} ({_some(places)})")
    return lines + _other_sampling(recording, requests, tally)


def unread(names: Sequence[str]) -> list[str]:
    """What to say of files that lie beside those that are read."""
    return [f"{len(names)} files beside the responses are not read ({_some(names)})"] if names else []


def twice(recording: Recording) -> list[str]:
    """What to say of files that are copies of, or links to, one another."""
    same: dict[str, list[str]] = {}
    for file in recording.files:
        same.setdefault(file.sha256, []).append(file.log.name)
    return [f"{_some(names)} hold the same bytes; one of them is enough" for names in same.values() if len(names) > 1]


def _other_sampling(recording: Recording, requests: Sequence[Request], tally: Tally) -> list[str]:
    runs = [recording.files[number].run for number in sorted(tally.files)]
    limits = {limit for run in runs for limit in run.limits}
    warmth = {temperature for run in runs for temperature in run.temperatures}
    lines = []
    if limits and limits != (said := {r.sampling.max_tokens for r in requests}):
        lines.append(f"generated with max_gen_toks {_numbers(limits)}; the suite says max_tokens {_numbers(said)}")
    if warmth and warmth != (meant := {r.sampling.temperature for r in requests}):
        lines.append(f"generated at temperature {_numbers(warmth)}; the suite says {_numbers(meant)}")
    return lines


def _some(places: Iterable[str]) -> str:
    """Some places, a file's name once for the lines that follow each other."""
    found = list(places)
    shown, last = [], ""
    for place in found[:_EXAMPLES]:
        name, _, line = place.rpartition(":")
        shown.append(line if name and name == last else place)
        last = name
    return ", ".join(shown) + (", ..." if len(found) > _EXAMPLES else "")


def _numbers(values: Iterable[float]) -> str:
    return ", ".join(f"{value:g}" if value < 1e6 else str(value) for value in sorted(values))
