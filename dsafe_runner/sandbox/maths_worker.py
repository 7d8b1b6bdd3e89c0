r"""The comparing process of maths.py: `python -m dsafe_runner.sandbox.maths_worker`, JSON lines on its pipes.

    {"seconds": 10}                  {"verdict": "ready"} or {"verdict": "failed", "why"}
    {"gold": .., "answer": ..}       {"verdict": "right" | "wrong" | "unreadable" | "gold"}

The kernel ends the process with SIGPROF when one comparison has used its CPU time: no Python code has to run for that,
so nothing can swallow it. It has a bound on memory and may write no file; what it reads is a model's output.
"""

from __future__ import annotations

import importlib
import json
import resource
import signal
import sys
from typing import Any

from dsafe_runner.sandbox.maths_forms import differs, tidy

_MEMORY_BYTES = 4 << 30


def main() -> None:
    """Serve one grader until its pipe closes."""
    hello = json.loads(sys.stdin.readline())
    for limit, value in (("RLIMIT_AS", _MEMORY_BYTES), ("RLIMIT_FSIZE", 0), ("RLIMIT_CORE", 0)):
        resource.setrlimit(getattr(resource, limit), (value, value))
    try:
        compare("1", "1")  # imports, and compiles math-verify's long regular expressions
    except Exception as error:  # a broken installation can fail in any way; one line has to reach the user
        _say({"verdict": "failed", "why": f"{type(error).__name__}: {error}"[:300]})
        return
    _say({"verdict": "ready"})
    for line in sys.stdin:
        question = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, hello["seconds"])
        verdict = compare(question["gold"], question["answer"])
        signal.setitimer(signal.ITIMER_PROF, 0)
        _say({"verdict": verdict})


def compare(gold: str, answer: str) -> str:
    """The verdict on one answer, without any limit of time."""
    # an optional extra: type checkers must not need it
    library: Any = importlib.import_module("math_verify")
    parse, verify = library.parse, library.verify
    wanted = parse(_boxed(gold), parsing_timeout=None)
    if not wanted:
        return "gold"
    answer = tidy(answer)
    if differs(gold, answer):
        return "wrong"
    given = parse(_boxed(answer), parsing_timeout=None)
    if verify(wanted, given, timeout_seconds=None):
        return "right"
    # what is left as text is what could not be read
    return "unreadable" if all(isinstance(found, str) for found in given) else "wrong"


def _boxed(latex: str) -> str:
    return rf"\boxed{{{latex}}}"


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main()
