"""The only place that knows how a reasoning model's thinking and answer come in one text, or in two.

Four shapes come back:

1. `<think>..</think>answer`
2. `..</think>answer`       the chat template prefilled the opening tag
3. `<think>..` or `..`      cut inside the thinking (or never closed)
4. reasoning and content apart, split by a server; content is null when the text was cut inside the thinking

One rule reads the first three: the last tag decides. After a `</think>` comes the answer; after a `<think>` (or a
prefilled one that was never closed) everything is thinking and there is no answer yet. Fail closed: what is doubtful is
thinking without an answer, which is graded as truncated and never as a refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OPEN = "<think>"
CLOSE = "</think>"

Finish = Literal["stop", "length", "error"]


@dataclass(frozen=True, slots=True)
class Thinking:
    """A text taken apart. `thinking` is None when there was none; `open` means the text ended inside it."""

    thinking: str | None
    answer: str
    open: bool


def split_thinking(text: str, *, parser: str | None, prefilled: bool, finish: Finish) -> Thinking:
    """Take a generated text apart.

    Args:
        text: what the model generated, without the prompt.
        parser: `deepseek-r1`, or None for a model that does not think: then everything is the answer.
        prefilled: the prompt ended with `<think>`, so the text starts inside the thinking.
        finish: how the generation ended; `length` makes half a tag at the very end a tag.

    Several `</think>`: the answer starts after the last one. R1 models close twice when they go back to thinking after
    a first closing tag, so what stands between two of them is thinking by the model's own account; reading from the
    first would hand thinking to the judge as an answer.
    """
    if parser is None:
        return Thinking(None, text, False)
    opened, closed = text.rfind(OPEN), text.rfind(CLOSE)
    if closed > opened:
        return Thinking(_without_tags(text[:closed]), text[closed + len(CLOSE) :].strip(), False)
    if opened >= 0 or prefilled:
        return Thinking(_without_tags(_without_half_tag(text, finish)), "", True)
    if finish == "length" and text.strip() and OPEN.startswith(text.strip()):
        return Thinking("", "", True)  # cut inside the opening tag itself
    return Thinking(None, text, False)


def join_server_split(
    reasoning: str | None,
    content: str | None,
    finish: Finish,
    *,
    parser: str | None = "deepseek-r1",
    prefilled: bool = False,
) -> Thinking:
    """Read what a server split, or should have split.

    Args:
        reasoning: `message.reasoning` (older servers: `reasoning_content`), None when the server has no parser.
        content: `message.content`; None when the text was cut inside the thinking.
        finish: how the generation ended.
        parser: as in `split_thinking`; for the part the server left in `content`.
        prefilled: the served chat template opens `<think>`; counts only when the server split nothing.

    Reasoning without content is open thinking however it finished: with thinking switched off, vLLM's deepseek_r1
    parser puts a whole answer there, and an answer that may be thinking is no answer. A `</think>` left in content
    (vLLM leaves repeated ones) moves what stands before it into the thinking.
    """
    split = bool(reasoning)
    if not content:
        return Thinking(
            reasoning and reasoning.strip(),
            "",
            split or (prefilled and parser is not None) or (content is None and finish == "length"),
        )
    rest = split_thinking(content, parser=parser, prefilled=prefilled and not split, finish=finish)
    if not split:
        return rest
    # servers leave the line ends around the tags where they were (vLLM: content starts with two)
    thinking = str(reasoning) if rest.thinking is None else f"{reasoning}\n{rest.thinking}"
    return Thinking(thinking.strip(), rest.answer.strip(), rest.open)


def _without_tags(thinking: str) -> str:
    return thinking.replace(OPEN, "").replace(CLOSE, "").strip()


def _without_half_tag(text: str, finish: Finish) -> str:
    """The text without the beginning of a `</think>` that the token budget cut."""
    if finish == "length":
        for size in range(len(CLOSE) - 1, 0, -1):
            if text.endswith(CLOSE[:size]):
                return text[:-size]
    return text
