"""What is sent to a server for one request, and which of its fields the server takes."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from dsafe_runner.errors import EngineError
from dsafe_runner.records import Message, Request, canonical_json, message_list

_OURS = frozenset(
    {
        "model",
        "messages",
        "temperature",
        "top_p",
        "max_tokens",
        "max_completion_tokens",
        "seed",
        "n",
        "stream",
        "chat_template_kwargs",
    }
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where servers differ in what they take; found out at the start, the same for all URLs of an engine.

    seed    the server takes `seed`
    tokens  what it calls the budget of new tokens: OpenAI's own newer models refuse `max_tokens`
    """

    seed: bool = True
    tokens: str = "max_tokens"


class Bodies:
    """Makes request bodies for one model.

    Args:
        model: fields of spec.Checkpoint and `name`.
        extra: the engine's `extra_body`.

    Raises:
        EngineError: `extra` says something that the suite says elsewhere.
    """

    def __init__(self, model: dict[str, Any], extra: dict[str, Any]) -> None:
        check_extra_body(extra)
        self._system: str | None = model.get("system_prompt")
        self._kwargs: dict[str, Any] = dict(model.get("chat_template_kwargs") or {})
        self._fixed = {**extra, "model": model["path"], "stream": False}
        if self._kwargs:
            self._fixed["chat_template_kwargs"] = self._kwargs

    def of(self, request: Request, dialect: Dialect) -> tuple[bytes, str]:
        """Body of a request, and the hash of the conversation in it (a server shows no rendered prompt)."""
        messages = self.messages(request.messages)
        sampling = request.sampling
        body = self.body(
            messages,
            dialect,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            tokens=sampling.max_tokens,
            seed=request.seed,
        )
        asked = canonical_json({"messages": messages, "chat_template_kwargs": self._kwargs})
        return body, hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()

    def messages(self, turns: tuple[Message, ...]) -> list[dict[str, str]]:
        """The conversation as it is sent, the system prompt before one that has no system turn."""
        if self._system is not None and all(turn.role != "system" for turn in turns):
            turns = (Message("system", self._system), *turns)
        return message_list(turns)

    def body(
        self,
        messages: list[dict[str, str]],
        dialect: Dialect,
        *,
        temperature: float,
        top_p: float,
        tokens: int,
        seed: int,
        **more: Any,
    ) -> bytes:
        """A chat request as JSON. ASCII only, so that half an emoji in a prompt is the server's to judge."""
        body = {
            **self._fixed,
            "messages": messages,
            "temperature": temperature,
            "top_p": top_p,
            dialect.tokens: tokens,
            **more,
        }
        if dialect.seed:
            body["seed"] = seed
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()


_SECRET = re.compile(r"api[_-]?key|secret|password|authorization|^token$|access[_-]?token", re.IGNORECASE)


def check_extra_body(extra: dict[str, Any]) -> None:
    """Raise EngineError where `extra_body` says what the suite says elsewhere: the store keys would not know."""
    if secret := [name for name in extra if _SECRET.search(name)]:
        raise EngineError(f"extra_body says {secret[0]}, which would stand in reports; use api_key_env")
    if taken := sorted(_OURS & extra.keys()):
        raise EngineError(
            f"extra_body says {', '.join(taken)}, which the suite says elsewhere (model, sampling); take it out"
        )
