"""Renders requests with the model's own chat template and finds the tokens of option letters."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dsafe_runner.engines import harmony
from dsafe_runner.engines.markers import Sign, opens_thinking, thinking_sign, told
from dsafe_runner.engines.reasoning import TAGS, thinks
from dsafe_runner.errors import EngineError
from dsafe_runner.records import Message, Request, message_list

LETTER_CUE = "答案："
"""What stands right before the option letter when letters are scored; the model never generates it itself."""

_PROBE = (Message("user", "1"),)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request ready for the model.

    ids      prompt tokens
    sha256   of the rendered prompt
    budget   new tokens it may have: max_tokens, clipped to what the context leaves
    letters  token id per option letter, empty for free text
    """

    request: Request
    ids: list[int]
    sha256: str
    budget: int
    letters: tuple[int, ...] = ()


class _PromptError(Exception):
    """One request cannot be put to this model; the message is its one-line error."""


class Prompts:
    """Turns requests into tokens.

    Args:
        tokenizer: the model's tokenizer, with its chat template.
        context: tokens the model can see, prompt and new ones together.
        vocabulary: rows of the model's embedding; a tokenizer can have more tokens than that.
        system_prompt: put before conversations that have no system turn.
        template_kwargs: handed to the chat template.
        reasoning: of spec.Checkpoint; where the model thinks, letters are scored after empty, closed thinking.

    Raises:
        EngineError: there is no chat template, it cannot render, or it opens thinking that
            `reasoning` does not name.
    """

    def __init__(
        self,
        tokenizer: Any,
        *,
        context: int,
        vocabulary: int,
        system_prompt: str | None,
        template_kwargs: dict[str, Any],
        reasoning: str | None,
    ) -> None:
        self._tokenizer = tokenizer
        self._context = context
        self._vocabulary = vocabulary
        self._system = system_prompt
        self._kwargs = template_kwargs
        self._reasoning = reasoning
        self._letter_ids: dict[tuple[str, ...], tuple[int, ...]] = {}
        try:
            self.template: str = tokenizer.get_chat_template()
        except (ValueError, AttributeError):
            raise EngineError(
                "the model has no chat template; add chat_template.jinja to its folder, or take a chat model"
            ) from None
        try:
            probe = self._render(_PROBE)
        except _PromptError as error:
            raise EngineError(str(error)) from None
        opened = opens_thinking(probe)
        self.prefilled = opened is not None
        if opened is not None and not _reads(reasoning, opened):
            raise EngineError(
                f"the chat template opens {opened}, so the model's thinking would be judged as its answer; "
                f"{told(thinking_sign(opened) or Sign(opened, None))}"
            )

    def prepare(self, requests: Iterable[Request]) -> list[Prepared | tuple[Request, str]]:
        """Requests with their tokens; a request that cannot be asked comes as (request, why)."""
        todo = list(requests)
        texts: list[str | None] = []
        errors: dict[int, str] = {}
        for index, request in enumerate(todo):
            try:
                texts.append(self._text(request))
            except _PromptError as error:
                errors[index] = str(error)
                texts.append(None)
        good = [text for text in texts if text is not None]
        # the template writes its own BOS; tokenising everything at once lets the tokenizer use its threads
        tokens = iter(self._tokenizer(good, add_special_tokens=False)["input_ids"] if good else [])
        result: list[Prepared | tuple[Request, str]] = []
        for index, (request, text) in enumerate(zip(todo, texts, strict=True)):
            if text is None:
                result.append((request, errors[index]))
                continue
            try:
                result.append(self._prepared(request, text, list(next(tokens))))
            except _PromptError as error:
                result.append((request, str(error)))
        return result

    def _prepared(self, request: Request, text: str, ids: list[int]) -> Prepared:
        wanted = 1 if request.sampling.scoring == "letters" else request.sampling.max_tokens
        if not ids:
            raise _PromptError("the chat template rendered an empty prompt")
        if max(ids) >= self._vocabulary:
            raise _PromptError(
                f"prompt has token {max(ids)}, but the model knows {self._vocabulary}: tokenizer and weights do not fit"
            )
        if len(ids) >= self._context:
            raise _PromptError(f"prompt of {len(ids)} tokens does not fit the context of {self._context}")
        letters = self._letters(request.letters) if request.sampling.scoring == "letters" else ()
        sha256 = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return Prepared(request, ids, sha256, min(wanted, self._context - len(ids)), letters)

    def _text(self, request: Request) -> str:
        messages = request.messages
        if self._system is not None and all(m.role != "system" for m in messages):
            messages = (Message("system", self._system), *messages)
        text = self._render(messages)
        if request.sampling.scoring != "letters":
            return text
        return self._closed(text) + LETTER_CUE

    def _closed(self, text: str) -> str:
        """A prompt whose thinking is over before it began."""
        if not thinks(self._reasoning):
            return text
        if self._reasoning == "harmony":
            return text + harmony.LETTERS_AFTER
        opening, closing = TAGS[str(self._reasoning)]
        between = "" if self._reasoning == "mistral" else "\n\n"
        if self.prefilled:
            return f"{text.rstrip()}{between}{closing}{between}"
        if text.rstrip().endswith(closing):
            return text
        return f"{text}{opening}{between}{closing}{between}"

    def _render(self, messages: tuple[Message, ...]) -> str:
        try:
            text = self._tokenizer.apply_chat_template(
                message_list(messages), tokenize=False, add_generation_prompt=True, **self._kwargs
            )
        except Exception as error:  # a template is a program of the checkpoint's: it may raise anything
            raise _PromptError(f"the chat template refused the conversation: {one_line(error)}") from None
        return str(text)

    def _letters(self, letters: tuple[str, ...]) -> tuple[int, ...]:
        """The token of each letter after the cue, looked up once per set of letters."""
        if letters not in self._letter_ids:
            if len(letters) < 2:
                raise _PromptError("scoring by letters needs at least two letters")
            found = [self._letter(letter) for letter in letters]
            if len(set(found)) != len(found):
                raise _PromptError(f"the letters {', '.join(letters)} are not distinct tokens of this tokenizer")
            self._letter_ids[letters] = tuple(found)
        return self._letter_ids[letters]

    def _letter(self, letter: str) -> int:
        """The one token that spells `letter` where the cue has just been read.

        In context first: some tokenizers mark a word's beginning, so that the letter alone is another token. Where the
        letter melts into the cue's last token (byte-level BPE with a token for `：A`), the model after the cue's own
        tokens can only go on with the letter alone.
        """
        cue = list(self._tokenizer(LETTER_CUE, add_special_tokens=False)["input_ids"])
        both = list(self._tokenizer(LETTER_CUE + letter, add_special_tokens=False)["input_ids"])
        if both[: len(cue)] == cue and len(both) == len(cue) + 1:
            return int(both[-1])
        alone = list(self._tokenizer(letter, add_special_tokens=False)["input_ids"])
        if len(alone) == 1:
            return int(alone[0])
        raise _PromptError(f"the letter {letter} is not a single token of this tokenizer")


def _reads(reasoning: str | None, mark: str) -> bool:
    """Whether a format reads thinking that a prompt opens with `mark`; `none` says that it is text."""
    if reasoning == "harmony":
        return harmony.ANALYSIS.startswith(mark)
    return reasoning == "none" or (reasoning in TAGS and TAGS[str(reasoning)][0] == mark)


def one_line(error: BaseException, limit: int = 300) -> str:
    """An exception as one line of bounded length."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"
