"""Reads what a server sent back. Whatever is not a whole, well-formed answer is not an answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from dsafe_runner.engines.openai.text import one_line, said
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
    """

    content: str | None
    reasoning: str | None
    field: str | None
    finish: Literal["stop", "length"]
    model: str | None
    prompt_tokens: int
    completion_tokens: int


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


def read_reply(reply: Reply | Lost) -> Chat | Again | Refused:
    """What became of one attempt."""
    if isinstance(reply, Lost):
        return Again(reply.what, reply.more, 1.0 if reply.sent else 0.0)
    status = reply.status
    if status == 200:
        return _read_body(reply.body)
    if status in _AGAIN or status >= 500:
        return Again(f"HTTP {status}", said(reply.body), _TURNED_AWAY if status == 429 else 1.0, reply.retry_after)
    if 300 <= status < 400:
        return Refused(404, f"HTTP {status}, a redirect, which is not followed")
    if status >= 400:
        return Refused(status, f"HTTP {status}", said(reply.body))
    return Again(f"HTTP {status}, which is no answer to a chat request")


def _read_body(body: bytes) -> Chat | Again | Refused:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return Again("an answer that is not JSON")
    choices = data.get("choices") if isinstance(data, dict) else None
    if not isinstance(choices, list):
        return Again("an answer without choices", said(body) if isinstance(data, dict) and "error" in data else "")
    if len(choices) != 1:
        return Again(f"an answer with {len(choices)} choices instead of one")
    message = choices[0].get("message") if isinstance(choices[0], dict) else None
    if not isinstance(message, dict):
        return Again("an answer whose choice has no message")
    try:
        content = _content(message.get("content"))
        field, reasoning = _reasoning(message)
    except TypeError as error:
        return Again(str(error))
    finish = choices[0].get("finish_reason")
    if finish not in ("stop", "length"):
        return _unusual(finish)
    if content is None and reasoning is None and message.get("refusal"):
        return Refused(200, "the server refused in a field of its own (`refusal`), which is not the model's answer")
    usage, model = data.get("usage"), data.get("model")
    return Chat(
        content=content,
        reasoning=reasoning,
        field=field,
        finish=finish,
        model=model if isinstance(model, str) else None,
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
    )


def _unusual(finish: object) -> Again | Refused:
    """An answer that neither ended nor was cut by its budget: no evidence of what the model would have said."""
    if finish is None or finish in _UNFINISHED:
        return Again(f"an answer that is not finished (finish_reason {json.dumps(finish)})")
    if finish == "content_filter":
        return Refused(200, "the server's content filter ended the answer, which is not the model's doing")
    name = one_line(finish, 40) if isinstance(finish, str) else type(finish).__name__
    return Refused(200, f"the answer ended with finish_reason {name!r}, neither stop nor length")


def _content(content: object) -> str | None:
    """The text, which some servers send in parts. Raises TypeError for another shape."""
    if content is None:
        return None
    if isinstance(content, str):
        return _whole(content)
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        if len(texts) == len(content) and all(isinstance(text, str) for text in texts):
            return _whole("".join(map(str, texts)))
    raise TypeError("an answer whose content is no text")


def _reasoning(message: dict[str, Any]) -> tuple[str | None, str | None]:
    """Field and text of the reasoning: `reasoning` today, `reasoning_content` on older servers. Raises TypeError."""
    for field in ("reasoning", "reasoning_content"):
        text = message.get(field)
        if text is None:
            continue
        if not isinstance(text, str):
            raise TypeError(f"an answer whose {field} is no text")
        if text.strip():
            return field, _whole(text)
    return None, None


def _whole(text: str) -> str:
    """Without half surrogate pairs: JSON can carry them, the store cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _count(usage: object, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if type(value) is int and value >= 0 else 0
