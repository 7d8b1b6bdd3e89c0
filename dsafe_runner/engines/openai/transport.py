"""One server and its connections: bytes out, status and bytes back, or one line on why nothing came back.

A connection is a transport of httpx2 with a pool of one. A shared pool walks over all its connections on every
request, which at a few hundred in flight costs more than the request itself (perf/openai_client.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import ipaddress
import json
import math
import os
import time
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

import dsafe_runner
from dsafe_runner.engines.openai.text import one_line
from dsafe_runner.engines.redaction import Redactor
from dsafe_runner.errors import EngineError, UnavailableError

if TYPE_CHECKING:
    import ssl

    import httpx2

CONNECT_SECONDS = 20.0
"""Longest wait for a connection; a dead host must not cost a whole attempt."""
_KEEP_ALIVE_SECONDS = 4.0
"""Below the 5 s after which uvicorn, and with it vLLM, closes an idle connection: else both ends may act at once."""
_MOST_BYTES = 64 * 2**20
_TOLD_BYTES = 4000
"""Of a body that is no JSON: more than is ever shown."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete HTTP answer, without the key it may quote.

    data         the body's JSON, None where it is none
    text         the beginning of a body that is no JSON
    retry_after  seconds the server asks to wait, None when it does not say
    """

    status: int
    data: Any = None
    text: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """No complete answer. `sent`: the server may have read the request; `more`: details, not for engine-wide errors."""

    what: str
    more: str = ""
    sent: bool = True


class Server:
    """One base URL. Not for several event loops; `close` before the loop ends.

    Args:
        url: checked by `base_urls`.
        key: sent as a bearer token.
        context: for https; one for all servers, as making it reads the certificate store.

    Raises:
        UnavailableError: a proxy of a kind that cannot be used here.
    """

    def __init__(self, url: str, key: str | None, context: ssl.SSLContext) -> None:
        import httpx2

        self.url = url
        self.redactor = Redactor(key)
        self._context = context
        self._proxy = proxy_for(url)
        self._limits = httpx2.Limits(
            max_connections=1, max_keepalive_connections=1, keepalive_expiry=_KEEP_ALIVE_SECONDS
        )
        self._headers = httpx2.Headers(
            {
                "accept": "application/json",
                "content-type": "application/json",
                "user-agent": f"dsafe/{dsafe_runner.__version__}",
                **({"authorization": f"Bearer {key}"} if key else {}),
            }
        )
        self._chat = httpx2.URL(f"{url}/chat/completions")
        self._idle: list[httpx2.AsyncHTTPTransport] = [self._connection()]

    async def chat(self, body: bytes, seconds: float) -> Reply | Lost:
        """POST a chat request; `seconds` bounds all of it, connecting and reading included."""
        import httpx2

        return await self._exchange(httpx2.Request("POST", self._chat, headers=self._headers, content=body), seconds)

    async def get(self, url: str, seconds: float) -> Reply | Lost:
        """GET an address of this server."""
        import httpx2

        return await self._exchange(httpx2.Request("GET", url, headers=self._headers), seconds)

    async def close(self) -> None:
        """Close all connections."""
        while self._idle:
            with contextlib.suppress(Exception):  # a connection that cannot be closed is closed
                await self._idle.pop().aclose()

    async def _exchange(self, request: httpx2.Request, seconds: float) -> Reply | Lost:
        import httpx2

        request.extensions["timeout"] = {"connect": min(CONNECT_SECONDS, seconds)}
        # a connection that broke goes back as well: its pool of one makes a new one when it is asked next
        connection = self._idle.pop() if self._idle else self._connection()
        try:
            async with asyncio.timeout(seconds):
                response = await connection.handle_async_request(request)
                try:
                    body = bytearray()
                    async for chunk in response.aiter_bytes():
                        body += chunk
                        if len(body) > _MOST_BYTES:
                            return Lost(f"an answer of more than {_MOST_BYTES >> 20} MiB")
                finally:
                    await response.aclose()
        except TimeoutError:
            return Lost(f"no answer within {seconds:.3g} s")
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
            return Lost("no connection", self.redactor.text(_root(error)), sent=False)
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            return Lost("the connection broke", one_line(self.redactor.text(str(error))))
        finally:
            self._idle.append(connection)
        return self._decoded(response.status_code, bytes(body), _seconds(response.headers.get("retry-after")))

    def _decoded(self, status: int, body: bytes, retry_after: float | None) -> Reply:
        """Decoded first, then without the key: a server may spell it in any way that JSON allows."""
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            text = body[:_TOLD_BYTES].decode("utf-8", "replace")
            return Reply(status, text=self.redactor.text(text), retry_after=retry_after)
        return Reply(status, self.redactor.value(data), retry_after=retry_after)

    def _connection(self) -> httpx2.AsyncHTTPTransport:
        import httpx2

        try:
            return httpx2.AsyncHTTPTransport(verify=self._context, limits=self._limits, proxy=self._proxy)
        except (ImportError, ValueError):  # no details: a proxy's URL may hold a password
            raise UnavailableError(
                f"the environment names a proxy for {self.url} that cannot be used; "
                "use an http proxy, or put the host into NO_PROXY"
            ) from None


def base_urls(engine: dict[str, object]) -> list[str]:
    """The engine's base URLs, each once, sorted, without a slash at the end.

    Raises:
        UnavailableError: one is no URL, or carries a password.
    """
    said = engine["base_urls"]
    return sorted({_checked(str(url)) for url in (said if isinstance(said, (list, tuple)) else ())})


def key_from(variable: str | None) -> str | None:
    """The key in an environment variable. Its value goes into no message.

    Raises:
        UnavailableError: the variable is not set, or holds no key.
    """
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UnavailableError(f"the environment variable {variable} is not set; it has to hold the server's key")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UnavailableError(f"the environment variable {variable} holds characters that no key has")
    return key


def room_for(connections: int) -> None:
    """Make sure that this process may hold so many connections.

    Raises:
        EngineError: the system's hard limit on open files is too low.
    """
    import resource

    wanted = connections + 64
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise EngineError(
            f"concurrency {connections} needs {wanted} open files and this system allows {hard}; lower concurrency"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def proxy_for(url: str) -> str | None:
    """The environment's proxy for a URL, None for none; never one for this machine itself, whatever is set."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    address = _address(host)
    if host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(f"{host}:{parts.port}" if parts.port else host):
        return None
    networks = (_network(entry.strip()) for entry in proxies.get("no", "").split(","))
    if address is not None and any(net is not None and address in net for net in networks):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _checked(url: str) -> str:
    try:
        parts: SplitResult | None = urlsplit(url)
        host, _ = (parts.hostname, parts.port) if parts else (None, None)
    except ValueError:
        parts, host = None, None
    if parts is None or not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise UnavailableError("a base URL is no http(s) address; write it like http://127.0.0.1:8000/v1")
    if "@" in parts.netloc:
        raise UnavailableError(
            f"the base URL of {host} carries a user or password, and URLs are written to files; "
            "take it out and name the key's variable in api_key_env"
        )
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None


def _seconds(header: str | None) -> float | None:
    """Retry-After as seconds from now: it is a number, or an HTTP date."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(header).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _root(error: BaseException) -> str:
    """What the system said, which libraries wrap several times: as a cause, as an argument, in a group."""
    deepest: BaseException | None = error
    while deepest is not None:
        error = deepest
        inside = error.exceptions if isinstance(error, BaseExceptionGroup) else error.args
        deepest = error.__cause__ or next((each for each in inside if isinstance(each, BaseException)), None)
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)  # asyncio puts a call and an address into the place of the text
    return one_line(error.strerror if isinstance(error, OSError) and error.strerror else error)
