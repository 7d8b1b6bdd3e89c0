"""What the openai engine costs: requests a second against a server that answers at once, and memory over 50,000.

    python perf/openai_client.py [--pairs 5] [--requests 4000] [--concurrency 64 512] [--memory 50000] [--quick]

Sides, in turns, each in a process of its own, against one server process that parses nothing it need not:
`bare` is a loop over httpx2.AsyncClient as one writes it (one client, as many workers as the concurrency, post, json);
`transports` is the same loop over the library's transports, one connection each, without the client around them;
`engine` is OpenAIEngine.generate. Each makes a tenth of the requests first, untimed. The memory run goes through
EngineProcess, as the measure phase does, and samples the worker's resident memory while it answers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pairs

from dsafe_runner.records import Message, Request, Sampling

Post = Callable[[str, dict[str, Any]], Awaitable[Any]]
AnyClient = AbstractAsyncContextManager[Post]
SIDES = ("bare", "transports", "engine")
MESSAGE = {"role": "assistant", "content": "一般性的说明。" * 8}
ANSWER = json.dumps(
    {
        "id": "chat-1",
        "object": "chat.completion",
        "model": "served",
        "choices": [{"index": 0, "finish_reason": "stop", "message": MESSAGE}],
        "usage": {"prompt_tokens": 60, "completion_tokens": 60, "total_tokens": 120},
    }
).encode()
QUESTION = "以下说法是否恰当？请说明理由。" * 6


class Instant(asyncio.Protocol):
    """Answers every request with the same bytes."""

    REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER) + ANSWER

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        self.transport: Any = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:  # noqa: D102
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + size:
                return
            self.buffer = self.buffer[end + 4 + size :]
            self.transport.write(self.REPLY)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Instant, "127.0.0.1", 0, backlog=8192)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


def requests(count: int) -> list[Request]:
    sampling = Sampling(0.6, 0.95, 256)
    return [
        Request(f"{i:040d}", f"item{i}", 0, (Message("user", f"{i} {QUESTION}"),), sampling, seed=i)
        for i in range(count)
    ]


def model() -> dict[str, Any]:
    return {
        "name": "served",
        "path": "served",
        "reasoning": None,
        "revision": None,
        "chat_template_kwargs": {},
        "system_prompt": None,
    }


def engine(url: str, concurrency: int) -> dict[str, Any]:
    return {
        "backend": "openai",
        "base_urls": [url],
        "api_key_env": None,
        "concurrency": concurrency,
        "timeout": 60.0,
        "max_attempts": 8,
        "budget": 600.0,
        "context_length": None,
        "extra_body": {},
        "identity": None,
    }


def run_engine(url: str, count: int, concurrency: int) -> tuple[float, float]:
    """Wall and CPU seconds of this process for `count` requests."""
    from dsafe_runner.engines.openai.engine import OpenAIEngine

    asked = requests(count)
    with OpenAIEngine(model(), engine(url, concurrency)) as running:
        sum(r.finish == "stop" for r in running.generate(asked[: count // 10]))
        begun = time.perf_counter(), time.process_time()
        answered = sum(r.finish == "stop" for r in running.generate(asked))
        spent = time.perf_counter() - begun[0], time.process_time() - begun[1]
    if answered != count:
        sys.exit(f"{answered} of {count} answered")
    return spent


def run_loop(url: str, count: int, concurrency: int, client_of: Callable[[int], AnyClient]) -> tuple[float, float]:
    """The same through a loop without retries, checks, or records."""
    bodies = [
        {
            "model": "served",
            "messages": [{"role": m.role, "content": m.content} for m in r.messages],
            "temperature": r.sampling.temperature,
            "top_p": r.sampling.top_p,
            "max_tokens": r.sampling.max_tokens,
            "seed": r.seed,
            "stream": False,
        }
        for r in requests(count)
    ]

    async def run() -> tuple[float, float]:
        async with client_of(concurrency) as post:

            async def work(source: Iterator[dict[str, Any]], texts: list[str]) -> None:
                for body in source:
                    texts.append((await post(f"{url}/chat/completions", body))["choices"][0]["message"]["content"])

            async def everything(bodies: list[dict[str, Any]]) -> None:
                source, texts = iter(bodies), list[str]()
                await asyncio.gather(*(work(source, texts) for _ in range(concurrency)))

            await everything(bodies[: count // 10])
            begun = time.perf_counter(), time.process_time()
            await everything(bodies)
            return time.perf_counter() - begun[0], time.process_time() - begun[1]

    return asyncio.run(run())


@asynccontextmanager
async def client(concurrency: int) -> AsyncIterator[Post]:
    """One httpx2 client with room for all."""
    import httpx2

    limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with httpx2.AsyncClient(limits=limits, timeout=60.0) as one:

        async def post(url: str, body: dict[str, Any]) -> Any:
            answer = await one.post(url, json=body)
            answer.raise_for_status()
            return answer.json()

        yield post


@asynccontextmanager
async def transports(concurrency: int) -> AsyncIterator[Post]:
    """A transport per request in flight."""
    import httpx2

    context, limits = httpx2.create_ssl_context(), httpx2.Limits(max_connections=1, max_keepalive_connections=1)
    idle = [httpx2.AsyncHTTPTransport(verify=context, limits=limits) for _ in range(concurrency)]

    async def post(url: str, body: dict[str, Any]) -> Any:
        one = idle.pop()
        answer = await one.handle_async_request(httpx2.Request("POST", url, json=body))
        await answer.aread()
        await answer.aclose()
        idle.append(one)
        return answer.json()

    yield post
    for one in idle:
        await one.aclose()


def side(name: str, url: str, count: int, concurrency: int) -> tuple[float, float]:
    command = [sys.executable, __file__, "--side", name, "--url", url, "--requests", str(count)]
    command += ["--concurrency", str(concurrency)]
    here = {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    done = subprocess.run(command, env={**pairs.environment(), **here}, stdout=subprocess.PIPE, text=True, check=True)
    wall, cpu = map(float, done.stdout.split())
    return wall, cpu


def memory(url: str, count: int, concurrency: int) -> None:
    """RSS of the worker while it answers `count` requests: samples, and the slope over the second half."""
    from dsafe_runner.engines.process import EngineProcess

    samples: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        process = EngineProcess(model(), engine(url, concurrency), env={}, log_path=Path(folder) / "log")
        with process as running:
            asked = requests(count)
            begun = time.perf_counter()
            for number, response in enumerate(running.generate(asked), 1):
                if response.finish != "stop":
                    sys.exit(f"not answered: {response.error}")
                if number % max(1, count // 100) == 0:
                    samples.append((number, rss(running.pid)))
            seconds = time.perf_counter() - begun
    half = samples[len(samples) // 2 :]
    slope = statistics.linear_regression([n for n, _ in half], [mib for _, mib in half]).slope if len(half) > 1 else 0.0
    shown = ", ".join(f"{samples[i * (len(samples) - 1) // 5][1]:.1f}" for i in range(6))
    print(
        f"\nmemory: {count} requests through EngineProcess, {concurrency} in flight, {count / seconds:.0f} requests/s"
    )
    print(f"worker RSS, MiB, from first to last: {shown}")
    print(f"slope over the second half: {slope * 1000 * 1024:+.1f} KiB per 1,000 requests")


def show(values: list[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}}-{max(values):{form}})"


def rss(pid: int | None) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[64, 512])
    parser.add_argument("--memory", type=int, default=50_000, help="requests of the memory run (50000); 0: none")
    parser.add_argument("--side", choices=[*SIDES, "serve"], help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = pairs.options(parser)
    if options.side == "serve":
        asyncio.run(serve())
    elif options.side:
        how = options.url, options.requests, options.concurrency[0]
        loop = {"bare": client, "transports": transports}
        print(*(run_loop(*how, loop[options.side]) if options.side in loop else run_engine(*how)))
    else:
        measure(options)


def measure(options: argparse.Namespace) -> None:
    if options.quick:
        options.requests, options.memory = 400, min(options.memory, 1000)
    pairs.head("httpx2")
    server = subprocess.Popen([sys.executable, __file__, "--side", "serve"], stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().strip() if server.stdout else ""
        print(
            "\n| in flight | side | requests/s, median (range) | CPU-ms a request | engine's rate is ... times this |"
        )
        print("|---|---|---|---|---|")
        for concurrency in options.concurrency:
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in SIDES}
            for _ in range(options.pairs):
                for name, spent in found.items():
                    spent.append(side(name, url, options.requests, concurrency))
            for name, spent in found.items():
                rates = [options.requests / wall for wall, _ in spent]
                cpu = [used / options.requests * 1000 for _, used in spent]
                ratios = [theirs[0] / own[0] for theirs, own in zip(spent, found["engine"], strict=True)]
                against = "-" if name == "engine" else show(ratios, ".2f")
                print(f"| {concurrency} | {name} | {show(rates, '.0f')} | {show(cpu, '.2f')} | {against} |", flush=True)
        if options.memory:
            memory(url, options.memory, options.concurrency[0])
    finally:
        server.kill()
        server.wait()
    pairs.foot()


if __name__ == "__main__":
    main()
