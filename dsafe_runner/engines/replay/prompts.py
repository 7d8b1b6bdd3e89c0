"""What a row was asked and what an item asks, as texts that can be compared.

White space is levelled: chat templates and task files strip and re-wrap it. A conversation becomes one text in which
every turn is preceded by a mark and its role; levelled text cannot hold the marks, as both count as white space.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dsafe_runner.records import Message

TURN = "\x1e"
"""Stands before the role of a turn."""
SAYS = "\x1f"
"""Stands between the role and what is said."""


def level(text: str) -> str:
    """The text with every run of white space (and of the marks) as one space, none at its ends."""
    return " ".join(text.split())


def conversation(turns: Iterable[tuple[str, str]]) -> str:
    """Turns (role, content) as one text."""
    return "".join(f"{TURN}{level(role)}{SAYS}{level(content)}" for role, content in turns)


def question(messages: Sequence[Message]) -> str:
    """What must stand in a prompt that asks an item: its turns, without the mark of the first one.

    An item of one turn is its plain text, so it is found in rendered prompts as well; one of several turns is found in
    conversations only, whole and in order.
    """
    return conversation((m.role, m.content) for m in messages).partition(SAYS)[2]
