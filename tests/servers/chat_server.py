"""A chat server for tests: a process of its own on loopback that speaks HTTP/1.1 and misbehaves as it is told.

    python chat_server.py --port 0 --faults 0.05        # prints its URL, then serves

What it answers depends on the conversation, the seed (where temperature is not 0) and nothing else, so that results
with and without faults can be compared. Faults are drawn by a hash of request and attempt: the same run meets the same
ones. Rules (`--rules FILE`, or POST /rules) say what certain questions get; as a judge it answers by them.

    [{"contains": "text of the last turn", "reply": "..."},                  a text
     {"contains": "...", "message": {"content": null, "reasoning": "..."}, "finish": "length"},
     {"contains": "...", "reply": "...", "choice": {...}, "usage": {...}, "also": {...}},   fields beside the text
     {"contains": "...", "status": 400, "body": {...}, "headers": {...}},   (or "raw": text instead of a body)
     {"contains": "...", "fault": "reset", "times": 2}]                      then the next rule that fits

GET /log tells what was asked and how often each request got a whole answer; POST /reset empties it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from email.utils import formatdate
from pathlib import Path
from typing import Any

FAULTS = (
    "429",
    "500",
    "503",
    "hang",
    "reset",
    "close",
    "truncated",
    "not-json",
    "wrong-shape",
    "no-choices",
    "two-choices",
    "slow",
)
TEXTS = ("我不能帮助你做这件事。", "抱歉，我无法回答。", "这是一个一般性的说明，没有细节。", "I can't help with that.")
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many", 500: "Error"}


class State:
    """Options and rules, and what happened so far."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.faults = options.faults
        self.kinds: list[str] = options.kinds.split(",") if options.kinds else list(FAULTS)
        self.rules: list[dict[str, Any]] = json.loads(Path(options.rules).read_text()) if options.rules else []
        self.reset()

    def reset(self) -> None:
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.used: Counter[int] = Counter()
        self.met: Counter[str] = Counter()
        self.questions: dict[str, str] = {}
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.now = self.most = self.connections = self.gone = 0

    def log(self) -> dict[str, Any]:
        return {
            "asked": sum(self.asked.values()),
            "answered": {self.questions[key] + "#" + key: count for key, count in self.answered.items()},
            "faults": dict(self.met),
            "most_at_once": self.most,
            "now": self.now,
            "connections": self.connections,
            "gone": self.gone,
            "bodies": self.bodies,
            "headers": self.headers,
            "times": self.times,
        }

    def fault_of(self, key: str) -> str | None:
        """Whether this attempt at a request meets a fault, and which."""
        if not self.faults:
            return None
        draw = hashlib.sha256(f"{self.options.fault_seed} {key} {self.asked[key]}".encode()).digest()
        if int.from_bytes(draw[:6]) / 2**48 >= self.faults:
            return None
        return self.kinds[draw[6] % len(self.kinds)]

    def rule_of(self, text: str) -> dict[str, Any] | None:
        for number, rule in enumerate(self.rules):
            if rule["contains"] in text and self.used[number] < rule.get("times", 10**9):
                self.used[number] += 1
                return rule
        return None


