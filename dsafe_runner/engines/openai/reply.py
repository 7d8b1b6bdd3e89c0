"""Reads what a server sent back. Whatever is not a whole, well-formed answer is not an answer."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from dsafe_runner.engines.openai.signs import error_of, sign_of
from dsafe_runner.engines.openai.text import one_line, said
from dsafe_runner.engines.openai.thoughts import content_of, reasoning_of
from dsafe_runner.engines.openai.transport import Lost, Reply

ENGINE_WIDE = frozenset({401, 402, 404})
"""Refusals that every other request would get too: the key, the bill, the model's name."""
_AGAIN = frozenset({408, 409, 425, 429})
_TURNED_AWAY = 0.25
"""Cost of a 429. Where many ask at a server that takes few, each is turned away often; not for ever, as some servers
give a 429 to what is too large for their limit."""
_UNFINISHED = ("abort", "error")
"""Finish reasons with which servers (vLLM, SGLang) tell that they did not get to the end."""


@dataclass(frozen=True, slots=True)
class Chat:
    """A well-formed answer, its texts as the server split them.

    field  name of the field the reasoning came in, None where there was none
    model  what the server calls the model that answered
    stamp  its id and time, where the server gives both
    """

    content: str | None
    reasoning: str | None
    field: str | None
    finish: Literal["stop", "length"]
    model: str | None
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    stamp: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """Worth another attempt. `more` may quote the prompt.

    cost  of an attempt that it counts as: nothing where the request never reached a server (while one restarts, only
          the budget counts), a part where the server did not take it up
    """

    what: str
    more: str = ""
    cost: float = 1.0
    retry_after: float | None = None

    def __str__(self) -> str:
        return f"{self.what}: {self.more}" if self.more else self.what


@dataclass(frozen=True, slots=True)
class Refused:
    """Final. `status` is the HTTP status, 200 where the answer itself is one that cannot be used."""

    status: int
    what: str
    more: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.more}" if self.more else self.what


def read_reply(reply: Reply | Lost, stops: Collection[str] = ()) -> Chat | Again | Refused:
    """What became of one attempt; `stops` are stop strings that the suite asked for itself."""
    if isinstance(reply, Lost):
        return Again(reply.what, reply.more, 1.0 if reply.sent else 0.0)
    status = reply.status
    if status == 200:
        return _read_body(reply.data, stops)
    told = said(reply.data) if reply.data is not None else one_line(reply.text)
    if status in _AGAIN or status >= 500:
        return Again(f"HTTP {status}", told, _TURNED_AWAY if status == 429 else 1.0, reply.retry_after)
    if 300 <= status < 400:
        return Refused(404, f"HTTP {status}, a redirect, which is not followed")
    if status >= 400:
        return Refused(status, f"HTTP {status}", told)
    return Again(f"HTTP {status}, which is no answer to a chat request")


def _read_body(data: Any, stops: Collection[str]) -> Chat | Again | Refused:
    if data is None:
        return Again("an answer that is not JSON")
    choices = data.get("choices") if isinstance(data, dict) else None
    if not isinstance(choices, list):
        return Again("an answer without choices", said(data) if isinstance(data, dict) and "error" in data else "")
    if len(choices) != 1:
        return Again(f"an answer with {len(choices)} choices instead of one")
    choice = choices[0]
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        return Again("an answer whose choice has no message")
    if beside := error_of(data, choice, message):
        return Again("an answer with an error beside it", said(beside))
    try:
        content, among = content_of(message)
        field, reasoning = reasoning_of(message, choice)
    except TypeError as error:
        return Again(str(error))
    if among is not None and field is None:
        field, reasoning = "content", among
    finish = choice.get("finish_reason")
    if finish not in ("stop", "length"):
        return _unusual(finish)
    if sign := sign_of(data, choice, message, stops):
        return Refused(200, *sign)
    usage, model = data.get("usage"), data.get("model")
    chat = Chat(
        content=content,
        reasoning=reasoning,
        field=field,
        finish=finish,
        model=model if isinstance(model, str) else None,
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        cached_tokens=_cached(usage),
        stamp=_stamp(data),
    )
    return _without_text(chat) or chat


def _without_text(chat: Chat) -> Refused | None:
    """A text that ended by itself and is not there was lost on the way: the model's own silence is one token."""
    if chat.content or chat.field or chat.finish != "stop":
        return None
    if chat.content is None:
        return Refused(200, "the answer ended and holds no text (content is null or not there)")
    if chat.completion_tokens > 1:
        return Refused(200, "the answer is empty, though the server counts tokens for it")
    return None


def _unusual(finish: object) -> Again | Refused:
    """An answer that neither ended nor was cut by its budget: no evidence of what the model would have said."""
    if finish is None or finish in _UNFINISHED:
        return Again(f"an answer that is not finished (finish_reason {json.dumps(finish)})")
    if isinstance(finish, str) and finish.casefold().startswith(("content_filter", "safety", "sensitive")):
        return Refused(200, "the server's content filter ended the answer, which is not the model's doing")
    name = one_line(finish, 40) if isinstance(finish, str) else type(finish).__name__
    return Refused(200, f"the answer ended with finish_reason {name!r}, neither stop nor length")


def _count(usage: object, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if type(value) is int and value >= 0 else 0


def _cached(usage: object) -> int:
    """Tokens of the prompt that some servers count apart because they had them already."""
    details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
    return _count(details, "cached_tokens")


def _stamp(data: dict[str, Any]) -> tuple[str, int] | None:
    """Id and time of an answer, which no two have in common; None where a server does not say both."""
    name, created = data.get("id"), data.get("created")
    return (name, created) if isinstance(name, str) and name and type(created) is int and created > 0 else None
