"""Really started vLLM API servers on loopback."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

START_SECONDS = 300


@contextlib.contextmanager
def vllm_servers(models: Mapping[str, tuple[Path, Sequence[str]]], logs: Path) -> Iterator[dict[str, str]]:
    """One server per model (name -> checkpoint, options), started side by side; yields their base URLs by name."""
    started: dict[str, tuple[subprocess.Popen[bytes], int]] = {}
    try:
        for name, (folder, options) in models.items():
            port = _free_port()
            started[name] = (_start(name, folder, port, options, _log(logs, name)), port)
        for name, (server, port) in started.items():
            _wait(server, f"http://127.0.0.1:{port}/health", _log(logs, name))
        yield {name: f"http://127.0.0.1:{port}/v1" for name, (_, port) in started.items()}
    finally:
        for signum, patience in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
            until = time.monotonic() + patience
            for server, _ in started.values():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(server.pid, signum)
            while time.monotonic() < until and any(_alive(server) for server, _ in started.values()):
                time.sleep(0.1)


def _alive(server: subprocess.Popen[bytes]) -> bool:
    """Whether anything of its process group is left."""
    server.poll()
    try:
        os.killpg(server.pid, 0)
    except ProcessLookupError:
        return False
    return True


def _log(logs: Path, name: str) -> Path:
    return logs / f"server-{name}.log"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _start(name: str, folder: Path, port: int, options: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    command = [
        # not `vllm serve`: it looks for a distribution called vllm, which the CPU build is not
        sys.executable,
        "-m",
        "vllm.entrypoints.openai.api_server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--model",
        str(folder),
        "--served-model-name",
        name,
        "--dtype",
        "float32",
        "--enforce-eager",
        "--no-enable-prefix-caching",
        "--no-enable-chunked-prefill",
        "--max-num-batched-tokens",
        "8192",
        "--kv-cache-memory-bytes",
        str(256 * 1024**2),
        "--generation-config",
        "vllm",
        *options,
    ]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        # on the CPU this decides only whether the engine's process has a worker process besides: a third less to start
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    }
    with log.open("wb") as out:
        # its engine's process outlives a server that is killed: the group ends when the server does, or when our end of
        # the pipe closes, however we end
        return subprocess.Popen(
            ["sh", "-c", '("$@"; kill -KILL 0) & cat > /dev/null; kill -KILL 0', "sh", *command],
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )


def _wait(server: subprocess.Popen[bytes], health: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(health, timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.5)
    raise RuntimeError("the vLLM server did not start:\n" + log.read_text(errors="replace")[-3000:])
