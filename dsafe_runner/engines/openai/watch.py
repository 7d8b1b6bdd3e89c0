"""What only several answers show: the same fault in all of them, copies of one answer, prompts that arrive cut."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from dsafe_runner.engines.openai.reply import Chat
from dsafe_runner.errors import EngineError
from dsafe_runner.records import Response

_ENOUGH = 20
"""Answers with one and the same fault, and none without, after which no other is asked for."""
_FEW = 3
"""Up to so many in all are missing answers, not a model that cannot be measured."""
_ALIKE = 10
"""Different prompts that got one text, from which on that is said."""
_LEAST = 64
"""Tokens below which the length of a prompt is no evidence: chat templates differ by more."""
_CJK = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
_WORD = re.compile(r"[^\W_]+")


def least_tokens(messages: list[dict[str, str]]) -> int:
    """A number of tokens that no tokenizer in use stays below for a conversation: a word, or three characters, each."""
    text = "\n".join(turn["content"] for turn in messages)
    wide = len(_CJK.findall(text))
    return wide // 3 + len(_WORD.findall(_CJK.sub(" ", text) if wide else text))


def cut_prompt(chat: Chat, least: int, shortest: int) -> str | None:
    """Whether a server read less than it was sent.

    Args:
        chat: the answer.
        least: `least_tokens` of what was asked.
        shortest: what the server counted for a few words. A server that counts the same for everything counts nothing.
    """
    counted = chat.prompt_tokens + chat.cached_tokens
    if least < _LEAST or not 0 < counted < least / 2 or counted == shortest:
        return None
    return "the server read only a part of the prompt (by its count of prompt_tokens); serve a longer context"


class Watch:
    """Watches the answers of one `generate`.

    Answers that cannot be used are held until one can be: where none can, the model is an error, not a model with
    missing answers.

    Args:
        name: of the model, as served.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._good = False
        self._held: list[Response] = []
        self._signs: set[str | None] = set()
        self._stamps: dict[tuple[str, int], tuple[str, str]] = {}
        self._unique = True
        self._texts: set[str] = set()
        self._prompts: set[str] = set()

    def seen(self, response: Response, sign: str | None) -> Iterator[Response]:
        """Pass on a response, or hold it; `sign` is why its answer cannot be used.

        Raises:
            EngineError: no answer can be used, all for one reason.
        """
        self._held.append(response)
        self._good = self._good or response.finish != "error"
        self._signs.add(sign)
        if not self._good and self._one_fault and len(self._held) >= _ENOUGH:
            self._give_up()
        if self._good or not self._one_fault:
            yield from self._let_go()

    def ended(self) -> Iterator[Response]:
        """What is still held when nothing more comes; raises as `seen`."""
        if not self._good and self._one_fault and len(self._held) > _FEW:
            self._give_up()
        yield from self._let_go()

    def copied(self, chat: Chat, key: str) -> bool:
        """Whether an answer is the copy of one to another request: same id, same time, same text."""
        if chat.stamp is None or not self._unique:
            return False
        text = _hash(chat)
        owner, before = self._stamps.setdefault(chat.stamp, (key, text))
        if before != text:
            self._unique = False  # ids that different texts share say nothing on this server
        return self._unique and owner != key

    def answered(self, chat: Chat, prompt: str) -> None:
        """Remember the text a prompt got, until there are two."""
        if len(self._texts) < 2:
            self._texts.add(_hash(chat))
            self._prompts.add(prompt)

    def notes(self) -> list[str]:
        """What to tell about the answers as a whole."""
        if len(self._texts) == 1 and len(self._prompts) >= _ALIKE:
            return [
                f"{len(self._prompts)} different prompts all got the same text; see that nothing in front of the "
                "server caches or replaces answers"
            ]
        return []

    @property
    def _one_fault(self) -> bool:
        return len(self._signs) == 1 and None not in self._signs

    def _let_go(self) -> Iterator[Response]:
        held, self._held = self._held, []
        yield from held

    def _give_up(self) -> None:
        raise EngineError(
            f"none of {len(self._held)} answers of {self._name} can be used: {next(iter(self._signs))}; "
            "see to the server, or to what stands in front of it"
        )


def _hash(chat: Chat) -> str:
    return hashlib.sha256(f"{chat.reasoning}\0{chat.content}".encode("utf-8", "surrogatepass")).hexdigest()


def declared_stops(extra: dict[str, Any]) -> frozenset[str]:
    """Stop strings that the suite asks for in `extra_body`."""
    stop = extra.get("stop")
    return frozenset(one for one in (stop if isinstance(stop, list) else [stop]) if isinstance(one, str))