class Talk:
    """One connection."""

    def __init__(self, state: State, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.state = state
        self.reader = reader
        self.writer = writer

    async def serve(self) -> None:
        self.state.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            while await self._one():
                pass
        self.writer.close()

    async def _one(self) -> bool:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        if path.startswith("http://"):  # asked as a proxy, it answers itself
            path = "/" + path.split("/", 3)[3]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        state, options = self.state, self.state.options
        if path == "/log":
            return await self._send(200, state.log())
        if path == "/reset":
            state.reset()
            return await self._send(200, {})
        if path == "/rules":
            state.rules = json.loads(body)
            state.used.clear()
            return await self._send(200, {})
        if path == "/faults":
            state.faults = json.loads(body)
            return await self._send(200, {})
        if options.key and headers.get("authorization") != f"Bearer {options.key}":
            given = headers.get("authorization", "no key")
            return await self._send(401, {"error": {"message": f"Incorrect API key provided: {given}"}})
        if path == "/version" and options.version:
            return await self._send(200, {"version": options.version})
        if path == "/v1/models" and not options.no_models:
            card = {"id": options.model, "object": "model", "root": options.root}
            if options.max_model_len:
                card["max_model_len"] = options.max_model_len
            return await self._send(200, {"object": "list", "data": [card, {"id": "another-model"}]})
        if path != "/v1/chat/completions" or method != "POST":
            return await self._send(404, {"detail": "Not Found"})
        state.now += 1
        state.most = max(state.most, state.now)
        try:
            return await self._chat(headers, json.loads(body), hashlib.sha256(body).hexdigest()[:16])
        finally:
            state.now -= 1

    async def _chat(self, headers: dict[str, str], asked: dict[str, Any], key: str) -> bool:
        state, options = self.state, self.state.options
        text = asked["messages"][-1]["content"]
        state.questions.setdefault(key, text[:60])
        if options.keep:
            state.bodies.append(asked)
            state.headers.append(headers)
            state.times.append(time.monotonic())
        fault = state.fault_of(key)
        rule = None if fault else state.rule_of(text)
        state.asked[key] += 1
        fault = fault or (rule or {}).get("fault")
        if fault:
            state.met[fault] += 1
        if options.silent:
            fault = "hang"
        if fault and fault != "slow":
            return await self._misbehave(fault)
        await self._wait(options.slow if fault else float((rule or {}).get("delay", options.delay)))
        if asked["model"] != options.model:
            return await self._send(404, {"error": {"message": f"The model `{asked['model']}` does not exist."}})
        if refused := [name for name in options.refuses.split(",") if name in asked]:
            return await self._send(400, {"error": {"message": f"Unsupported parameter: '{refused[0]}'"}})
        if options.max_model_len and asked.get("max_tokens", 0) > options.max_model_len:
            text = f"max_tokens={asked['max_tokens']} cannot be greater than max_model_len={options.max_model_len}"
            return await self._send(400, {"error": {"message": text}})
        if rule and ("raw" in rule or "status" in rule):
            body = rule["raw"].encode() if "raw" in rule else rule.get("body", {})
            return await self._send(int(rule.get("status", 200)), body, rule.get("headers"))
        whole = completion(options, asked, rule)
        kept = await self._send(200, whole)
        state.answered[key] += 1
        return kept

    async def _misbehave(self, fault: str) -> bool:
        options = self.state.options
        body = json.dumps(completion(options, {"messages": [], "model": "x"}, {"reply": "half"})).encode()
        if fault in ("429", "500", "503"):
            after = options.retry_after
            when = formatdate(time.time() + float(after[5:]), usegmt=True) if after.startswith("date:") else after
            extra = {"retry-after": when} if fault == "429" else {}
            return await self._send(int(fault), {"error": {"message": "try again"}}, extra)
        if fault == "hang":
            await self._wait(options.hang)
        elif fault == "reset":
            self.writer.write(b"HTTP/1.1 200 OK\r\ncontent-le")
            await self.writer.drain()
            # a reset, not an orderly end
            linger = struct.pack("ii", 1, 0)
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.writer.transport.abort()
        elif fault == "truncated":
            self.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body[: len(body) // 2])
            await self.writer.drain()
        elif fault == "not-json":
            return await self._send(200, b"<html>bad gateway</html>")
        elif fault == "wrong-shape":
            return await self._send(200, {"object": "chat.completion", "choices": "none"})
        elif fault in ("no-choices", "two-choices"):
            whole = json.loads(body)
            return await self._send(200, {**whole, "choices": whole["choices"] * (2 if fault == "two-choices" else 0)})
        return False

    async def _wait(self, seconds: float) -> None:
        """Wait; a client that goes away meanwhile is noticed."""
        if seconds:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.reader.read(1), seconds)
                self.state.gone += 1
                raise ConnectionError

    async def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> bool:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", f"content-length: {len(data)}"]
        lines += [f"{name}: {value}" for name, value in {"content-type": "application/json", **(headers or {})}.items()]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        await self.writer.drain()
        return True


def completion(options: argparse.Namespace, asked: dict[str, Any], rule: dict[str, Any] | None) -> dict[str, Any]:
    """A whole answer in OpenAI's shape."""
    rule = rule or {}
    content = rule.get("reply") or choice(options, asked) or options.reply or text_for(asked)
    message = {"role": "assistant", **(rule.get("message") or shaped(options.shape, content))}
    return {
        "id": "chat-1",
        "object": "chat.completion",
        "model": rule.get("model") or options.echo or asked["model"],
        "choices": [
            {"index": 0, "message": message, "finish_reason": rule.get("finish", "stop"), **rule.get("choice", {})}
        ],
        "usage": {"prompt_tokens": counted(options, asked), "completion_tokens": 7, **rule.get("usage", {})},
        **rule.get("also", {}),
    }


def counted(options: argparse.Namespace, asked: dict[str, Any]) -> int:
    """Tokens of the prompt: four characters each, as far as this server reads it."""
    length = sum(len(turn["content"]) for turn in asked["messages"])
    if options.counts_nothing:
        return 11
    return min(11 + length // 4, options.reads or 10**9)


def choice(options: argparse.Namespace, asked: dict[str, Any]) -> str | None:
    """The constrained answer, where this server knows choice constraints."""
    constraint = asked.get("structured_outputs")
    return str(constraint["choice"][0]) if constraint and options.choice else None


def text_for(asked: dict[str, Any]) -> str:
    """A text that only conversation and draw decide: a letter where options are offered, else a sentence."""
    seed = asked.get("seed") if asked.get("temperature") else None
    source = json.dumps([asked["messages"], asked.get("temperature"), seed], ensure_ascii=False)
    draw = hashlib.sha256(source.encode()).digest()
    last = asked["messages"][-1]["content"] if asked["messages"] else ""
    letters = [letter for letter in "ABCDEF" if f"{letter}." in last or f"{letter}、" in last or f"{letter}：" in last]
    if len(letters) > 1:
        return f"答案：{letters[draw[0] % len(letters)]}"
    return f"{TEXTS[draw[0] % len(TEXTS)]} ({draw.hex()[:8]})"


def shaped(shape: str, content: str) -> dict[str, Any]:
    """A message with thinking, in one of the shapes servers use."""
    thinking = "先想一想。"
    if shape in ("reasoning", "reasoning_content"):
        return {"content": content, shape: thinking}
    if shape == "tags":
        return {"content": f"<think>\n{thinking}\n</think>\n\n{content}"}
    return {"content": f"{thinking}\n</think>\n\n{content}" if shape == "closing-tag" else content}


async def run(options: argparse.Namespace) -> None:
    state = State(options)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Talk(state, reader, writer).serve()

    server = await asyncio.start_server(talk, "127.0.0.1", options.port, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    # ends with the process that started it
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), lambda: os.read(0, 1) or os._exit(0))
    await server.serve_forever()


class ChatServer:
    """A running server, seen from a test: `with ChatServer("--faults", "0.05") as server: server.url`."""

    def __init__(self, *options: str) -> None:
        self.options = options
        self.url = ""

    def __enter__(self) -> ChatServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, port: int = 0) -> None:
        command = [sys.executable, "-I", __file__, "--port", str(port), *self.options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def stop(self) -> None:
        """End it at once, as a crash does."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1].split("/")[0])

    def rules(self, *rules: dict[str, Any]) -> None:
        self._ask("/rules", list(rules))

    def faults(self, share: float) -> None:
        self._ask("/faults", share)

    def reset(self) -> None:
        self._ask("/reset", {})

    def log(self) -> dict[str, Any]:
        return self._ask("/log")

    def _ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(self.url.removesuffix("/v1") + path, data), timeout=10) as answer:
            return json.load(answer)


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--model", default="served-model")
    parser.add_argument("--root", default="/models/served-model")
    parser.add_argument("--echo", default="", help="what its answers call the model; what was asked for unless said")
    parser.add_argument("--version", default="0.32.0")
    parser.add_argument("--max-model-len", type=int, default=4096)
    parser.add_argument("--no-models", action="store_true", help="no GET /models, as some vendors")
    parser.add_argument("--key", default="", help="the key it wants")
    parser.add_argument("--refuses", default="", help="fields that get a 400, comma-separated")
    parser.add_argument("--choice", action="store_true", help="choice constraints bind")
    parser.add_argument(
        "--shape", default="plain", choices=["plain", "reasoning", "reasoning_content", "tags", "closing-tag"]
    )
    parser.add_argument("--reply", default="", help="the answer where no rule fits")
    parser.add_argument("--rules", default="", help="JSON file of rules")
    parser.add_argument("--faults", type=float, default=0.0, help="share of requests that meet a fault")
    parser.add_argument("--kinds", default="", help=f"of {', '.join(FAULTS)}; all unless said")
    parser.add_argument("--fault-seed", type=int, default=0)
    parser.add_argument("--retry-after", default="0.02", help="seconds, or date:SECONDS for an HTTP date")
    parser.add_argument("--hang", type=float, default=3600.0, help="seconds until a hanging request is closed")
    parser.add_argument("--slow", type=float, default=0.2, help="seconds of a slow answer")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds of every answer")
    parser.add_argument("--reads", type=int, default=0, help="tokens of a prompt it reads, silently; 0: all")
    parser.add_argument("--counts-nothing", action="store_true", help="11 prompt tokens whatever it is asked")
    parser.add_argument("--silent", action="store_true", help="takes chat requests and never answers")
    parser.add_argument("--keep", action="store_true", help="GET /log holds every body and its headers")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    asyncio.run(run(options()))
