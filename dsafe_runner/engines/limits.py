"""Where a text must end: the context a checkpoint has, and the tokens it ends with."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from dsafe_runner.engines.harmony import CHANNEL
from dsafe_runner.engines.markers import is_thinking_token
from dsafe_runner.errors import EngineError

_NO_LIMIT = 10**9
"""tokenizers without a limit report a huge `model_max_length`"""
_CONTROL = re.compile(r"<[^<>\s]+>|\[/?[A-Z_]+\]")
"""How tokens look that structure a conversation; tokenizers add words and runs of spaces as tokens, too."""
_TURNS = ("dsafe first", "dsafe second", "dsafe third")


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


def turn_tokens(tokenizer: Any, template_kwargs: dict[str, Any]) -> frozenset[int]:
    """Control tokens at which a turn ends: those the chat template writes after an assistant's, and opens others with.

    Found by rendering a conversation. A checkpoint whose configs name another end than its template writes goes on
    after its answer and plays the user. None are found where the template refuses such a conversation, or builds turns
    of several messages (harmony), whose tokens do not tell a turn's end from a message's.
    """
    added = {int(i): str(token) for i, token in tokenizer.added_tokens_decoder.items()}
    if CHANNEL in added.values():
        return frozenset()
    messages = [
        {"role": role, "content": text} for role, text in zip(("user", "assistant", "user"), _TURNS, strict=True)
    ]
    try:
        text = str(
            tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, **template_kwargs)
        )
    except Exception:  # a template is a program of the checkpoint's: it may raise anything
        return frozenset()
    if any(text.count(turn) != 1 for turn in _TURNS):
        return frozenset()
    _, _, after = text.partition(_TURNS[1])
    between, _, opening = after.partition(_TURNS[2])
    written = {int(i) for part in (between, opening) for i in tokenizer(part, add_special_tokens=False)["input_ids"]}
    named = {i: added.get(i) or str(tokenizer.convert_ids_to_tokens(i)) for i in written}
    known = added.keys() | set(tokenizer.all_special_ids)
    return frozenset(
        i for i, token in named.items() if i in known and _CONTROL.fullmatch(token) and not is_thinking_token(token)
    )


def check_generation_config(folder: Path) -> None:
    """Make sure that what a checkpoint says about its end can be read; libraries go on without it.

    Raises:
        EngineError: generation_config.json is no JSON object, or its end tokens are no token ids.
    """
    path = folder / "generation_config.json"
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, ValueError, RecursionError) as error:
        raise EngineError(f"{path} cannot be read ({' '.join(str(error).split())[:120]}); get it again") from None
    ends = said.get("eos_token_id") if isinstance(said, dict) else ""
    listed = ends if isinstance(ends, list) else [] if ends is None else [ends]
    if not all(type(end) is int and end >= 0 for end in listed):
        raise EngineError(f"{path} does not say in token ids how a text ends (eos_token_id); correct it")
