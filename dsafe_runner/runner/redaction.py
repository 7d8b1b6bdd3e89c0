"""Keeps prompts out of what is told: an exception may quote what it choked on; a chat template may raise anything."""

from __future__ import annotations

from dsafe_runner.records import Message

_WINDOW, _DENSE = 8, 4
"""Characters in common that make a text a quotation; fewer where they are of a script without spaces, in which four
are as much as two words."""


def unquoted(reason: str, messages: tuple[Message, ...]) -> str:
    """The reason as it is, or a line in its place when it repeats a part of what was asked."""
    said = "".join(reason.split())
    for message in messages:
        asked = "".join(message.content.split())
        if _shared(said, asked, min(_WINDOW, len(asked))) or _shared(said, asked, min(_DENSE, len(asked)), dense=True):
            return "the prompt was refused, with a reason that quotes it and is not shown"
    return reason


def _shared(said: str, asked: str, size: int, *, dense: bool = False) -> bool:
    """Whether both hold the same `size` characters in a row.

    dense  only those count of which all but one are letters of other scripts than Latin, Greek and Cyrillic
    """
    parts = {asked[i : i + size] for i in range(len(asked) - size + 1)}
    found = (said[i : i + size] for i in range(len(said) - size + 1))
    return any(part in parts and (not dense or _dense(part)) for part in found)


def _dense(part: str) -> bool:
    return sum(c.isalpha() and c > "\u0590" for c in part) >= len(part) - 1
