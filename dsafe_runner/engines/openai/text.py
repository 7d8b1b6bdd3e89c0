"""Text of servers and libraries as one bounded, printable line."""

from __future__ import annotations

import json


def one_line(text: object, limit: int = 160) -> str:
    """Anything as one printable line of at most `limit` characters."""
    # cut first: a body may have megabytes
    shown = "".join(char if char.isprintable() else " " for char in str(text)[: 4 * limit])
    shown = " ".join(shown.split())
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def said(body: bytes) -> str:
    """What an error body says: the message of the usual JSON shapes, else the beginning of the text."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return one_line(body[:1000].decode("utf-8", "replace"))
    for _ in range(3):
        if isinstance(found, list) and found:
            found = found[0]
        elif isinstance(found, dict):
            found = next((found[name] for name in ("error", "message", "detail", "msg") if found.get(name)), "")
    return one_line(found) if isinstance(found, str) else ""
