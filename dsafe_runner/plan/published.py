"""Counts of a published table, as a baseline: {"use": {"metric": {"slice": [k, n]}}}, and how they were made.

There are no items to look at, so all that can be held against a run is what the file says: the hash of the data, which
it must say, and how the model was asked, where the publication tells.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from dsafe_runner.errors import DataError, UnavailableError

PAPER = "paper/"
"""What the names of the built-in published baselines start with."""
PUBLISHED_VERSION = 2
"""Of a file of published counts. 1: nothing about the data."""
SAID = frozenset({"data", "asked", "sampling", "samples", "judge", "grader"})
"""What `made` may say of a benchmark; each as the manifest of a run says it."""


@dataclass(frozen=True, slots=True)
class Published:
    """Counts of a published table.

    counts  use -> metric -> slice -> (k, n), whole numbers of answers
    made    use -> what is known of how they were made, always with the hash of the `data`
    """

    name: str
    sha256: str
    source: str
    counts: dict[str, dict[str, dict[str, tuple[float, float]]]]
    made: dict[str, dict[str, Any]] = field(default_factory=dict)

    def samples(self, use: str) -> int:
        """Responses per item that the counts are over."""
        return int(self.made.get(use, {}).get("samples", 1))

    def mismatch(self, use: str, metric: str, slice_name: str, items: int) -> str | None:
        """Why counts are not over the items of a slice, None where they are, or where there are none to look at."""
        found = self.counts.get(use, {}).get(metric, {}).get(slice_name)
        expected = items * self.samples(use)
        # the study counted a question that is not in the file it published; its table is what it is
        if found is None or found[1] == expected or self.name.startswith(PAPER):
            return None
        return f"{self.name}: {use} {metric} {slice_name} counts {found[1]:g} answers, the benchmark has {expected}"


def paper_names() -> list[str]:
    """The built-in published baselines, `paper/<model>`."""
    return [PAPER + name for name in _paper()["models"]]


def load_published(name: str) -> Published:
    """A built-in published baseline, `paper/<model>`.

    Raises:
        UnavailableError: there is none of that name.
    """
    paper = _paper()
    counts = paper["models"].get(name.removeprefix(PAPER))
    if counts is None:
        raise UnavailableError(f"no published baseline {name}; there are {', '.join(paper_names())}")
    data = {**paper, "counts": counts, "version": PUBLISHED_VERSION}
    return published_from(name, data, json.dumps(counts).encode())


def _paper() -> dict[str, Any]:
    text = (resources.files("dsafe_runner.plan") / "paper.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def published_from(name: str, data: dict[str, Any], content: bytes) -> Published:
    """A file of published counts.

    Raises:
        DataError: something in it is wrong.
        KeyError, TypeError, AttributeError: it is none.
    """
    try:
        return _read(name, data, content)
    except ValueError as error:
        raise DataError(f"{name}: {error}") from None


def _read(name: str, data: dict[str, Any], content: bytes) -> Published:
    if data["version"] != PUBLISHED_VERSION:
        todo = 'say "version": 2 and the data: "made": {USE: {"data": {"items_sha256": "..."}}}'
        raise ValueError(f"counts of version {data['version']!r}, and this dsafe reads {PUBLISHED_VERSION}; {todo}")
    counts: dict[str, dict[str, dict[str, tuple[float, float]]]] = {}
    for use, metrics in data["counts"].items():
        for metric, slices in metrics.items():
            for slice_name, (k, n) in slices.items():
                if not (_whole(k) and _whole(n)):
                    raise ValueError(f"{use} {metric} {slice_name}: {k} of {n} are no counts but a rate; count answers")
                if not 0 <= k <= n or not n:
                    raise ValueError(f"{use} {metric} {slice_name}: {k} of {n}")
                counts.setdefault(use, {}).setdefault(metric, {})[slice_name] = (float(k), float(n))
    made = data.get("made", {})
    for use in counts:
        _check_made(use, made.get(use, {}))
    return Published(name, hashlib.sha256(content).hexdigest(), str(data["source"]), counts, made)


def _check_made(use: str, made: dict[str, Any]) -> None:
    """Raises ValueError, TypeError or AttributeError."""
    if unknown := made.keys() - SAID:
        raise ValueError(f"made: {use}: unknown {min(unknown)}; there are {', '.join(sorted(SAID))}")
    data = made.get("data") or {}
    if not any(isinstance(data.get(key), str) and data[key] for key in ("items_sha256", "sha256")):
        where = f"benchmarks.NAME.data.items_sha256 of a run's manifest.json on {use}"
        raise ValueError(f"made: {use}: nothing says which data was counted; add data.items_sha256 ({where})")
    samples = made.get("samples", 1)
    if type(samples) is not int or samples < 1:
        raise ValueError(f"made: {use}: samples {samples!r}")


def _whole(value: object) -> bool:
    # True is an int, and 1e400 is a float that JSON reads as infinite
    return type(value) is int or (isinstance(value, float) and value.is_integer())
