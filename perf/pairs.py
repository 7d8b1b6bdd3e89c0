"""How everything here is measured: CPU-seconds of child processes, sides in turns, medians of paired ratios.

A side is a callable that runs once and returns what it `Spent`. The order is A B C A B C ..., so that whatever else the
machine does falls on all sides; a ratio is taken within one round, and the median over rounds is shown with its range.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

EQUAL = 0.2
"""Ratios this near to 1 are called equal: repeats of one and the same side differ by 10 to 45 % on a shared machine."""


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU-seconds (user + system, of the process and all it waited for), wall seconds, peak MiB of the largest one."""

    cpu: float
    wall: float
    peak: float


def environment() -> dict[str, str]:
    """Of every child: one thread, no network, bytecode caches as usual."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST", "DSAFE_"))}
    return {
        **kept,
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "CI": "",
    }


def child(command: list[str], *, folder: Path, log: str, stdin: Path | None = None, **extra: str) -> Spent:
    """Run a command to its end in `folder`; its output goes to `folder/log`. Exits where it fails."""
    begun = time.monotonic()
    with (folder / log).open("wb") as out, (stdin or Path(os.devnull)).open("rb") as source:
        process = subprocess.Popen(
            command, cwd=folder, env={**environment(), **extra}, stdin=source, stdout=out, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = (folder / log).read_text(errors="replace")[-3000:]
        sys.exit(f"{tail}\n{' '.join(command)}: exit {process.returncode}")
    return Spent(used.ru_utime + used.ru_stime, time.monotonic() - begun, used.ru_maxrss / 1024)


def build_model(size: str, folder: Path) -> str:
    """Make a checkpoint in a child, so that this process stays small: a child's peak counts from its parent's size."""
    script = str(Path(__file__).with_name("models.py"))
    child([sys.executable, script, size, str(folder)], folder=folder.parent, log="build.log")
    return (folder.parent / "build.log").read_text().splitlines()[-1]


def rounds(sides: Mapping[str, Callable[[], Spent]], pairs: int) -> dict[str, list[Spent]]:
    """All sides in turns, `pairs` times."""
    spent: dict[str, list[Spent]] = {name: [] for name in sides}
    for number in range(pairs):
        for name, run in sides.items():
            spent[name].append(run())
            print(f"# round {number + 1}: {name} {spent[name][-1].cpu:.2f} cpu-s", file=sys.stderr, flush=True)
    return spent


def compare(spent: Mapping[str, list[Spent]], *, ours: str, items: int, title: str) -> None:
    """A table: median CPU-seconds, items per CPU-second, and how many times as fast `ours` is as each side."""
    print(f"\n{title}\n")
    print("| side | CPU-s, median (range) | items/CPU-s | peak MiB | ours is ... times as fast (range) | |")
    print("|---|---|---|---|---|---|")
    for name, found in spent.items():
        seconds = [s.cpu for s in found]
        ratios = [theirs.cpu / own.cpu for theirs, own in zip(found, spent[ours], strict=True)]
        middle = statistics.median(ratios)
        ratio = "-" if name == ours else f"{middle:.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        median = statistics.median(seconds)
        print(
            f"| {name} | {median:.2f} ({min(seconds):.2f}-{max(seconds):.2f}) | {items / median:.2f} "
            f"| {max(s.peak for s in found):.0f} | {ratio} | {'' if name == ours else word(middle)} |"
        )


def word(ratio: float) -> str:
    """What a ratio may be called."""
    return "faster" if ratio > 1 + EQUAL else "slower" if ratio < 1 - EQUAL else "equal"


def options(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse with the options every script has; `--quick` is for trying a script, not for numbers."""
    parser.add_argument("--pairs", type=int, default=3, help="rounds (3)")
    parser.add_argument("--quick", action="store_true", help="one small round, to see that it runs")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.pairs = 1
    return chosen


def head(*packages: str) -> None:
    """What the numbers below were measured on."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    print(f"{time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}; {_cpu()}, {os.cpu_count()} cores; one thread")
    print(f"Python {platform.python_version()}, {versions}; load at start {_load()}", flush=True)


def foot() -> None:
    """The load at the end."""
    print(f"\nload at end {_load()}; ratios within {EQUAL:.0%} of 1 are called equal")


def _load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
