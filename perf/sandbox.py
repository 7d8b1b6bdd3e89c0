"""What a sandboxed run costs beside a bare `python` subprocess: interleaved, medians, the same programs and inputs.

    python perf/sandbox.py [--rounds 60]

bare: `python -I program.py < input` with the interpreter of this environment, output read through pipes; and, as the
least a process can cost, `-I -S` with the interpreter below it. Functional problems have no bare form: theirs is a file
that ends in the call. Exits with 1 where the sandbox costs more than twice the first.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dsafe_runner.sandbox.bubblewrap import Sandbox
from dsafe_runner.sandbox.root import interpreter

NUMBERS = " ".join(str(n % 1000) for n in range(2000))
PROGRAMS = {
    "adds two numbers": ("print(int(input()) + 1)", "4\n", None),
    "contest program": (
        "import sys\nfrom collections import deque\nfrom heapq import heappush, heappop\n"
        "def main():\n    data = list(map(int, sys.stdin.read().split()))\n    heap = []\n"
        "    for n in data: heappush(heap, n)\n    print(sum(heappop(heap) * k for k in range(len(data))))\n"
        "if __name__ == '__main__':\n    main()\n",
        NUMBERS, None,
    ),
    "method call": (
        "from typing import List\nclass Solution:\n    def total(self, a: List[int]) -> int:\n        return sum(a)\n",
        json.dumps(list(range(1000))), "total",
    ),
}  # fmt: skip


def bare(file: Path, text: str, *command: str) -> None:
    subprocess.run([*command, str(file)], input=text.encode(), capture_output=True, check=True)


def contained(sandbox: Sandbox, program: str, text: str, function: str | None) -> None:
    run = sandbox.call(program, function, [json.loads(text)]) if function else sandbox.run(program, text.encode())
    if run.verdict != "ok":
        sys.exit(f"{run}")


def seconds(action, *arguments) -> float:
    start = time.perf_counter()
    action(*arguments)
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=60)
    rounds = parser.parse_args().rounds
    sandbox, slow = Sandbox(), False
    print(f"{sandbox.describe()}; {rounds} rounds, milliseconds: median (least)")
    for name, (program, text, function) in PROGRAMS.items():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "program.py")
            ending = f"\nimport json\nprint(json.dumps(Solution().{function}(json.loads(input()))))" if function else ""
            file.write_text(program + ending)
            times: dict[str, list[float]] = {"sandbox": [], "bare": [], "least": []}
            for _ in range(rounds):
                times["sandbox"].append(seconds(contained, sandbox, program, text, function))
                times["bare"].append(seconds(bare, file, text, sys.executable, "-I"))
                times["least"].append(seconds(bare, file, text, interpreter(), "-I", "-S"))
        middle = {way: statistics.median(found) for way, found in times.items()}
        told = ", ".join(f"{way} {middle[way]:.1f} ({min(found):.1f})" for way, found in times.items())
        ratio = statistics.median(a / b for a, b in zip(times["sandbox"], times["bare"], strict=True))
        slow |= ratio > 2
        print(f"{name:16s} {told}; sandbox/bare {ratio:.2f}, {middle['sandbox'] - middle['bare']:+.1f} ms")
    sys.exit(slow)


if __name__ == "__main__":
    main()
