"""What a sandboxed run costs beside a bare `python` subprocess: interleaved, medians, the same programs and inputs.

    python perf/sandbox.py [--rounds 60]

bare: `python -I program.py < input` with the interpreter of this environment, output read through pipes; and, as the
least a process can cost, `-I -S` with the interpreter below it. Functional problems have no bare form: theirs is a file
that ends in the call. CPU-milliseconds (user + system, ours and those of every process that was started) and, after
the slash, wall clock, which other people's load multiplies. Exits with 1 where the CPU time is more than twice bare's.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dsafe_runner.sandbox.bubblewrap import Sandbox
from dsafe_runner.sandbox.root import interpreter

NUMBERS = " ".join(str(n % 1000) for n in range(2000))
HEAP = """
import sys
from collections import deque
from heapq import heappush, heappop
def solve():
    data = list(map(int, sys.stdin.read().split()))
    heap = []
    for n in data: heappush(heap, n)
    print(sum(heappop(heap) * k for k in range(len(data))))
if __name__ == "__main__":
    solve()
"""
METHOD = """
from typing import List
class Solution:
    def total(self, a: List[int]) -> int:
        return sum(a)
"""
PROGRAMS = {
    "adds two numbers": ("print(int(input()) + 1)", "4\n", None),
    "contest program": (HEAP, NUMBERS, None),
    "method call": (METHOD, json.dumps(list(range(1000))), "total"),
}


def bare(file: Path, text: str, *command: str) -> None:
    subprocess.run([*command, str(file)], input=text.encode(), capture_output=True, check=True)


def contained(sandbox: Sandbox, program: str, text: str, function: str | None) -> None:
    run = sandbox.call(program, function, [json.loads(text)]) if function else sandbox.run(program, text.encode())
    if run.verdict != "ok":
        sys.exit(f"{run}")


def spent() -> float:
    """CPU-seconds of this process and of all that it has waited for, orphans of sandboxes among them."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def cost(action, *arguments) -> tuple[float, float]:
    """Milliseconds of CPU and of wall clock time."""
    start, wall = spent(), time.perf_counter()
    action(*arguments)
    return 1000 * (spent() - start), 1000 * (time.perf_counter() - wall)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=60)
    rounds = parser.parse_args().rounds
    sandbox, slow = Sandbox(), False
    print(f"{sandbox.describe()}; {rounds} rounds, medians in ms: CPU / wall clock")
    for name, (program, text, function) in PROGRAMS.items():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "program.py")
            ending = f"\nimport json\nprint(json.dumps(Solution().{function}(json.loads(input()))))" if function else ""
            file.write_text(program + ending)
            costs: dict[str, list[tuple[float, float]]] = {"sandbox": [], "bare": [], "least": []}
            for _ in range(rounds):
                costs["sandbox"].append(cost(contained, sandbox, program, text, function))
                costs["bare"].append(cost(bare, file, text, sys.executable, "-I"))
                costs["least"].append(cost(bare, file, text, interpreter(), "-I", "-S"))
        middle = {way: [statistics.median(kind) for kind in zip(*found, strict=True)] for way, found in costs.items()}
        told = ", ".join(f"{way} {cpu:.1f} / {wall:.1f}" for way, (cpu, wall) in middle.items())
        ratios = [middle["sandbox"][kind] / middle["bare"][kind] for kind in (0, 1)]
        slow |= ratios[0] > 2
        print(f"{name:16s} {told}; sandbox/bare {ratios[0]:.2f} / {ratios[1]:.2f}")
    sys.exit(slow)


if __name__ == "__main__":
    main()
