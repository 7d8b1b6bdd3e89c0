"""Finds the question in a prompt that a chat template, a system prompt or fixed instructions were put around.

A prompt that is a question and nothing else asks it. Otherwise what stands around the question must be the same in
every prompt of a file: a prompt that merely contains a question (as part of a longer one, after a history of its own,
among random examples) is not taken for one that asks it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from dsafe_runner.engines.replay.prompts import SAYS, TURN

_WIDTH = 8
"""Characters of a question by which places where it may begin or end are found."""
_MAX_PLACES = 64
"""Places looked at in what all prompts share, those nearest to the question."""
_MAX_WRAPPERS = 64
_BARE = (f"{TURN}user{SAYS}", f"{TURN}system{SAYS}", "")
"""What stands before a question that is all of a prompt: the mark of its first turn, or nothing."""
_SYSTEM = re.compile(f"{TURN}system{SAYS}[^{TURN}]*{TURN}user{SAYS}")


class Questions:
    """Questions that prompts are searched for.

    Args:
        texts: as replay_prompts.question gives them.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = {text for text in texts if text}
        self._width = min((_WIDTH, *map(len, self._texts)))
        self._heads = {text[: self._width] for text in self._texts}
        self._tails = {text[-self._width :] for text in self._texts}

    def read(self, prompts: Collection[str]) -> dict[str, str]:
        """Prompt -> the question it asks, for those of one file that ask one.

        The wrapper that makes most prompts of the file ask something counts, of several such the shortest; where that
        leaves two readings, none does. A prompt that asks one question with its wrapper and another one without asks
        neither.
        """
        bare = {prompt: text for prompt in prompts if (text := self._bare(prompt))}
        if len(bare) == len(prompts) or not self._texts:
            return bare
        wrapped = self._with_system(*prompts) if len(prompts) == 1 else self._wrapped(prompts)
        both = {**wrapped, **bare}
        return {prompt: text for prompt, text in both.items() if wrapped.get(prompt, text) == text}

    def _bare(self, prompt: str) -> str | None:
        for mark in _BARE:
            if prompt.startswith(mark) and (rest := prompt[len(mark) :]) in self._texts:
                return rest
        return None

    def _with_system(self, prompt: str) -> dict[str, str]:
        """A lone prompt: nothing shows what is fixed around its question, but a system turn is no part of one."""
        found = _SYSTEM.match(prompt)
        text = prompt[found.end() :] if found else ""
        return {prompt: text} if text in self._texts else {}

    def _wrapped(self, prompts: Collection[str]) -> dict[str, str]:
        best: dict[str, str] = {}
        best_rank, tied = (0, 0), False
        for before, after in self._wrappers(prompts):
            found = {p: text for p in prompts if (text := _inside(p, before, after)) in self._texts}
            rank = (len(found), -before - after)
            if rank >= best_rank:
                best, best_rank, tied = found, rank, rank == best_rank
        return {} if tied else best

    def _wrappers(self, prompts: Collection[str]) -> set[tuple[int, int]]:
        """(characters before, characters after) of everything that makes some prompt ask a question."""
        before = _shared(min(prompts), max(prompts))
        after = _shared(min(p[::-1] for p in prompts), max(p[::-1] for p in prompts))
        shared = next(iter(prompts))
        # where the window lies in what all prompts share, one prompt speaks for all
        starts = self._starts(shared, range(max(0, before - self._width + 1)))[-_MAX_PLACES:]
        ends = self._ends(shared, range(max(0, after - self._width + 1)))[-_MAX_PLACES:]
        near_start = range(max(0, before - self._width + 1), before + 1)
        near_end = range(max(0, after - self._width + 1), after + 1)
        found: set[tuple[int, int]] = set()
        for prompt in prompts:
            first = [*starts, *self._starts(prompt, near_start)]
            last = [*ends, *self._ends(prompt, near_end)] if first else []
            found |= {(b, a) for b in first for a in last if _inside(prompt, b, a) in self._texts}
            if len(found) > _MAX_WRAPPERS:
                return set()
        return found

    def _starts(self, prompt: str, places: Iterable[int]) -> list[int]:
        return [n for n in places if prompt[n : n + self._width] in self._heads and _stands_free(prompt, n)]

    def _ends(self, prompt: str, places: Iterable[int]) -> list[int]:
        """Places counted from the end of the prompt."""
        found = []
        for after in places:
            end = len(prompt) - after
            if prompt[max(0, end - self._width) : end] in self._tails and _stands_free(prompt, end):
                found.append(after)
        return found


def _shared(first: str, last: str) -> int:
    """Characters that all texts between two, in their order, have in common at the beginning."""
    shorter = min(len(first), len(last))
    return next((n for n in range(shorter) if first[n] != last[n]), shorter)


def _inside(prompt: str, before: int, after: int) -> str:
    return prompt[before : len(prompt) - after] if before + after < len(prompt) else ""


def _stands_free(prompt: str, place: int) -> bool:
    """Whether a question can begin or end here: not in the middle of a word (or of running Chinese)."""
    return not (0 < place < len(prompt) and prompt[place - 1].isalnum() and prompt[place].isalnum())
