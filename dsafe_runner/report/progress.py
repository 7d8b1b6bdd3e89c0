"""Measuring, told in plain lines: one per plan, model and pause, none with any text of a prompt or an answer."""

from __future__ import annotations

from typing import Any


def line_of(event: dict[str, Any]) -> str | None:
    """The line for an event, None for those not worth one."""
    kind = event["event"]
    if kind == "plan":
        if not event["asking"]:
            return f"dsafe: {event['model']}: all {event['responses']} responses are stored, nothing to ask"
        stored = f", {event['stored']} stored" if event["stored"] else ""
        guess = f", about {duration(event['seconds'])} at the last rate" if event["seconds"] else ""
        return (
            f"dsafe: {event['model']} on {event['device']}: {event['asking']} responses to ask{stored}, "
            f"at most {event['most_new_tokens']:,} new tokens{guess}"
        )
    if kind == "progress":
        left = f", {duration(event['seconds_left'])} left" if event["done"] < event["total"] else ""
        return f"dsafe: {event['model']}: {event['done']}/{event['total']} responses, {event['per_second']:.1f}/s{left}"
    if kind == "failed":
        return f"dsafe: failed: {event['reason']}"
    if kind == "stopped":
        return f"dsafe: {event['text']}"
    if kind == "warning":
        return f"dsafe: warning: {event['text']}"
    return None


def duration(seconds: float) -> str:
    """`45 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
