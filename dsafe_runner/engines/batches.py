"""Which requests go through the model together: groups of one sampling, longest first, under a token budget."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from dsafe_runner.engines.prompts import Prepared
from dsafe_runner.records import Sampling

LETTER_ROWS = 8
"""Rows of a letter-scoring batch: a prefill is bound by compute, so more rows only add padding (measured on CPU)."""


class BatchPlan:
    """The queue of what is still to be run.

    Longest prompt first: running out of memory shows at once, and rows of a batch are of about one length. Short and
    long answers never share a batch because the groups are formed by the whole sampling, `max_tokens` included.

    Args:
        prepared: what is to be run.
        max_rows: rows of one batch at most.
        max_tokens: rows x (longest prompt + new tokens) of one batch at most; a single row may exceed it.
    """

    def __init__(self, prepared: Iterable[Prepared], *, max_rows: int, max_tokens: int) -> None:
        groups: dict[Sampling, list[Prepared]] = {}
        for item in prepared:
            groups.setdefault(item.request.sampling, []).append(item)
        self._queues = deque(deque(sorted(group, key=lambda p: -len(p.ids))) for group in groups.values())
        self._max_rows = max_rows
        self.max_tokens = max_tokens

    def next(self) -> list[Prepared]:
        """The next batch; empty when all is done."""
        while self._queues and not self._queues[0]:
            self._queues.popleft()
        if not self._queues:
            return []
        queue = self._queues[0]
        rows = self._max_rows
        if queue[0].request.sampling.scoring == "letters":
            rows = min(rows, LETTER_ROWS)
        batch = [queue.popleft()]
        width, budget = len(batch[0].ids), batch[0].budget
        while queue and len(batch) < rows:
            budget = max(budget, queue[0].budget)
            if (len(batch) + 1) * (width + budget) > self.max_tokens:
                break
            batch.append(queue.popleft())
        return batch

    def shrink(self, batch: list[Prepared], unfinished: list[Prepared]) -> None:
        """After `batch` ran out of memory: put back what is unfinished and stay under half its size from now on."""
        width = max(len(p.ids) for p in batch)
        budget = max(p.budget for p in batch)
        self.max_tokens = min(self.max_tokens, max(1, len(batch) // 2) * (width + budget))
        self._queues[0].extendleft(reversed(unfinished))  # the front queue is still the batch's own group
