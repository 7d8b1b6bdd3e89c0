"""Rows that ask the same: equal prompts exactly, similar ones by MinHash (rensa)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dsafe_runner.contamination import tokens
from dsafe_runner.errors import UnavailableError
from dsafe_runner.training.signature import signature
from dsafe_runner.training.sources import TrainingRow

PERMUTATIONS = 128
BANDS = 32
"""Of 4 values each: a pair at Jaccard 0.85 becomes a candidate with probability 1 - 1e-10, at 0.5 with 0.87."""
NGRAM = 5
SEED = 42


@dataclass(frozen=True, slots=True)
class Deduplicated:
    """Positions kept, in order; for each dropped one the position it repeats, and whether exactly."""

    kept: list[int]
    exact: dict[int, int]
    near: dict[int, int]


def deduplicate(rows: Sequence[TrainingRow], near: float | None) -> Deduplicated:
    """The first of every group of rows that ask the same.

    near  estimated Jaccard similarity of the prompts' 5-grams from which on they are the same; None: only equal ones.
          Spacing, the signs of prose, case and width never make a difference; other numbers, variables or mathematical
          signs always do.

    UnavailableError: similar rows are looked for and rensa is not installed.
    """
    kept: list[int] = []
    exact: dict[int, int] = {}
    first: dict[str, int] = {}
    asked = ["\n".join(m.content for m in row.messages if m.role != "system") for row in rows]
    words = [tokens(text) for text in asked]
    maths = [signature(text, row.kind == "reasoning") for text, row in zip(asked, rows, strict=True)]
    for number, found in enumerate(words):
        key = " ".join([*found, "\0", *maths[number]]) if found else f"\0{number}"  # of signs only: like no other
        if first.setdefault(key, number) != number:
            exact[number] = first[key]
        else:
            kept.append(number)
    if near is None:
        return Deduplicated(kept, exact, {})
    repeats = _similar({n: words[n] for n in kept}, maths, near)
    return Deduplicated([n for n in kept if n not in repeats], exact, repeats)


def _similar(words: dict[int, list[str]], maths: Sequence[tuple[str, ...]], threshold: float) -> dict[int, int]:
    """Positions that are similar to an earlier, kept one of the same numbers and signs, and which."""
    try:
        from rensa import RMinHash, RMinHashLSH
    except ImportError as error:
        raise UnavailableError(
            "near-duplicates need rensa; pip install 'dsafe-runner[train]', or say near_duplicates: null"
        ) from error
    table = RMinHashLSH(threshold=threshold, num_perm=PERMUTATIONS, num_bands=BANDS)
    made: dict[int, object] = {}
    repeats: dict[int, int] = {}
    for number, found in words.items():
        size = min(NGRAM, len(found))
        grams = [" ".join(found[i : i + size]) for i in range(len(found) - size + 1)] or [str(number)]
        sketch = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
        sketch.update(grams)
        same = [n for n in sorted(table.query(sketch)) if maths[n] == maths[number]]
        close = [n for n in same if sketch.jaccard(made[n]) >= threshold]
        if close:
            repeats[number] = close[0]
        else:
            made[number] = sketch
            table.insert(number, sketch)
    return repeats
