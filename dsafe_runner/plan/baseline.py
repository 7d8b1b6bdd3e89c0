"""Baselines: what a candidate is compared with when it is no model of the suite. Read here, made by `dsafe baseline`.

A stored baseline holds the outcome of every response of one model, and what they were made with: JSON with a line per
item, to be reviewed in a pull request. A published one holds counts of a table: {"use": {"metric": {"slice": [k, n]}}}.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from dsafe_runner.errors import DataError, UnavailableError

VERSION = 1
PAPER = "paper/"
"""What the names of the built-in published baselines start with."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A stored baseline.

    benchmarks  the suite's name of a benchmark -> `use`, `data`, `judge`, `sampling`, `samples`, `outcomes` (item ->
                one letter per response, see measure.baseline), and `noise` (metric -> [flipped, items]) where measured
    """

    name: str
    sha256: str
    model: str
    benchmarks: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Published:
    """Counts of a published table: `counts[use][metric][slice]` is (k, n)."""

    name: str
    sha256: str
    source: str
    counts: dict[str, dict[str, dict[str, tuple[float, float]]]]


def load_baseline(path: Path) -> Baseline | Published:
    """A baseline file.

    Raises:
        UnavailableError: there is none; the message has the command that makes one.
        DataError: it is no baseline, or of a newer version.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        make = f"dsafe baseline save {path} --run reports/RUN --model NAME"
        raise UnavailableError(f"there is no baseline {path}; make it from a measured run: {make}") from None
    except OSError as error:
        raise UnavailableError(f"{path} cannot be read ({error.strerror or error})") from None
    return _parsed(str(path), content)


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
    return _published(name, {"source": paper["source"], "counts": counts}, json.dumps(counts).encode())


def _paper() -> dict[str, Any]:
    text = (resources.files("dsafe_runner.plan") / "paper.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _parsed(where: str, content: bytes) -> Baseline | Published:
    try:
        data = json.loads(content, object_pairs_hook=_no_repeats, parse_constant=_no_number)
        version, kind = data["version"], data["kind"]
        if version != VERSION:
            raise ValueError(f"version {version!r}, and this dsafe reads version {VERSION}")
        if kind == "published":
            return _published(where, data, content)
        if kind != "baseline":
            raise ValueError(f"kind {kind!r}")
        if not isinstance(data["identity"], dict) or not isinstance(data.get("made", {}), dict):
            raise ValueError("identity or made of the wrong type")
        for name, benchmark in data["benchmarks"].items():
            _check_part(name, benchmark)
        return Baseline(where, hashlib.sha256(content).hexdigest(), str(data["model"]), data["benchmarks"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{where}: is no baseline ({type(error).__name__}: {error}); save it again") from None


def _check_part(name: str, part: dict[str, Any]) -> None:
    """Make sure that a benchmark's part can be read without looking again. Raises ValueError, KeyError, TypeError."""
    outcomes, samples, noise = part["outcomes"], part["samples"], part.get("noise")
    if not isinstance(outcomes, dict) or type(samples) is not int:
        raise ValueError(f"{name}: outcomes or samples of the wrong type")
    if not all(isinstance(codes, str) for codes in outcomes.values()):
        raise ValueError(f"{name}: outcomes are letters, one per response")
    if noise is None:
        return
    for metric, (flipped, n) in noise.items():
        if type(flipped) is not int or type(n) is not int or not 0 <= flipped <= n or not n:
            raise ValueError(f"{name}: noise of {metric} is not [flipped, items]")


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An item that stands twice, as after a merge, would be read as the last of the two."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)} stands twice")
    return fields


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON value")


def _published(name: str, data: dict[str, Any], content: bytes) -> Published:
    counts: dict[str, dict[str, dict[str, tuple[float, float]]]] = {}
    for use, metrics in data["counts"].items():
        for metric, slices in metrics.items():
            for slice_name, (k, n) in slices.items():
                if not 0 <= k <= n or not n:
                    raise ValueError(f"{use} {metric} {slice_name}: {k} of {n}")
                counts.setdefault(use, {}).setdefault(metric, {})[slice_name] = (float(k), float(n))
    return Published(name, hashlib.sha256(content).hexdigest(), str(data["source"]), counts)
