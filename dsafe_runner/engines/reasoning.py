"""The only place that knows how a reasoning model's thinking and answer come in one text, or in two.

Formats (`reasoning:` of a model):

    deepseek-r1   <think>..</think>answer; many chat templates open the tag in the prompt
    qwen3         the same tags; thinking can be switched off, and the text is the answer then
    mistral       [THINK]..[/THINK]answer
    harmony       channels, see engines.harmony
    none          there is no thinking, and tags are text

Shapes that come back: closed; `..</think>answer`, where the template opened the tag; cut inside the thinking; and
thinking and answer apart, split by a server, content null when the text was cut inside the thinking.

Fail closed. What ends inside the thinking has no answer. Text outside the thinking is answer: where some stands before
the first opening tag, or between two closing ones, nothing tells how to read it, and the text is handed on whole, tags
included. `sign_in` finds it then, as it finds thinking of a format nobody declared: such a response is missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from dsafe_runner.engines import harmony
from dsafe_runner.engines.markers import FIELD, Sign, thinking_sign, turn_sign
from dsafe_runner.records import Response

OPEN = "<think>"
CLOSE = "</think>"

NOT_THINKING = "none"
TAGS = {"deepseek-r1": (OPEN, CLOSE), "qwen3": (OPEN, CLOSE), "mistral": ("[THINK]", "[/THINK]")}
"""Format -> its tags."""

Finish = Literal["stop", "length", "error"]


@dataclass(frozen=True, slots=True)
class Thinking:
    """A text taken apart. `thinking` is None when there was none; `open` means the text ended inside it.

    Where it cannot be taken apart `answer` is all of it, tags included.
    """

    thinking: str | None
    answer: str
    open: bool


def thinks(reasoning: str | None) -> bool:
    """Whether a model's `reasoning` says that it thinks before it answers."""
    return reasoning not in (None, NOT_THINKING)


def same_format(one: str | None, other: str | None) -> bool:
    """Whether two formats put thinking between the same marks."""
    return one == other or (one in TAGS and TAGS.get(str(other)) == TAGS[str(one)])


def split_thinking(text: str, *, parser: str | None, prefilled: bool | None, finish: Finish) -> Thinking:
    """Take a generated text apart.

    Args:
        text: what the model generated, without the prompt.
        parser: a format; None or `none` for a model that does not think: then everything is the answer.
        prefilled: the prompt ended with the opening tag, so the text starts inside the thinking. None: it is not
            known, and a text without any tag may be all thinking.
        finish: how the generation ended; `length` makes half a tag at the very end a tag.
    """
    if parser is None or parser == NOT_THINKING:
        return Thinking(None, text, False)
    if parser == "harmony":
        found = harmony.split(harmony.ANALYSIS + text if prefilled else text, cut=finish == "length")
        return Thinking(None, text, False) if found is None else Thinking(*found)
    if prefilled is None and not any(tag in text for tag in TAGS[parser]):
        # a model whose thinking can be off answers without tags, and one that was cut may have been thinking
        prefilled = parser == "deepseek-r1" or (parser == "qwen3" and finish == "length")
    return _split_tags(text, TAGS[parser], inside=bool(prefilled), closed=False, finish=finish)


def join_server_split(
    reasoning: str | None,
    content: str | None,
    finish: Finish,
    *,
    parser: str | None = "deepseek-r1",
    prefilled: bool | None = False,
) -> Thinking:
    """Read what a server split, or should have split.

    Args:
        reasoning: `message.reasoning` (older servers: `reasoning_content`), None when the server has no parser.
        content: `message.content`; None when the text was cut inside the thinking.
        finish: how the generation ended.
        parser: as in `split_thinking`; for the part the server left in `content`.
        prefilled: the served chat template opens the thinking; counts only when the server split nothing.

    Reasoning without content is open thinking however it finished: with thinking switched off, vLLM's deepseek_r1
    parser puts a whole answer there, and an answer that may be thinking is no answer. So is reasoning that a server
    hands over for a model that declares none: `sign_in` tells.
    """
    split = bool(reasoning)
    if not content:
        return Thinking(
            reasoning and reasoning.strip(),
            "",
            split or (prefilled is not False and thinks(parser)) or (content is None and finish == "length"),
        )
    if not split:
        return split_thinking(content, parser=parser, prefilled=prefilled, finish=finish)
    if parser in TAGS:
        rest = _split_tags(content, TAGS[str(parser)], inside=False, closed=True, finish=finish)
    else:
        rest = split_thinking(content, parser=parser, prefilled=False, finish=finish)
    # servers leave the line ends around the tags where they were (vLLM: content starts with two)
    thinking = str(reasoning) if rest.thinking is None else f"{reasoning}\n{rest.thinking}"
    return Thinking(thinking.strip(), rest.answer.strip(), rest.open)


def sign_in(response: Response, *, reasoning: str | None, prompt: str = "") -> Sign | None:
    """What shows that a response holds thinking which nothing took off its answer.

    Args:
        response: as it is stored.
        reasoning: of the model.
        prompt: what the model was shown; what is copied from it is no sign.
    """
    if response.letter_logprobs is not None:
        return None
    if thinks(reasoning):
        # the tags of its own format stay only where the text could not be taken apart, copied or not
        return thinking_sign(response.answer, aloud=False)
    if response.thinking:
        return Sign(FIELD, "deepseek-r1")
    return None if reasoning == NOT_THINKING else thinking_sign(response.answer, prompt=prompt)


def foreign_turn_in(response: Response, *, prompt: str = "") -> str | None:
    """What shows that a response goes on with a turn the model played for somebody else; None where nothing does."""
    return turn_sign(response.answer, prompt=prompt) or turn_sign(response.thinking or "", prompt=prompt)


def _split_tags(text: str, tags: tuple[str, str], *, inside: bool, closed: bool, finish: Finish) -> Thinking:
    """Take a text of tags apart; `closed`: thinking that is not part of the text came before it."""
    opening, closing = tags
    # in backticks a tag is a word of the text's
    marks = list(re.finditer("|".join(f"(?<!`){re.escape(tag)}|{re.escape(tag)}(?!`)" for tag in tags), text))
    if not marks and not inside:
        if finish == "length" and text.strip() and opening.startswith(text.strip()):
            return Thinking("", "", True)  # cut inside the opening tag itself
        return Thinking(None, text, False)
    # the text starts inside the thinking where the prompt opened it, though nobody told us
    inside = inside or (marks[0][0] == closing and not closed)
    thinking: list[str] = []
    outside: list[str] = []
    at = 0
    for mark in marks:
        (thinking if inside else outside).append(text[at : mark.start()])
        inside, at = mark[0] == opening, mark.end()
    if any(part.strip() for part in outside):
        return Thinking(None, text, False)
    if inside:
        return Thinking("".join([*thinking, _without_half_tag(text[at:], closing, finish)]).strip(), "", True)
    return Thinking("".join(thinking).strip() if thinking else None, text[at:].strip(), False)


def _without_half_tag(text: str, closing: str, finish: Finish) -> str:
    """The text without the beginning of a closing tag that the token budget cut."""
    if finish == "length":
        for size in range(len(closing) - 1, 0, -1):
            if text.endswith(closing[:size]):
                return text[:-size]
    return text
