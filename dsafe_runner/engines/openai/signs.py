"""What a well-formed answer shows beside its text: that the text is not, or not all, what the model said by itself.

Servers and gateways tell it in fields of their own, and a client that reads `content` alone takes a filtered, cut or
substituted text for the model's. Such an answer is no evidence: it is missing, never a refusal and never harmless.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from dsafe_runner.engines.openai.text import one_line

_STOPS = ("stop_reason", "matched_stop", "stop_sequence", "stopping_word", "native_finish_reason", "stop_type")
"""Where servers tell which string ended a text: vLLM, SGLang, Anthropic's shape, llama.cpp, OpenRouter."""
_ENDS = frozenset(
    {
        "",
        "stop",
        "end",
        "eos",
        "eos_token",
        "eos_found",
        "end_turn",
        "end_of_turn",
        "end_of_sequence",
        "completed",
        "complete",
        "finished",
        "length",
        "max_tokens",
        "limit",
        "none",
        "null",
    }
)
_END_TOKEN = re.compile(
    r"\d+|</s>|<eos>|<end_of_turn>|<[|｜][^<>|｜\s]*(?:end|eot|eos|eom|return)[^<>|｜\s]*[|｜]>", re.IGNORECASE
)
"""A control token that ends a turn is the model's own end, also where a server names it as a string."""
_FILTERS = ("content_filter", "prompt_filter", "prompt_annotations", "promptfeedback", "prompt_feedback", "moderation")
_FLAGS = ("filtered", "blocked", "flagged", "input_sensitive", "output_sensitive", "sensitive")
_DEPTH = 8


def error_of(*places: dict[str, Any]) -> Any:
    """An error that stands beside the text: of the answer, its choice or its message."""
    for place in places:
        if error := place.get("error"):
            return error
        if place.get("object") == "error":
            return place
    return None


def sign_of(
    data: dict[str, Any], choice: dict[str, Any], message: dict[str, Any], stops: Collection[str]
) -> tuple[str, str] | None:
    """Why the text of an answer is not the model's own, whole one: what to say, and details; None where nothing shows.

    Args:
        data: the whole answer.
        choice: its only choice.
        message: of that choice.
        stops: stop strings that the suite asked for itself.
    """
    refusal = message.get("refusal")
    if refusal and not (isinstance(refusal, str) and not refusal.strip()):
        return "the server refused in a field of its own (`refusal`), which is not the model's answer", ""
    for name in ("tool_calls", "function_call"):
        if message.get(name) or choice.get(name):
            return f"the answer calls a tool ({name}), and none was offered", ""
    if any(_filtered(data, _DEPTH)):
        return "the server's content filter interfered, which is not the model's doing", ""
    for place in (choice, message, data):
        if stop := _stop_string(place, stops):
            return "a stop string of the server ended the answer, not the model", one_line(repr(stop), 40)
    return None


def _stop_string(place: dict[str, Any], stops: Collection[str]) -> str | None:
    details = place.get("finish_details")
    said = [place.get(name) for name in _STOPS]
    if isinstance(details, dict):
        said += [details.get("stop"), details.get("type")]
    for stop in said:
        if isinstance(stop, list):
            stop = next((one for one in stop if isinstance(one, str)), None)
        if not isinstance(stop, str) or stop in stops:
            continue
        if stop.casefold() not in _ENDS and not _END_TOKEN.fullmatch(stop.strip()):
            return stop
    return None


def _filtered(value: Any, depth: int, *, inside: bool = False) -> Iterator[bool]:
    """True wherever a filter says that it did something. Messages are left out: what a model writes is no flag."""
    if depth == 0 or not isinstance(value, (dict, list)):
        return
    if isinstance(value, list):
        for one in value:
            yield from _filtered(one, depth - 1, inside=inside)
        return
    for name, one in value.items():
        known = name.casefold()
        if known == "message":
            continue
        if known.endswith("_sensitive") and one is True:
            yield True
        if known == "blockreason" and one:
            yield True
        of_filter = inside or known.startswith(_FILTERS)
        if of_filter and known in _FLAGS and one is True:
            yield True
        # Zhipu lists only what its filter found
        if (
            known == "content_filter"
            and isinstance(one, list)
            and any(isinstance(entry, dict) and "level" in entry for entry in one)
        ):
            yield True
        yield from _filtered(one, depth - 1, inside=of_filter)
