"""The openai engine: any server, or several, that speak the OpenAI chat API.

The event loop runs inside `generate`, in the caller's thread, whenever the caller waits for the next response: no
thread to leave behind, and a slow caller slows the asking down instead of filling memory.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import platform
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from dsafe_runner.engines.base import Identified
from dsafe_runner.engines.openai.body import Bodies, check_extra_body
from dsafe_runner.engines.openai.contract import CUT, NONE_SEEN, Contract, agreed
from dsafe_runner.engines.openai.examine import Examination, refusal
from dsafe_runner.engines.openai.fleet import Fleet
from dsafe_runner.engines.openai.reply import ENGINE_WIDE, Again, Chat, Refused, read_reply
from dsafe_runner.engines.openai.retry import asked_for, delay
from dsafe_runner.engines.openai.text import one_line
from dsafe_runner.engines.openai.transport import Server, base_urls, key_from, room_for
from dsafe_runner.engines.openai.watch import Watch, cut_prompt, declared_stops, least_tokens
from dsafe_runner.engines.reasoning import join_server_split, thinks
from dsafe_runner.engines.redaction import redactor_of
from dsafe_runner.errors import EngineError, UnavailableError
from dsafe_runner.records import Request, Response

LOOP = 1
"""Raised whenever the same request could give another text than before: it is part of what `describe` says."""

_CLOSING_SECONDS = 2.0
_FORBIDDEN = 20
"""403s in a row that are about the engine: gateways that moderate give some to single questions."""


def identify(model: dict[str, Any], engine: dict[str, Any]) -> Identified:
    """See engines.backends.identify. The key is not needed: what is stored can be decided without it.

    Raises:
        UnavailableError: a base URL is none, or what is written to files holds the key.
    """
    check_extra_body(engine["extra_body"])
    urls = base_urls(engine)
    facts = {
        "backend": "openai",
        "loop": LOOP,
        "served_model": model["path"],
        "revision": model["revision"],
        "servers": {"identity": engine["identity"]} if engine["identity"] else {"urls": urls},
        "extra_body": dict(engine["extra_body"]),
        "context_length": engine["context_length"],
    }
    redactor = redactor_of(engine)
    if redactor.sure and redactor.value(facts) != facts:
        raise UnavailableError(
            f"what ${engine['api_key_env']} holds stands in the suite as well (base_urls, extra_body or path), which "
            "is written to files; take it out there"
        )
    return Identified(facts, "none")


class OpenAIEngine:
    """Implements engines.base.Engine. Meant to live in a worker process.

    Args:
        model: fields of spec.Checkpoint and `name`; `path` is the name the model is served under.
        engine: fields of spec.OpenAIEngine.

    Raises (on entering):
        UnavailableError: no key, or a server does not answer, does not take it, or does not serve the model.
        EngineError: the servers do not do what the suite says; see engines.openai.examine.
    """

    def __init__(self, model: dict[str, Any], engine: dict[str, Any]) -> None:
        self._model = model
        self._engine = engine
        self._name = str(model["path"])
        self._parser: str | None = model.get("reasoning")
        self._timeout = float(engine["timeout"])
        self._budget = float(engine["budget"])
        self._bodies = Bodies(model, engine["extra_body"])
        self._urls = base_urls(engine)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._servers: list[Server] = []
        self._contracts: dict[str, Contract] = {}
        self._contract = Contract()
        self._stops = declared_stops(engine["extra_body"])
        self._watch = Watch(self._name)
        self._busy = False

    def __enter__(self) -> Self:
        import httpx2

        key = key_from(self._engine.get("api_key_env"))
        room_for(int(self._engine["concurrency"]))
        self._loop = asyncio.new_event_loop()
        try:
            context = httpx2.create_ssl_context()
            self._servers = [Server(url, key, context) for url in self._urls]
            self._contracts = self._loop.run_until_complete(self._examine())
            self._contract = agreed(self._contracts)
            # two attempts' time: connections that died together (a gateway restarted) are found out by one timeout
            self._fleet = Fleet(self._servers, min(2 * self._timeout, self._budget))
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def describe(self) -> dict[str, Any]:
        """Everything known that can move a number: the servers, what they showed at the start, and what is asked."""
        contract = self._contract
        warnings = []
        if thinks(self._parser) and contract.thinking in (NONE_SEEN, CUT):
            warnings.append(
                f"{self._name} is said to think ({self._parser}), but a test answer showed no thinking "
                f"({contract.thinking}); see the server's --reasoning-parser and the chat template"
            )
        warnings += [warning for found in self._contracts.values() for warning in found.warnings]
        if not contract.dialect.seed:
            warnings.append(f"the servers of {self._name} refuse `seed`: drawing again gives other answers")
        return {
            "engine": "openai",
            "loop": LOOP,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "httpx2": importlib.metadata.version("httpx2"),
            "device": "none",
            "served_model": self._name,
            "base_urls": self._urls,
            "context_length": self._engine.get("context_length") or contract.max_model_len,
            **{name: self._engine[name] for name in ("concurrency", "timeout", "max_attempts", "budget")},
            "extra_body": dict(self._engine["extra_body"]),
            "contract": {url: found.as_json() for url, found in self._contracts.items()},
            "warnings": warnings,
        }

    def generate(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Yield a Response per Request as soon as it is finished; see engines.base.Engine.

        Closing the iterator ends what is in flight at once.
        """
        loop = self._loop
        if loop is None:
            raise EngineError("the engine is not running; use it as a context manager")
        if self._busy:
            raise EngineError("the engine is busy; end the other `generate` first")
        source, done, ended = iter(requests), deque[tuple[Response, str | None]](), list[asyncio.Task[None]]()
        self._busy, self._forbidden, self._watch = True, 0, Watch(self._name)
        self._fleet.begin()
        # a worker per place, not a task per request: fifty thousand requests are fifty thousand in nobody's memory
        workers = [loop.create_task(self._work(source, done)) for _ in range(int(self._engine["concurrency"]))]
        for worker in workers:
            worker.add_done_callback(ended.append)
            worker.add_done_callback(self._wake)
        try:
            while True:
                while done:
                    yield from self._watch.seen(*done.popleft())
                if loop.is_closed():
                    raise EngineError("the engine was closed before it had answered everything")
                for worker in ended:
                    if error := worker.exception():
                        raise error
                if len(ended) == len(workers):
                    yield from self._watch.ended()
                    return
                loop.run_forever()
        finally:
            self._busy = False
            if not loop.is_closed():
                _cancel(loop, workers)

    def notes(self) -> list[str]:
        """What there is to say about the last `generate`."""
        return self._watch.notes()

    async def _work(self, source: Iterator[Request], done: deque[tuple[Response, str | None]]) -> None:
        for request in source:
            done.append(await self._answer(request))
            self._wake()

    def _wake(self, _: object = None) -> None:
        """After this turn of the loop, `generate` looks at what is done."""
        if self._loop is not None and self._busy:
            self._loop.stop()

    async def _answer(self, request: Request) -> tuple[Response, str | None]:
        """Ask until there is an answer, a refusal, no attempt left, or no time; and why an answer cannot be used."""
        if request.sampling.scoring != "generate":
            return _failed(request, "a server cannot score option letters; say `scoring: generate`"), None
        body, sha256 = self._bodies.of(request, self._contract.dialect)
        until = time.monotonic() + self._budget
        again: Again | None = None
        failed_at: Server | None = None
        attempts, spent = 0, 0.0
        while turn := await self._fleet.take(until, avoid=failed_at):
            server = turn.server
            try:
                reply = await server.chat(body, min(self._timeout, max(until - time.monotonic(), 0.001)))
                read = read_reply(reply, self._stops)
            except BaseException:
                self._fleet.dropped(turn)
                raise
            if isinstance(read, Chat):
                self._fleet.answered(turn)
                if sign := self._fault(request, server, read, sha256):
                    return _failed(request, sign), sign
                return self._response(request, server, read, sha256), None
            if isinstance(read, Refused):
                self._fleet.answered(turn)
                return self._refused(request, server, read), read.what if read.status == 200 else None
            again, failed_at = read, server
            self._fleet.failed(turn, request.key, again.what, asked_for(again.retry_after))
            wait = delay(attempts, again.retry_after)
            attempts += 1
            spent += again.cost
            if spent >= int(self._engine["max_attempts"]):
                sign = again.what if again.what.startswith("an answer") else None
                return _failed(request, f"{attempts} attempts failed, the last with {again}"), sign
            if time.monotonic() + wait >= until:
                break
            await asyncio.sleep(wait)
        last = f", the last attempt: {again}" if again else ""
        return _failed(request, f"no answer within its budget of {self._budget:g} s{last}"), None

    def _fault(self, request: Request, server: Server, chat: Chat, sha256: str) -> str | None:
        """Why a whole answer is none to what was asked."""
        least = least_tokens(self._bodies.messages(request.messages))
        if cut := cut_prompt(chat, least, self._contracts[server.url].shortest):
            return cut
        if self._watch.copied(chat, request.key):
            return "the answer is a copy of one to another request (id and time are the same); turn the cache off"
        self._watch.answered(chat, sha256)
        return None

    def _response(self, request: Request, server: Server, chat: Chat, sha256: str) -> Response:
        self._forbidden = 0
        expected = self._contracts[server.url].answers_as
        if expected and chat.model and one_line(chat.model) != expected:
            raise EngineError(
                f"{server.url} now answers as {one_line(chat.model)} and answered as {expected} at the start; "
                "serve one model for the whole run"
            )
        parts = join_server_split(
            chat.reasoning,
            chat.content,
            chat.finish,
            parser=self._parser,
            # a text that was cut and shows no tag may as well have been cut inside thinking that the template opened
            prefilled=True if self._contract.opened else None if chat.finish == "length" else False,
        )
        return Response(
            key=request.key,
            sample_id=request.sample_id,
            k=request.k,
            answer=parts.answer,
            thinking=parts.thinking,
            finish=chat.finish,
            thinking_open=parts.open,
            prompt_tokens=chat.prompt_tokens,
            completion_tokens=chat.completion_tokens,
            prompt_sha256=sha256,
        )

    def _refused(self, request: Request, server: Server, told: Refused) -> Response:
        """A refusal of this request; raises EngineError where every other one would be refused too."""
        self._forbidden = self._forbidden + 1 if told.status == 403 else 0
        if told.status in ENGINE_WIDE or self._forbidden >= _FORBIDDEN:
            # without what the server says: it may quote the prompt, and this line is shown as it is
            bare = Refused(told.status, told.what)
            raise EngineError(str(refusal(server.url, bare, self._name, self._engine.get("api_key_env"))))
        return _failed(request, str(told))

    async def _examine(self) -> dict[str, Contract]:
        tests = [Examination(server, self._model, self._engine, self._bodies).run() for server in self._servers]
        found = await asyncio.gather(*tests, return_exceptions=True)
        for one in found:
            if isinstance(one, BaseException):
                raise one
        return {server.url: one for server, one in zip(self._servers, found, strict=True) if isinstance(one, Contract)}

    def _close(self) -> None:
        loop, self._loop = self._loop, None
        if loop is None:
            return
        self._busy, servers, self._servers = False, self._servers, []
        try:
            _cancel(loop, asyncio.all_tasks(loop))
            loop.run_until_complete(asyncio.wait_for(_close_all(servers), _CLOSING_SECONDS))
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()


def _cancel(loop: asyncio.AbstractEventLoop, tasks: Collection[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=_CLOSING_SECONDS))


async def _close_all(servers: list[Server]) -> None:
    for server in servers:
        await server.close()


def _failed(request: Request, error: str) -> Response:
    return Response(request.key, request.sample_id, request.k, answer="", finish="error", error=error)
