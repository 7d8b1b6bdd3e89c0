"""Text of servers and libraries as one bounded, printable line."""

from __future__ import annotations

from typing import Any


def one_line(text: object, limit: int = 160) -> str:
    """Anything as one printable line of at most `limit` characters."""
    # cut first: a body may have megabytes
    shown = "".join(char if char.isprintable() else " " for char in str(text)[: 4 * limit])
    shown = " ".join(shown.split())
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def said(data: Any) -> str:
    """What the JSON of an error says, in the usual shapes or a text; nothing where it has none of them."""
    for _ in range(3):
        if isinstance(data, list) and data:
            data = data[0]
        elif isinstance(data, dict):
            data = next((data[name] for name in ("error", "message", "detail", "msg") if data.get(name)), "")
    return one_line(data) if isinstance(data, str) else ""
