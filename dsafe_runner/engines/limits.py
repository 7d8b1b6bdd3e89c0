"""Where a text must end: the context a checkpoint has, and the tokens it ends with."""

from __future__ import annotations

from typing import Any

from dsafe_runner.errors import EngineError

_NO_LIMIT = 10**9
"""tokenizers without a limit report a huge `model_max_length`"""


def context_length(config: Any, tokenizer: Any, wanted: int | None) -> int:
    """Tokens a model can see: the engine's `context_length`, or the checkpoint's own.

    Raises:
        EngineError: more is wanted than the checkpoint has, or it does not say.
    """
    own: int | None = getattr(config.get_text_config(), "max_position_embeddings", None)
    if own is None and 0 < tokenizer.model_max_length < _NO_LIMIT:
        own = tokenizer.model_max_length
    if wanted is None:
        if own is None:
            raise EngineError("the checkpoint does not say its context length; say `context_length` in the engine")
        return int(own)
    if own is not None and wanted > own:
        raise EngineError(
            f"context_length {wanted} is more than the {own} tokens of the model; lower it or leave it out"
        )
    return int(wanted)


def end_tokens(*sources: Any) -> frozenset[int]:
    """Every token id that any of a generation config, a model config and a tokenizer calls its end of text."""
    found: set[int] = set()
    for value in (getattr(source, "eos_token_id", None) for source in sources):
        found.update(value if isinstance(value, (list, tuple)) else () if value is None else (value,))
    return frozenset(int(v) for v in found)
