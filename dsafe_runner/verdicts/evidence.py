"""The scores a check is decided on: one Score for every (item, k) that should be there, missing ones included."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dsafe_runner.benchmarks.copies import draws
from dsafe_runner.errors import EvidenceError
from dsafe_runner.records import Gap, Outcome, Score

_LETTERS = re.compile(r"[A-J]{1,10}")


@dataclass
class Evidence:
    """All scores of one measurement.

    samples  responses per item
    slices   item id -> the slices it counts in
    scores   item id -> its Scores, k = 0 .. samples-1, in item order
    copies   items that ask the same as others -> the first of them; such items are one draw
    """

    measurement: str
    samples: int
    slices: dict[str, tuple[str, ...]]
    scores: dict[str, tuple[Score, ...]]
    copies: dict[str, str] = field(default_factory=dict)
    memo: dict[tuple[str, ...], Any] = field(default_factory=dict, repr=False, compare=False)
    """What has been counted on it; scores never change once they are here, and hundreds of checks read one slice."""
    _by_slice: dict[str, list[str]] = field(default_factory=dict)

    def items(self, slice_name: str) -> list[str]:
        """Ids of the items of a slice, or of several joined by `+`, in file order.

        Raises:
            EvidenceError: the slice has no items, so nothing can be decided on it.
        """
        if not self._by_slice:
            for item, names in self.slices.items():
                for name in names:
                    self._by_slice.setdefault(name, []).append(item)
        if slice_name not in self._by_slice and "+" in slice_name:
            parts = set(slice_name.split("+"))
            self._by_slice[slice_name] = [item for item, names in self.slices.items() if parts & {*names}]
        found = self._by_slice.get(slice_name)
        if not found:
            raise EvidenceError(f"{self.measurement} has no items in slice {slice_name}")
        return found

    def draws(self, slice_name: str) -> list[str] | None:
        """Per item of a slice what it is a copy of; None where none is a copy of another in it."""
        return draws(self.items(slice_name), self.copies) if self.copies else None


def fill(
    measurement: str,
    samples: int,
    slices: dict[str, tuple[str, ...]],
    scores: Iterable[Score],
    absent: Outcome = Outcome.MISSING,
    copies: dict[str, str] | None = None,
) -> Evidence:
    """Evidence with a score that says `absent` wherever none was given."""
    grid = {item: [Score(item, k, absent) for k in range(samples)] for item in slices}
    for score in scores:
        grid[score.sample_id][score.k] = score
    return Evidence(measurement, samples, slices, {item: tuple(row) for item, row in grid.items()}, copies or {})


def write_evidence(path: Path, evidence: Evidence) -> None:
    """One JSON line per item, no text of prompts or answers in it: of what was read, only option letters are kept."""
    with path.open("w", encoding="utf-8") as file:
        head = {"measurement": evidence.measurement, "samples": evidence.samples, "items": len(evidence.scores)}
        file.write(json.dumps(head) + "\n")
        for item, row in evidence.scores.items():
            scores = [
                [s.outcome.value, s.label, _letters(s.answer), s.response_key, s.thinking_label, s.confirmed, s.gap]
                for s in row
            ]
            line: dict[str, Any] = {"item": item, "slices": evidence.slices[item], "scores": scores}
            if item in evidence.copies:
                line["copy_of"] = evidence.copies[item]
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _letters(answer: str | None) -> str | None:
    """A short free answer is a model's text, which may be anything; the store has it under the response's key."""
    return answer if answer and _LETTERS.fullmatch(answer) else None


def read_evidence(path: Path) -> Evidence:
    """Inverse of `write_evidence`.

    Raises:
        EvidenceError: the file is absent or cut short.
    """
    try:
        with path.open(encoding="utf-8") as file:
            head = json.loads(next(file))
            slices: dict[str, tuple[str, ...]] = {}
            scores: dict[str, tuple[Score, ...]] = {}
            copies: dict[str, str] = {}
            for text in file:
                line = json.loads(text)
                item = line["item"]
                slices[item] = tuple(line["slices"])
                if "copy_of" in line:
                    copies[item] = line["copy_of"]
                scores[item] = tuple(
                    Score(item, k, Outcome(outcome), label, answer, key, thinking, confirmed, Gap(gap) if gap else None)
                    for k, (outcome, label, answer, key, thinking, confirmed, gap) in enumerate(line["scores"])
                )
            if len(scores) != head["items"]:
                raise ValueError(f"{len(scores)} of {head['items']} items")
            if any(len(row) != head["samples"] for row in scores.values()):
                raise ValueError(f"an item without its {head['samples']} scores")
    except (OSError, StopIteration, ValueError, KeyError, TypeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise EvidenceError(f"{path}: scores cannot be read ({what}); measure again") from error
    return Evidence(head["measurement"], head["samples"], slices, scores, copies)
