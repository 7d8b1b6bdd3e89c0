"""Baselines: what a candidate is compared with when it is no model of the suite. Read here, made by `dsafe baseline`.

A stored baseline holds the outcome of every response of one model, and what they were made with: JSON with a line per
item, to be reviewed in a pull request. It carries the digest of its own content, so that a number which was not
measured is refused; a digest is no signature, and whoever signs releases signs this file too. Counts of a published
table are read in `published`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dsafe_runner.errors import DataError, UnavailableError
from dsafe_runner.plan.published import Published, published_from
from dsafe_runner.records import digest

VERSION = 2
"""Of a stored baseline. 1: no digest, and nothing that tells one set of responses from another."""
DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Baseline:
    """A stored baseline.

    benchmarks  the suite's name of a benchmark -> `use`, `data`, `grader`, `judge`, `asked`, `sampling`, `samples`,
                `origin` (see measure.origin), `outcomes` (item -> one letter per response, see measure.baseline), and
                `noise` (metric -> [flipped, items]) where measured
    identity    of the model and its engine, as the run's manifest has it
    revision    what the suite called this version of the model
    """

    name: str
    sha256: str
    model: str
    benchmarks: dict[str, dict[str, Any]]
    identity: dict[str, Any] = field(default_factory=dict)
    revision: str | None = None


def seal(content: Mapping[str, Any]) -> str:
    """The digest a stored baseline carries: over all of it but the digest itself, however the JSON is laid out."""
    return digest({key: value for key, value in content.items() if key != DIGEST}, 64)


def load_baseline(path: Path) -> Baseline | Published:
    """A baseline file.

    Raises:
        UnavailableError: there is none; the message has the command that makes one.
        DataError: it is no baseline, of another version, or was changed after it was made.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        make = f"dsafe baseline save {path} --run reports/RUN --model NAME"
        raise UnavailableError(f"there is no baseline {path}; make it from a measured run: {make}") from None
    except OSError as error:
        raise UnavailableError(f"{path} cannot be read ({error.strerror or error})") from None
    return _parsed(str(path), content)


def replaceable(path: Path) -> Baseline | None:
    """What `dsafe baseline update` is about to replace, of whatever version and however it was changed.

    Nothing is ever compared with it: it gives the model's name and what to call the differences from. None where it
    cannot be read as any baseline at all.

    Raises:
        UnavailableError: there is none.
        DataError: it holds published counts, which no run replaces.
    """
    try:
        found = load_baseline(path)
    except DataError:
        try:
            data = json.loads(path.read_bytes())
            for name, part in data["benchmarks"].items():
                _check_part(name, part)
            return Baseline(str(path), "", str(data["model"]), data["benchmarks"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError):
            return None
    if not isinstance(found, Baseline):
        raise DataError(f"{path} holds published counts, no outcomes; a run makes a baseline under another name")
    return found


def _parsed(where: str, content: bytes) -> Baseline | Published:
    try:
        data = json.loads(content, object_pairs_hook=_no_repeats, parse_constant=_no_number)
        version, kind = data["version"], data["kind"]
        if kind == "published":
            return published_from(where, data, content)
        if kind != "baseline":
            raise ValueError(f"kind {kind!r}")
        if type(version) is not int or version != VERSION:
            raise DataError(_other_version(where, version))
        if data.get(DIGEST) != seal(data):
            raise DataError(
                f"{where}: was changed after it was made: its digest is {str(data.get(DIGEST))[:12]}, that of what it "
                f"holds {seal(data)[:12]}; restore it, or replace it by a run: "
                f"dsafe baseline update {where} --run reports/RUN"
            )
        if not isinstance(data["identity"], dict) or not isinstance(data["made"], dict):
            raise ValueError("identity or made of the wrong type")
        for name, benchmark in data["benchmarks"].items():
            _check_part(name, benchmark)
            if not isinstance(benchmark["origin"], dict):
                raise ValueError(f"{name}: origin of the wrong type")
        return Baseline(
            where,
            hashlib.sha256(content).hexdigest(),
            str(data["model"]),
            data["benchmarks"],
            data["identity"],
            data.get("revision"),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{where}: is no baseline ({type(error).__name__}: {error}); save it again") from None


def _other_version(where: str, version: object) -> str:
    said = f"{where}: is a baseline of version {version!r}, and this dsafe reads version {VERSION}"
    if type(version) is int and version > VERSION:
        return f"{said}; upgrade dsafe"
    return f"{said}; measure its model again and replace it: dsafe baseline update {where} --run reports/RUN"


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
