"""Rows as the model will meet them, on the terminal: what is trained on stands out, and all text is data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from dsafe_runner.training.tokenise import Conversation, Tokenised, Tokens, halves


def show(console: Console, tokenizer: Any, made: Tokenised, count: int) -> None:
    """Print `count` rows, kinds in turn; what is trained on is bold, and between 【 and 】 for want of bold."""
    for row, tokens in _chosen(made, count):
        prompt, trained = halves(tokenizer, tokens)
        size = sum(tokens.completion_mask)
        head = Text(f"{row.kind or 'row'} {data(row.id)}: {len(tokens.input_ids)} tokens, {size} trained on", "cyan")
        body = Text()
        body.append(data(prompt), "dim")
        body.append("【", "green")
        body.append(data(trained), "bold")
        body.append("】", "green")
        console.print(head, body, "", sep="\n", soft_wrap=True)


def data(text: str) -> str:
    """Text with everything that a terminal could obey written as a backslash escape; line breaks stay."""
    return "".join(
        c if c == "\n" or c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text
    )


def _chosen(made: Tokenised, count: int) -> Sequence[tuple[Conversation, Tokens]]:
    """The first rows of each kind, kinds in turn."""
    pairs = list(zip(made.rows, made.tokens, strict=True))
    kinds = list(dict.fromkeys(row.kind for row in made.rows))
    queues = [[pair for pair in pairs if pair[0].kind == kind] for kind in kinds]
    turns = [pair for number in range(count) for queue in queues for pair in queue[number : number + 1]]
    return turns[:count]
