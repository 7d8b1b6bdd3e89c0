"""Runs one batch through the model: text by `generate`, letters by a single forward pass.

Sampling is a seeded Gumbel-max draw: argmax(log p + noise) is a draw from p. The noise of a step comes from a generator
seeded by (request seed, step) alone, so neither the row nor the company a request is batched with changes its text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from dsafe_runner.engines.hf.load import Loaded
from dsafe_runner.engines.prompts import Prepared
from dsafe_runner.records import Sampling

NUCLEUS = 1024
"""Tokens looked at for top_p before the whole vocabulary is sorted (16x dearer at 152k tokens, and rarely needed)."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Tokens of one finished row, the end token included; `broken`: the model computed something that is no number."""

    item: Prepared
    tokens: list[int]
    finish: Literal["stop", "length"]
    broken: bool


def step_seed(seed: int, step: int) -> int:
    """63 bits that depend on both (splitmix64): neighbouring seeds and steps give unrelated noise."""
    mask = (1 << 64) - 1
    mixed = (seed * 0xD1342543DE82EF95 + step * 0x9E3779B97F4A7C15 + 0x2545F4914F6CDD1D) & mask
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & mask
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
    return (mixed ^ (mixed >> 31)) >> 1


class Draw(LogitsProcessor):  # type: ignore[misc]
    """Makes `generate`'s argmax the draw that `sampling` asks for.

    Args:
        sampling: of the whole batch.
        seeds: request seed per row.
        width: length of the padded prompts; what follows counts the steps.
    """

    def __init__(self, sampling: Sampling, seeds: list[int], width: int, device: str) -> None:
        self._sampling = sampling
        self._seeds = seeds
        self._width = width
        self._generator = torch.Generator(device=device)
        self._uniform: torch.Tensor | None = None
        self.broken = torch.zeros(len(seeds), dtype=torch.bool, device=device)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Logits [rows, vocabulary] -> scores whose argmax is the next token."""
        self.broken |= scores.amax(dim=-1).isnan()
        if self._sampling.temperature == 0.0:
            return scores
        scores = _nucleus(scores / self._sampling.temperature, self._sampling.top_p)
        return scores + self._noise(input_ids.shape[1] - self._width, scores)

    def _noise(self, step: int, like: torch.Tensor) -> torch.Tensor:
        # float32 everywhere: rand() of another type draws other numbers
        if self._uniform is None or self._uniform.shape != like.shape:
            self._uniform = torch.empty(like.shape, dtype=torch.float32, device=like.device)
        for row, seed in enumerate(self._seeds):
            self._generator.manual_seed(step_seed(seed, step))
            torch.rand(like.shape[1:], generator=self._generator, out=self._uniform[row])
        # rand() may be exactly 0; the smallest float instead, so that no token's noise is -inf + inf = nan
        tiny = torch.finfo(torch.float32).tiny
        return self._uniform.clamp_(min=tiny).log_().neg_().log_().neg_()


def _nucleus(scores: torch.Tensor, top_p: float) -> torch.Tensor:
    """-inf for each token outside the smallest set whose probability reaches top_p (ties with its last one stay in)."""
    if top_p >= 1.0:
        return scores
    probabilities = scores.softmax(dim=-1)
    top = probabilities.topk(min(NUCLEUS, scores.shape[-1]), dim=-1).values
    if bool((top.sum(dim=-1) < top_p).any()):
        top = probabilities.sort(dim=-1, descending=True).values
    inside = top.cumsum(dim=-1) - top < top_p
    limit = top.masked_fill(~inside, torch.inf).amin(dim=-1, keepdim=True)
    return scores.masked_fill(probabilities < limit, -torch.inf)


class Segment(StoppingCriteria):  # type: ignore[misc]
    """Ends a call of `generate` when an eighth of its rows is finished, so that the rest can go on without them.

    Measured (perf/engine_vs_raw.py, answers of 8 to 120 tokens): 1.4x the static batch; 1.3x when halves are awaited.
    """

    def __init__(self, budgets: list[int], width: int, ends: torch.Tensor) -> None:
        self._budgets = torch.tensor(budgets, device=ends.device)
        self._width = width
        self._ends = ends
        self._finished = torch.zeros(len(budgets), dtype=torch.bool, device=ends.device)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: object) -> torch.Tensor:
        """Rows [rows] that are finished; all of them when the segment ends."""
        self._finished |= torch.isin(input_ids[:, -1], self._ends)
        self._finished |= self._budgets <= input_ids.shape[1] - self._width
        return self._finished | (self._finished.sum() * 8 >= self._finished.shape[0])


def generate_batch(loaded: Loaded, batch: list[Prepared]) -> Iterator[Drawn]:
    """Draw one text per item of a batch of one sampling; rows come as they are known to be finished.

    Whenever some rows are finished the others go on in a smaller batch with their part of the key-value cache: a static
    batch would compute finished rows until the longest answer ends.
    """
    sampling = batch[0].request.sampling
    sequences, mask = _padded(loaded, batch)
    width = sequences.shape[1]
    ends = torch.tensor(sorted(loaded.eos), dtype=torch.long, device=loaded.device)
    cache, rows = None, batch
    broken = torch.zeros(len(rows), dtype=torch.bool, device=loaded.device)
    while rows:
        done = sequences.shape[1] - width
        draw = Draw(sampling, [p.request.seed for p in rows], width, loaded.device)
        out = loaded.model.generate(
            input_ids=sequences,
            attention_mask=mask,
            past_key_values=cache,
            generation_config=GenerationConfig(
                max_new_tokens=max(p.budget for p in rows) - done,
                do_sample=False,
                use_cache=True,
                return_dict_in_generate=True,
                pad_token_id=loaded.pad,
            ),
            logits_processor=LogitsProcessorList([draw]),
            stopping_criteria=StoppingCriteriaList([Segment([p.budget for p in rows], width, ends)]),
        )
        sequences, cache = out.sequences, out.past_key_values
        broken |= draw.broken
        keep: list[int] = []
        marks = broken.tolist()
        for row, tokens in enumerate(sequences[:, width:].tolist()):
            end = next((i for i, token in enumerate(tokens) if token in loaded.eos), None)
            if end is not None and end < rows[row].budget:
                yield Drawn(rows[row], tokens[: end + 1], "stop", marks[row])
            elif len(tokens) >= rows[row].budget:
                yield Drawn(rows[row], tokens[: rows[row].budget], "length", marks[row])
            else:
                keep.append(row)
        rows = [rows[row] for row in keep]
        if rows:
            index = torch.tensor(keep, device=loaded.device)
            cache.batch_select_indices(index)
            grown = torch.ones((len(mask), sequences.shape[1] - mask.shape[1]), dtype=mask.dtype, device=mask.device)
            mask = torch.cat([mask, grown], dim=1)[index]
            sequences, broken = sequences[index], broken[index]


def score_letters(loaded: Loaded, batch: list[Prepared]) -> list[list[float]]:
    """Log-probability of each item's letters as the next token, per item of the batch.

    The softmax runs over the whole vocabulary in float32: bfloat16 log-probabilities sit on a grid so coarse that
    letters tie. Only the last position's logits are computed.
    """
    sequences, mask = _padded(loaded, batch)
    positions = (mask.cumsum(dim=-1) - 1).clamp(min=0)
    with torch.inference_mode():
        logits = loaded.model(
            input_ids=sequences, attention_mask=mask, position_ids=positions, use_cache=False, **_last_only(loaded)
        ).logits[:, -1]
        scores = logits.float().log_softmax(dim=-1).cpu()
    return [scores[row, list(item.letters)].tolist() for row, item in enumerate(batch)]


def _last_only(loaded: Loaded) -> dict[str, int]:
    return {"logits_to_keep": 1} if loaded.last_only else {}


def _padded(loaded: Loaded, batch: list[Prepared]) -> tuple[torch.Tensor, torch.Tensor]:
    """Left-padded tokens and their mask, both [rows, longest prompt]."""
    width = max(len(p.ids) for p in batch)
    ids = [[loaded.pad] * (width - len(p.ids)) + p.ids for p in batch]
    mask = [[0] * (width - len(p.ids)) + [1] * len(p.ids) for p in batch]
    return torch.tensor(ids, device=loaded.device), torch.tensor(mask, device=loaded.device)
