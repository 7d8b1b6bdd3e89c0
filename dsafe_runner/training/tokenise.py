"""Conversations to token ids and a mask of what is trained on: our own, because chat templates eat thinking silently.

The prompt of a row is rendered exactly as an engine renders it when serving, and only what the model must write itself
(thinking, answer, end of text) is trained. TRL renders `prompt`/`completion` conversations through
the template again, which drops everything before `</think>` without a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dsafe_runner.errors import TrainingError
from dsafe_runner.records import Message, message_list
from dsafe_runner.training.markers import Markers, markers_of
from dsafe_runner.training.templates import END_THINK, PREFILL, THINK


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the model is shown (`messages`, ending with a user turn) and what it should write.

    id, kind  of the row, for messages and for losses per kind
    where     file and line of the row
    """

    messages: tuple[Message, ...]
    thinking: str
    answer: str
    id: str = ""
    kind: str = ""
    where: str = field(default="", compare=False)

    @property
    def named(self) -> str:
        """File and line, and the row's own id where that says more; its first words for want of both."""
        if not self.where:
            return f"row {self.id}" if self.id else f"row {self.messages[-1].content[:40]!r}"
        return f"{self.where} ({self.id})" if self.id and not self.where.endswith(f":{self.id}") else self.where


@dataclass(frozen=True, slots=True)
class Tokens:
    """`input_ids` of the whole row, and 1 in `completion_mask` for each token that is trained on. Same length."""

    input_ids: list[int]
    completion_mask: list[int]


@dataclass(frozen=True, slots=True)
class Tokenised:
    """Rows that fit and their tokens, in order; `left_out` are those that are longer than max_length."""

    rows: list[Conversation]
    tokens: list[Tokens]
    left_out: list[Conversation]


class _TooLongError(TrainingError):
    """A row that is longer than max_length."""


def render_prompt(tokenizer: Any, messages: Sequence[Message]) -> str:
    """The prompt as it is served."""
    return str(tokenizer.apply_chat_template(message_list(tuple(messages)), add_generation_prompt=True, tokenize=False))


def completion(prompt: str, row: Conversation) -> str:
    """What the model must write after `prompt`, end of text aside. A `<think>` the prompt opened is not repeated."""
    if not row.thinking:
        return row.answer
    opening = "" if prompt.endswith(PREFILL) else PREFILL
    return f"{opening}{row.thinking}\n{END_THINK}\n\n{row.answer}"


def tokenise(
    tokenizer: Any, row: Conversation, *, reasoning: bool, max_length: int, markers: Markers | None = None
) -> Tokens:
    """One row. TrainingError says what is wrong with it and what to do.

    reasoning   thinking is required, and exactly one `</think>` must be trained on
    max_length  tokens; a longer row is an error, because a cut one never trains its end
    markers     of the tokenizer; worked out unless given
    """
    _refuse_markers(tokenizer, row, reasoning, markers or markers_of(tokenizer))
    prompt = render_prompt(tokenizer, row.messages)
    text = completion(prompt, row)
    where = row.named
    if reasoning and text.count(END_THINK) != 1:
        raise TrainingError(
            f"{where}: reasoning is declared but {END_THINK} is trained on {text.count(END_THINK)} times; "
            "give every row thinking, or drop `reasoning`"
        )
    if not reasoning and (END_THINK in text or prompt.endswith(PREFILL)):
        raise TrainingError(
            f"{where}: {THINK} in a row or template, but the recipe declares no `reasoning`; declare it"
        )
    x = list(tokenizer(prompt, add_special_tokens=False)["input_ids"])
    y = list(tokenizer(text, add_special_tokens=False)["input_ids"])
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    if eos is None:
        raise TrainingError("the tokenizer has no end-of-text token: the model would never learn to stop; give it one")
    if bos is not None and bos != eos and (x + y).count(bos) != 1:
        raise TrainingError(
            f"{where}: {(x + y).count(bos)} beginning-of-text tokens where the model is served with one; "
            "check the chat template"
        )
    y.append(eos)
    if len(x) + len(y) > max_length:
        raise _TooLongError(f"{where}: {len(x) + len(y)} tokens, max_length is {max_length}; raise it or drop the row")
    return Tokens(x + y, [0] * len(x) + [1] * len(y))


def _refuse_markers(tokenizer: Any, row: Conversation, reasoning: bool, markers: Markers) -> None:
    """TrainingError: a text of the row holds what only the template, or our own </think>, may write."""
    texts = [("thinking", row.thinking), ("answer", row.answer)]
    for number, turn in enumerate(row.messages, 1):
        # the thinking of earlier turns is dropped by the template, as when serving
        shown = turn.content.split(END_THINK)[-1] if reasoning and turn.role == "assistant" else turn.content
        texts.append((f"turn {number} ({turn.role})", shown))
    for place, text in texts:
        held = markers.named(text, list(tokenizer(text, add_special_tokens=False)["input_ids"])) if text else []
        if place == "thinking":
            held += [one for one in (THINK, END_THINK) if one in text and one not in held]
        if held:
            raise TrainingError(
                f"{row.named}: the text itself holds {', '.join(held)} ({place}); only the template may write that: "
                "it would be trained as the beginning or end of a turn; remove it"
            )


def tokenise_all(
    tokenizer: Any, rows: Iterable[Conversation], *, reasoning: bool, max_length: int, max_left_out: float = 0.0
) -> Tokenised:
    """All rows. TrainingError: the first bad one, none at all, or too many too long ones.

    max_left_out  share of the rows that may be left out for being longer than max_length. None is ever cut: a cut row
                  never trains its end, and teaches the model to go on for ever.
    """
    fitting: list[Conversation] = []
    tokens: list[Tokens] = []
    left_out: list[Conversation] = []
    longest: _TooLongError | None = None
    markers = markers_of(tokenizer)
    for row in rows:
        try:
            tokens.append(tokenise(tokenizer, row, reasoning=reasoning, max_length=max_length, markers=markers))
            fitting.append(row)
        except _TooLongError as error:
            left_out.append(row)
            longest = longest or error
    total = len(fitting) + len(left_out)
    if not total:
        raise TrainingError("no training rows; check the recipe's `data`")
    if longest is not None and len(left_out) > max_left_out * total:
        raise TrainingError(
            f"{longest} ({len(left_out)} of {total} rows are too long; max_left_out allows {max_left_out:.1%})"
        )
    if not fitting:
        raise TrainingError(f"no training rows are left: {longest}")
    return Tokenised(fitting, tokens, left_out)


def preview(tokenizer: Any, tokens: Tokens) -> str:
    """The row as text, what is trained on between 【 and 】."""
    prompt, trained = halves(tokenizer, tokens)
    return f"{prompt}【{trained}】"


def halves(tokenizer: Any, tokens: Tokens) -> tuple[str, str]:
    """The text a row's tokens spell: what the model is shown, and what is trained on."""
    start = tokens.completion_mask.index(1)
    return tokenizer.decode(tokens.input_ids[:start]), tokenizer.decode(tokens.input_ids[start:])
