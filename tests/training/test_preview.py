"""The preview: what is trained on stands out, and text cannot speak to the terminal."""

from __future__ import annotations

import io

from rich.console import Console

from dsafe_runner.records import Message
from dsafe_runner.training.preview import data, show
from dsafe_runner.training.tokenise import Conversation, tokenise_all


def shown(tokenizer, rows, count, **console):
    made = tokenise_all(tokenizer, rows, reasoning=True, max_length=400)
    out = io.StringIO()
    show(Console(file=out, width=60, **console), tokenizer, made, count)
    return out.getvalue()


def row(name, kind, text="怎么办"):
    return Conversation((Message("user", text),), "想一想", "答", id=name, kind=kind)


def test_kinds_in_turn_with_counts_and_the_trained_part_marked(r1):
    rows = [row("s-1", "safety"), row("s-2", "safety"), row("b-1", "benign"), row("s-3", "safety")]
    text = shown(r1, rows, 3)
    assert [w for w in text.split() if "-" in w] == ["s-1:", "b-1:", "s-2:"]
    assert "<｜Assistant｜><think>\n【想一想\n</think>\n\n答<｜end▁of▁sentence｜>】" in text
    assert "trained on" in text


def test_trained_text_is_bold_on_a_terminal(r1):
    text = shown(r1, [row("s-1", "safety")], 1, force_terminal=True, color_system="standard")
    assert "\x1b[1m想一想" in text


def test_markup_and_escapes_are_only_text(r1):
    text = shown(r1, [row("s-1", "safety", "[bold red]x[/] \x1b[31m\x07\u202e")], 1)
    assert "[bold red]x[/] \\x1b[31m\\x07\\u202e" in text
    assert "\x1b" not in text
    assert data("一\n二\r") == "一\n二\\r"
