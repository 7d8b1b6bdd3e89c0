"""Sources to one list of rows: without duplicates, in the shares a recipe asks for, and with a manifest of what it is.

Which rows are taken and held out depends on the seed and on each row's own text alone, so a source that grows keeps the
rows it already gave in the same order of preference.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsafe_runner.errors import TrainingError
from dsafe_runner.records import canonical_json, message_list
from dsafe_runner.training.dedup import deduplicate
from dsafe_runner.training.recipe_data import ROW_KINDS, Mixture, Source
from dsafe_runner.training.sources import TrainingRow, read_source

REASONING_AT_LEAST = 0.5
BENIGN = (0.05, 0.10)


@dataclass(frozen=True, slots=True)
class Mixed:
    """What a mixture gave.

    train     rows as they are trained on, repeats included
    held_out  rows whose loss is only looked at
    manifest  JSON types: sources with hashes and counts, shares, counts per area and category, digest of the rows
    warnings  one line each: what lies outside the ranges the literature supports
    """

    train: list[TrainingRow]
    held_out: list[TrainingRow]
    manifest: dict[str, Any]
    warnings: list[str]


def mix(data: Mixture, recipe_path: Path, seed: int) -> Mixed:
    """Read, deduplicate, draw, hold out.

    Raises:
        DataError, UnavailableError: as `read_source`.
        TrainingError: a source has fewer rows than are asked of it.
    """
    read = [read_source(source, recipe_path) for source in data.sources]
    rows = [row for one in read for row in one.rows]
    origin = [number for number, one in enumerate(read) for _ in one.rows]
    unique = deduplicate(rows, data.near_duplicates)
    usable: list[list[TrainingRow]] = [[] for _ in read]
    for position in unique.kept:
        usable[origin[position]].append(rows[position])
    taken = [
        _draw(source, found, wanted, seed)
        for source, found, wanted in zip(data.sources, usable, _wanted(data, usable), strict=True)
    ]
    held = {id(row) for row in _hold_out([row for one in taken for row in one], data.holdout, seed)}
    train = [
        row
        for source, one in zip(data.sources, taken, strict=True)
        for row in one
        if id(row) not in held
        for _ in range(source.repeat)
    ]
    held_out = [row for one in taken for row in one if id(row) in held]
    dropped = [Counter(origin[n] for n in repeats) for repeats in (unique.exact, unique.near)]
    sources = [
        {
            "name": source.name,
            "kind": source.kind,
            "revision": source.revision,
            "sha256": one.sha256,
            "rows": len(one.rows),
            "equal": dropped[0][number],
            "similar": dropped[1][number],
            "taken": len(taken[number]),
            "repeat": source.repeat,
        }
        for number, (source, one) in enumerate(zip(data.sources, read, strict=True))
    ]
    manifest = {
        "seed": seed,
        "sources": sources,
        "near_duplicates": data.near_duplicates,
        **count(train),
        "held_out": len(held_out),
        "sha256": digest_of(train),
    }
    return Mixed(train, held_out, manifest, doubts(train))


def count(rows: Sequence[TrainingRow]) -> dict[str, Any]:
    """Rows per kind with shares, and per area and category."""
    kinds = Counter(row.kind for row in rows)
    areas: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        areas[row.area or "-"][row.category or "-"] += 1
    return {
        "rows": len(rows),
        "kinds": {kind: {"rows": kinds[kind], "share": round(kinds[kind] / len(rows), 4)} for kind in ROW_KINDS},
        "areas": {area: dict(sorted(found.items())) for area, found in sorted(areas.items())},
    }


def digest_of(rows: Sequence[TrainingRow]) -> str:
    """SHA-256 of the rows as trained on, in their order."""
    made = hashlib.sha256()
    for row in rows:
        made.update(_spelt(row) + b"\n")
    return made.hexdigest()


def doubts(rows: Sequence[TrainingRow]) -> list[str]:
    """What lies outside the ranges the literature supports. Warnings, never errors: a range is no law."""
    kinds = Counter(row.kind for row in rows)
    shares = {kind: kinds[kind] / len(rows) for kind in ROW_KINDS}
    found = []
    if shares["reasoning"] < REASONING_AT_LEAST:
        found.append(
            f"{shares['reasoning']:.0%} of the rows are reasoning; under {REASONING_AT_LEAST:.0%} models lost it "
            "(LLaMA-Factory#7027, open-r1#388; STAR-1 and RealSafe keep to the model's own distribution)"
        )
    low, high = BENIGN
    if not low <= shares["benign"] <= high:
        found.append(
            f"{shares['benign']:.0%} of the rows are benign look-alikes; {low:.0%} to {high:.0%} kept STAR-1 from "
            "refusing harmless questions"
        )
    bare = sum(row.kind == "safety" and not row.thinking for row in rows)
    if bare:
        found.append(
            f"{bare} of {kinds['safety']} safety rows have no thinking; bare refusals cost more reasoning than "
            "reasoned ones (Safety Tax, arXiv 2503.00555)"
        )
    return found


def _wanted(data: Mixture, usable: Sequence[Sequence[TrainingRow]]) -> list[int]:
    """Rows to take of each source, repeats not counted."""
    if data.rows is None:
        return [len(found) if s.rows is None else s.rows for s, found in zip(data.sources, usable, strict=True)]
    weights = [s.weight or 0.0 for s in data.sources]
    exact = [data.rows * w / sum(weights) for w in weights]
    counts = [int(x) for x in exact]
    # largest remainders, so that the counts add up
    order = sorted(range(len(exact)), key=lambda n: (counts[n] - exact[n], n))
    for number in order[: data.rows - sum(counts)]:
        counts[number] += 1
    return [-(-c // s.repeat) for c, s in zip(counts, data.sources, strict=True)]


def _draw(source: Source, found: Sequence[TrainingRow], wanted: int, seed: int) -> list[TrainingRow]:
    if wanted > len(found):
        raise TrainingError(
            f"{source.name}: {wanted} rows are asked for, {len(found)} are left after duplicates; ask for fewer, or "
            "say `repeat`"
        )
    chosen = set(_preferred(range(len(found)), found, wanted, f"{seed}/draw"))
    return [row for number, row in enumerate(found) if number in chosen]


def _hold_out(rows: Sequence[TrainingRow], share: float, seed: int) -> list[TrainingRow]:
    """The given share of each kind; at least one row of each where anything is held out, never all of them."""
    held: list[TrainingRow] = []
    for kind in ROW_KINDS if share else ():
        those = [n for n, row in enumerate(rows) if row.kind == kind]
        if len(those) > 1:
            held += [rows[n] for n in _preferred(those, rows, max(1, round(share * len(those))), f"{seed}/holdout")]
    return held


def _preferred(numbers: Sequence[int], rows: Sequence[TrainingRow], wanted: int, salt: str) -> list[int]:
    """The first `wanted` in an order that only the salt and each row's text decide."""

    def rank(number: int) -> bytes:
        return hashlib.sha256(salt.encode() + b"\0" + _spelt(rows[number])).digest()

    return sorted(numbers, key=rank)[:wanted]


def _spelt(row: TrainingRow) -> bytes:
    return canonical_json([row.kind, message_list(row.messages), row.thinking, row.answer]).encode()
