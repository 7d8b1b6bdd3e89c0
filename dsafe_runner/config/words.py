"""How mistakes are worded: values shown on one line, and nearby names suggested."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Iterable, Sequence
from typing import Any

_SHOWN = 60


def printable(text: str) -> str:
    """The text with line breaks, terminal escapes and unpaired surrogates written as backslash escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def quoted(text: str) -> str:
    """A user's text in double quotes, on one line, shortened."""
    text = printable(text)
    return f'"{text}"' if len(text) <= _SHOWN else f'"{text[:_SHOWN]}..."'


def shown(value: Any) -> str:
    """A value as the user wrote it, or what kind of thing it is where it is too big for a line."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    return repr(value)


def listed(words: Iterable[str], limit: int = 12) -> str:
    """`a, b, c`, or the first ones and how many more there are."""
    words = [printable(w) for w in words]
    if len(words) <= limit:
        return ", ".join(words)
    return f"{', '.join(words[:limit])} and {len(words) - limit} more"


def suggestion(word: str, known: Sequence[str], these: str) -> str:
    """`did you mean "x"?`, or `these are a, b, c` where nothing is near; "" when nothing is known.

    these: subject and verb of the second form, e.g. "the models are".
    """
    lowered = {k.lower(): k for k in known}
    near = difflib.get_close_matches(word.lower()[:200], lowered, n=1, cutoff=0.6)
    if near:
        return f"did you mean {quoted(lowered[near[0]])}?"
    return f"{these} {listed(known)}" if known else ""


def label(loc: Sequence[str | int]) -> str:
    """`models.safe`, `thresholds[0].max`; "" for the top level."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{printable(part)}" if text else printable(part)
    return text
