"""What is made of the tokens an engine on this machine drew: text, thinking and answer; or the choice among letters."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, Literal

from dsafe_runner.engines.harmony import CHANNEL, CONTROL
from dsafe_runner.engines.markers import is_thinking_token
from dsafe_runner.engines.prompts import Prepared
from dsafe_runner.engines.reasoning import split_thinking
from dsafe_runner.records import Request, Response

NO_NUMBERS = "the model computed logits that are no numbers; try another dtype"


class Replies:
    """Reads what one model draws.

    Args:
        tokenizer: the model's.
        ends: token ids that end a text.
        parser: fields of spec.Checkpoint: `reasoning`.
        prefilled: the chat template opens the thinking.
    """

    def __init__(self, tokenizer: Any, *, ends: Collection[int], parser: str | None, prefilled: bool) -> None:
        self._tokenizer = tokenizer
        self._parser = parser
        self._prefilled = prefilled
        # `all_special_ids` lists the named ones only (eos, pad ...), not `<|im_start|>` and its like
        added = {i: str(token) for i, token in tokenizer.added_tokens_decoder.items()}
        special = {i for i, token in tokenizer.added_tokens_decoder.items() if token.special} | {
            *tokenizer.all_special_ids
        }
        # where a tokenizer calls the marks of thinking special, dropping special tokens would turn it into the answer
        heard = {i for i, token in added.items() if is_thinking_token(token)}
        if CHANNEL in added.values():
            heard |= {i for i, token in added.items() if token in CONTROL}
        self._silent = (special - heard) | (set(ends) - heard)

    def text(self, item: Prepared, tokens: list[int], finish: Literal["stop", "length"]) -> Response:
        """The response that `tokens`, the end token included, are."""
        heard = [token for token in tokens if token not in self._silent]
        text = self._tokenizer.decode(heard, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        parts = split_thinking(text, parser=self._parser, prefilled=self._prefilled, finish=finish)
        return Response(
            key=item.request.key,
            sample_id=item.request.sample_id,
            k=item.request.k,
            answer=parts.answer,
            thinking=parts.thinking,
            finish=finish,
            thinking_open=parts.open,
            prompt_tokens=len(item.ids),
            completion_tokens=len(tokens),
            prompt_sha256=item.sha256,
        )


def lettered(item: Prepared, values: list[float]) -> Response:
    """The response that one log-probability per letter is: the most probable letter."""
    if not all(math.isfinite(v) for v in values):
        return failed(item.request, NO_NUMBERS)
    scores = dict(zip(item.request.letters, values, strict=True))
    return Response(
        key=item.request.key,
        sample_id=item.request.sample_id,
        k=item.request.k,
        answer=max(scores, key=scores.__getitem__),
        prompt_tokens=len(item.ids),
        completion_tokens=0,
        prompt_sha256=item.sha256,
        letter_logprobs=scores,
    )


def failed(request: Request, error: str) -> Response:
    """No response, and why in one line."""
    return Response(request.key, request.sample_id, request.k, answer="", finish="error", error=error)
