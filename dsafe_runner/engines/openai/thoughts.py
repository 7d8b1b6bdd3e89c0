"""Text and thinking of a message, in whichever fields and parts a server puts them."""

from __future__ import annotations

from typing import Any

FIELDS = (
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "reasoning_text",
    "thinking",
    "thinking_blocks",
    "thoughts",
    "thought",
)
"""In the order they count: vLLM today, older servers, OpenRouter, others, Ollama, LiteLLM."""
_INSIDE = ("text", "thinking", "summary", "content", "reasoning", "reasoning_content")
_OF_THINKING = frozenset({"thinking", "reasoning", "redacted_thinking", "thought", "reasoning_content"})
_DEPTH = 4


def content_of(message: dict[str, Any]) -> tuple[str | None, str | None]:
    """The text, and the thinking that stands among its parts (Mistral, Anthropic); None where there is none.

    Raises:
        TypeError: another shape.
    """
    content = message.get("content")
    if content is None:
        return None, None
    if isinstance(content, str):
        return _whole(content), None
    if not isinstance(content, list):
        raise TypeError("an answer whose content is no text")
    texts: list[str] = []
    thoughts: list[str] | None = None
    for part in content:
        if isinstance(part, dict) and part.get("type") in _OF_THINKING:
            thoughts = [*(thoughts or []), _text_of(part, "content", _DEPTH)]
        elif isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
            texts.append(part["text"])
        else:
            raise TypeError("an answer whose content is no text")
    return _whole("".join(texts)), None if thoughts is None else _whole("\n".join(thoughts))


def reasoning_of(message: dict[str, Any], choice: dict[str, Any]) -> tuple[str | None, str | None]:
    """Field and text of the thinking; the text is empty where a server says that there was some and hides it.

    Raises:
        TypeError: a field of another shape.
    """
    nested = message.get("provider_specific_fields")
    for place in (message, choice, nested if isinstance(nested, dict) else {}):
        for field in FIELDS:
            value = place.get(field)
            if value is None or value is False or value in ("", [], {}):
                continue
            if isinstance(value, list) and not all(isinstance(one, dict) for one in value):
                raise TypeError(f"an answer whose {field} is no text")
            text = _text_of(value, field, _DEPTH)
            if text.strip() or not isinstance(value, str):
                return field, _whole(text)
    return None, None


def _text_of(value: Any, field: str, depth: int) -> str:
    if isinstance(value, str):
        return value
    if depth and isinstance(value, list):
        return "\n".join(filter(None, (_text_of(one, field, depth - 1) for one in value)))
    if depth and isinstance(value, dict):
        found = [value[name] for name in _INSIDE if value.get(name)]
        return _text_of(found[0], field, depth - 1) if found else ""
    raise TypeError(f"an answer whose {field} is no text")


def _whole(text: str) -> str:
    """Without half surrogate pairs: JSON can carry them, the store cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
