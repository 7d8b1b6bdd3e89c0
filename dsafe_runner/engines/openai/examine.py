"""The self-test of a server at the start: a few small requests that show what it serves and how.

Servers differ in where thinking comes back and in which fields they take, and most ignore silently what they do not
know. What a vendor's server does not say is recorded as unknown; what would make a number wrong ends the engine.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from typing import Any, NoReturn

from dsafe_runner.engines.markers import FIELD, Sign, thinking_sign, told
from dsafe_runner.engines.openai.body import Bodies, Dialect
from dsafe_runner.engines.openai.contract import CLOSING_TAG, CUT, NONE_SEEN, UNKNOWN, Contract
from dsafe_runner.engines.openai.reply import Again, Chat, Refused, read_reply
from dsafe_runner.engines.openai.retry import delay
from dsafe_runner.engines.openai.text import one_line
from dsafe_runner.engines.openai.transport import Lost, Server
from dsafe_runner.engines.openai.watch import cut_prompt, declared_stops, least_tokens
from dsafe_runner.engines.reasoning import CLOSE, NOT_THINKING, OPEN, TAGS, same_format, thinks
from dsafe_runner.errors import EngineError, UnavailableError
from dsafe_runner.records import Message

_ATTEMPTS, _CONNECTS = 6, 3
_CHAT_SECONDS, _PAGE_SECONDS, _ALL_SECONDS = 120.0, 15.0, 300.0
_QUESTION = (Message("user", "Reply with the single word: ready"),)
_LONG_QUESTION = (
    Message(
        "user",
        "Reply with the single word: ready. Do not mind the words that follow. "
        + 16
        * (
            "river stone window garden letter winter market bridge paper candle "
            "forest harbour table music island mirror ladder summer kitchen street "
        ),
    ),
)
_ROOM = 2048
"""Tokens of context from which on a server must take the long question."""
_MORE_QUESTIONS = (
    (Message("user", "A train leaves at 9:40 and arrives at 11:15. How long does it take? Answer in one sentence."),),
    (Message("user", "用一句话介绍一下北京。"),),
)
"""Asked besides where the suite does not say that the model thinks: some think only where there is a reason."""
_CHOICES = ("dsafe-left", "dsafe-right")
_TOKENS, _THINKING_TOKENS = 32, 512
"""Of a test answer. Thinking gets the time to end, as its end is what tells how it comes back."""
_DIALECTS = tuple(Dialect(seed, tokens) for tokens in ("max_tokens", "max_completion_tokens") for seed in (True, False))
"""In the order they are tried."""


class Examination:
    """Examines one server.

    Args:
        server: the server.
        model: fields of spec.Checkpoint and `name`.
        engine: fields of spec.OpenAIEngine.
        bodies: of that model and engine.
    """

    def __init__(self, server: Server, model: dict[str, Any], engine: dict[str, Any], bodies: Bodies) -> None:
        self._server = server
        self._name = server.redactor.answer(str(model["path"]))
        self._revision: str | None = model.get("revision")
        self._root = ""
        self._listed: set[str] = set()
        self._reasoning: str | None = model.get("reasoning")
        self._thinks = thinks(self._reasoning)
        self._key_env: str | None = engine.get("api_key_env")
        self._context: int | None = engine.get("context_length")
        self._seconds = float(engine["timeout"])
        self._attempts = min(int(engine["max_attempts"]), _ATTEMPTS)
        self._bodies = bodies
        self._stops = declared_stops(engine["extra_body"])
        self._until = time.monotonic() + _ALL_SECONDS

    async def run(self) -> Contract:
        """What the server shows.

        Raises:
            UnavailableError: it does not answer, does not take the key, or does not serve the model.
            EngineError: it refuses the requests, has a smaller context than the suite says, or thinks where the suite
                says nothing of it.
        """
        url, card = self._server.url, await self._card()
        root, longest = card.get("root"), card.get("max_model_len")
        found = Contract(
            served="listed" if card else UNKNOWN,
            root=one_line(root) if isinstance(root, str) and root else UNKNOWN,
            max_model_len=longest if type(longest) is int and longest > 0 else None,
        )
        if self._context and found.max_model_len and found.max_model_len < self._context:
            raise EngineError(
                f"{url} serves a context of {found.max_model_len} tokens and the suite says {self._context}; "
                "serve it with a longer one, or correct context_length"
            )
        room = found.max_model_len or self._context or 2 * _THINKING_TOKENS
        tokens = max(1, min(_THINKING_TOKENS if self._thinks else _TOKENS, room // 2))
        # thinking that nobody declared needs the time to end as well, as its end may be all that shows it
        long = max(1, min(_THINKING_TOKENS, room // 2))
        chat, dialect = await self._first_answer(long)
        thinking = _where_thinking_is(chat, self._reasoning)
        if thinking == NONE_SEEN and self._thinks and chat.finish == "length":
            thinking = CUT
        self._undeclared(chat)
        if not self._thinks:
            for question in _MORE_QUESTIONS:
                if isinstance(more := await self._ask(dialect, long, question), Chat):
                    self._undeclared(more)
        choice, version = await asyncio.gather(self._choice(dialect, tokens), self._version())
        answers_as = one_line(chat.model) if chat.model else None
        warnings = [] if answers_as is None else self._other_name(answers_as)
        if room >= _ROOM:
            warnings += await self._long_prompt(chat, dialect, tokens)
        return replace(
            found,
            answers_as=answers_as,
            thinking=thinking,
            choice=choice,
            version=version,
            dialect=dialect,
            shortest=chat.prompt_tokens + chat.cached_tokens,
            warnings=tuple(warnings),
        )

    def _other_name(self, answers_as: str) -> list[str]:
        """What to say of answers under another name than was asked for: gateways fall back to other models."""
        if answers_as in (self._revision, *_names(self._name), *_names(self._root)) or _dated(self._name, answers_as):
            return []
        url = self._server.url
        if answers_as in self._listed:
            raise EngineError(
                f"{url} was asked for {self._name} and answers as {answers_as}, another model it serves; "
                "ask for the model that is meant"
            )
        return [
            f"{url} answers as {answers_as} and was asked for {self._name}; if that is the model you mean, say "
            f"`revision: {answers_as}` for it"
        ]

    async def _long_prompt(self, short: Chat, dialect: Dialect, tokens: int) -> list[str]:
        """Whether a prompt of some hundred words arrives whole, as far as the server counts prompt tokens."""
        body = self._body(dialect, tokens, question=_LONG_QUESTION)
        read = read_reply(await self._server.chat(body, min(self._seconds, _CHAT_SECONDS)), self._stops)
        if not isinstance(read, Chat):
            return []
        shortest = short.prompt_tokens + short.cached_tokens
        if cut := cut_prompt(read, least_tokens(self._bodies.messages(_LONG_QUESTION)), shortest):
            raise EngineError(f"{self._server.url}: {cut}")
        if 0 < shortest == read.prompt_tokens + read.cached_tokens:
            return [
                f"{self._server.url} counts {shortest} prompt tokens whatever it is asked: whether it cuts long "
                "prompts cannot be seen"
            ]
        return []

    def _undeclared(self, chat: Chat) -> None:
        """Raises EngineError where an answer holds thinking of a format the suite does not declare."""
        if chat.field:
            sign = None if self._thinks else Sign(chat.field, "deepseek-r1")
        else:
            text = "" if self._reasoning == NOT_THINKING else chat.content or ""
            sign = thinking_sign(text, aloud=not self._thinks)
        if sign is None or (self._thinks and (sign.key is None or same_format(sign.key, self._reasoning))):
            return
        raise EngineError(
            f"{self._server.url} answers with thinking ({sign.what}), which would be lost or taken for the answer; "
            f"{told(Sign(FIELD, sign.key) if chat.field else sign)}"
        )

    async def _card(self) -> dict[str, Any]:
        """What GET /models says of the model; empty where there is no such page."""
        page = await self._page(f"{self._server.url}/models", self._attempts)
        cards = page.get("data") if isinstance(page, dict) else None
        listed = cards if isinstance(cards, list) else []
        named = {card["id"]: card for card in listed if isinstance(card, dict) and isinstance(card.get("id"), str)}
        if not named:
            return {}
        if self._name not in named:
            served = ", ".join(one_line(name, 60) for name in list(named)[:5])
            raise UnavailableError(
                f"{self._server.url} does not serve {self._name}; it serves {served}"
                f"{' and more' if len(named) > 5 else ''}; correct the model's path, or serve it under that name"
            )
        self._listed = {one_line(name) for name in named}
        self._root = one_line(named[self._name].get("root") or "")
        return dict(named[self._name])

    async def _first_answer(self, tokens: int) -> tuple[Chat, Dialect]:
        """An answer as the real ones will be asked for, in the first dialect the server takes."""
        told: Refused | None = None
        for dialect in _DIALECTS:
            read = await self._ask(dialect, tokens)
            if isinstance(read, Chat):
                return read, dialect
            told = told or read
            if read.status not in (400, 422):
                break
        self._refused(told)

    async def _choice(self, dialect: Dialect, tokens: int) -> str:
        """Whether a choice constraint binds; nothing depends on it, so one attempt is enough."""
        body = self._body(dialect, tokens, structured_outputs={"choice": list(_CHOICES)})
        read = read_reply(await self._server.chat(body, min(self._seconds, _CHAT_SECONDS)), self._stops)
        if isinstance(read, Refused):
            return "refused"
        if isinstance(read, Again) or not read.content:
            return UNKNOWN
        return "binds" if read.content.strip() in _CHOICES else "ignored"

    async def _version(self) -> str:
        """What GET /version says, which vLLM has beside /v1."""
        base = self._server.url
        if not base.endswith("/v1"):
            return UNKNOWN
        page = await self._page(f"{base.removesuffix('/v1')}/version", 2, must_answer=False)
        version = page.get("version") if isinstance(page, dict) else None
        return one_line(version, 60) if isinstance(version, str) and version else UNKNOWN

    async def _ask(self, dialect: Dialect, tokens: int, question: tuple[Message, ...] = _QUESTION) -> Chat | Refused:
        body, attempt = self._body(dialect, tokens, question), 0
        while True:
            seconds = min(self._seconds, _CHAT_SECONDS, self._until - time.monotonic())
            read = read_reply(await self._server.chat(body, max(seconds, 0.1)), self._stops)
            if not isinstance(read, Again):
                return read
            attempt += 1
            most = self._attempts if read.cost else min(_CONNECTS, self._attempts)
            if attempt >= most or time.monotonic() > self._until:
                break
            await asyncio.sleep(delay(attempt - 1, read.retry_after))
        if read.what.startswith("an answer"):
            raise EngineError(f"{self._server.url} does not speak the chat API: it sends {read}")
        self._silent(str(read))

    async def _page(self, url: str, attempts: int, *, must_answer: bool = True) -> Any:
        """JSON of a page, None where the server has no such page."""
        for attempt in range(attempts):
            reply = await self._server.get(url, min(self._seconds, _PAGE_SECONDS))
            wait = None
            if isinstance(reply, Lost):
                if attempt + 1 == (attempts if reply.sent else min(_CONNECTS, attempts)) and must_answer:
                    self._silent(f"{reply.what}: {reply.more}" if reply.more else reply.what)
            elif reply.status == 401:
                self._refused(Refused(401, "HTTP 401"))
            elif reply.status == 200:
                if reply.data is not None:
                    return reply.data
            elif reply.status < 500 and reply.status not in (408, 409, 425, 429):
                return None
            else:
                wait = reply.retry_after
            if attempt + 1 < attempts:
                await asyncio.sleep(delay(attempt, wait))
        return None

    def _body(self, dialect: Dialect, tokens: int, question: tuple[Message, ...] = _QUESTION, **more: Any) -> bytes:
        messages = self._bodies.messages(question)
        return self._bodies.body(messages, dialect, temperature=0.0, top_p=1.0, tokens=tokens, seed=0, **more)

    def _silent(self, why: str) -> NoReturn:
        raise UnavailableError(f"{self._server.url} does not answer ({why}); start the server, or correct base_urls")

    def _refused(self, told: Refused | None) -> NoReturn:
        raise refusal(self._server.url, told, self._name, self._key_env)


def refusal(url: str, told: Refused | None, model: str, key_env: str | None) -> UnavailableError | EngineError:
    """The error of a refusal that is not about one request: what to do, by its status."""
    what = str(told) if told else "nothing"
    status = told.status if told else 0
    if status in (401, 403):
        todo = (
            f"see that ${key_env} holds a key that is valid for {model}"
            if key_env
            else "name the environment variable that holds its key in api_key_env"
        )
        return UnavailableError(f"{url} does not let us in ({what}); {todo}")
    if status == 402:
        return UnavailableError(f"{url} wants to be paid first ({what})")
    if status == 404:
        return UnavailableError(
            f"{url} has no chat for {model} ({what}); see that base_urls end as the server wants it (often /v1) "
            "and that the model's path is the name it is served under"
        )
    if status == 200:
        return EngineError(f"{url} gives no usable answers for {model} ({what}); see to the server, or to extra_body")
    return EngineError(
        f"{url} refuses the requests for {model} ({what}); see extra_body, chat_template_kwargs and system_prompt"
    )


def _names(name: str) -> tuple[str, ...]:
    """What stands for a model's name: itself, and the last part of a path or of `owner/name`."""
    return (name, name.rstrip("/").rpartition("/")[2]) if name else ()


def _dated(asked: str, answered: str) -> bool:
    """Whether a name is that of a dated or tagged version of what was asked: vendors resolve aliases so."""
    rest = answered.removeprefix(asked)
    return rest != answered and re.match(r"[-@:._]", rest) is not None


def _where_thinking_is(chat: Chat, reasoning: str | None) -> str:
    if chat.field:
        return chat.field
    content = (chat.content or "").lstrip()
    opening, closing = TAGS.get(str(reasoning), (OPEN, CLOSE))
    if content.startswith(opening):
        return "tags"
    if closing in content:
        return CLOSING_TAG
    return "tags" if thinking_sign(content) else NONE_SEEN
