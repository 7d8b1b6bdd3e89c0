"""The engine's own process: `python -m dsafe_runner.engines.worker`, JSON lines on its pipes.

    controller -> worker                     worker -> controller
    {"model": {..}, "engine": {..}}
                                             {"ready": describe()} or {"fatal": {"kind", "message"}}
    {..request..} ...  {"flush": true}
                                             {"response": {..}} ...  {"done": true, "notes": [..]}
    {"end": true}, or the pipe closes        exit

`kind` is `unavailable` or `engine`. `notes` are lines for the user about the answers as a whole, from engines that have
a method `notes`. Everything received up to a flush is sorted and batched together. When the pipe closes the process
ends at once, also in the middle of a computation: a controller that was killed leaves no orphan.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from typing import Any, BinaryIO, TextIO, cast

from dsafe_runner.engines.backends import make_engine
from dsafe_runner.engines.redaction import RedactingStream, Redactor, redactor_of
from dsafe_runner.errors import UnavailableError
from dsafe_runner.records import Request, as_json, request_from_json

GONE = 3
"""Exit status when the controller went away."""


def main() -> None:
    """Serve one controller on stdin and stdout until it ends."""
    out = _private_stdout()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the controller decides; it closes the pipe
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, lines), daemon=True).start()
    redactor = Redactor(None)
    try:
        hello = json.loads(lines.get())
        redactor = redactor_of(hello["engine"])
        # what exceptions quote must not reach the log either
        sys.stdout = sys.stderr = cast("TextIO", RedactingStream(sys.stderr, redactor))
        _serve(hello, lines, out)
    except UnavailableError as error:
        _die(out, "unavailable", redactor.text(str(error)))
    except Exception as error:  # whatever kills an engine must reach the controller as one line
        import traceback

        traceback.print_exc()
        text = str(error) if type(error).__module__.startswith("dsafe_runner.") else f"{type(error).__name__}: {error}"
        _die(out, "engine", redactor.text(text))
    out.close()
    _exit(0)


def _serve(hello: dict[str, Any], lines: queue.SimpleQueue[bytes], out: BinaryIO) -> None:
    with make_engine(hello["model"], hello["engine"]) as engine:
        _say(out, {"ready": engine.describe()})
        waiting: list[Request] = []
        while True:
            message = json.loads(lines.get())
            if message.get("end"):
                return
            if not message.get("flush"):
                waiting.append(request_from_json(message))
                continue
            for response in engine.generate(waiting):
                _say(out, {"response": as_json(response)})
            waiting = []
            notes = getattr(engine, "notes", list)
            _say(out, {"done": True, "notes": notes()})


def _private_stdout() -> BinaryIO:
    """The real stdout for the protocol alone; what libraries print goes to stderr from now on."""
    sys.stdout.flush()
    private = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(private, "wb", buffering=0)


def _listen(stdin: BinaryIO, lines: queue.SimpleQueue[bytes]) -> None:
    """Hand lines over; at the end of the pipe, end the process, whatever the main thread is doing."""
    for line in stdin:
        lines.put(line)
    _exit(GONE)


def _say(out: BinaryIO, message: dict[str, Any]) -> None:
    try:
        data = memoryview(json.dumps(message, allow_nan=False).encode() + b"\n")
        while data:
            data = data[out.write(data) :]
    except BrokenPipeError:
        _exit(GONE)


def _die(out: BinaryIO, kind: str, message: str) -> None:
    _say(out, {"fatal": {"kind": kind, "message": " ".join(message.split()) or "no message"}})
    _exit(1)


def _exit(status: int) -> None:
    """Leave without the interpreter's shutdown, which would wait for threads that are inside torch."""
    os._exit(status)


if __name__ == "__main__":
    main()
