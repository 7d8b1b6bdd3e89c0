"""Keeps prompts out of what is told: an exception may quote what it choked on; a chat template may raise anything."""

from __future__ import annotations

from dsafe_runner.records import Message

_WINDOW = 8
"""Characters in common that make a text a quotation."""


def unquoted(reason: str, messages: tuple[Message, ...]) -> str:
    """The reason as it is, or a line in its place when it repeats a part of what was asked."""
    said = "".join(reason.split())
    for message in messages:
        asked = "".join(message.content.split())
        size = min(_WINDOW, len(asked))
        parts = {asked[i : i + size] for i in range(len(asked) - size + 1)}
        if any(said[i : i + size] in parts for i in range(len(said) - size + 1)):
            return "the prompt was refused, with a reason that quotes it and is not shown"
    return reason
