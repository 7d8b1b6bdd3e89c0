"""The names of all benchmarks, and how one is opened; nothing heavy is imported, no data read but a `custom` file."""

from __future__ import annotations

import datetime
import difflib
from pathlib import Path

from dsafe_runner.benchmarks.base import Benchmark, Offer
from dsafe_runner.errors import DataError

CUSTOM = "custom"
NAMES: tuple[str, ...] = (
    "tiny/mcq",
    "tiny/refusal",
    "tiny/benign",
    "tiny/reasoning",
    "starter/mcq",
    "starter/refusal",
    "starter/benign",
    "chisafetybench/mcq",
    "chisafetybench/refusal",
    "chisafetybench/refusal-history",
    "xstest/safe",
    "xstest/unsafe",
    "harmbench",
    "safetybench-zh",
    "tc260/refusal",
    "tc260/benign",
    "tc260/content",
    "math-500",
    "gpqa/diamond",
    "livecodebench/v1",
    "livecodebench/v5",
    "livecodebench/v6",
    "livecodebench/v1-public",
    CUSTOM,
)
_BANKS = ("tc260/refusal", "tc260/benign", "tc260/content")
TAKES: dict[str, tuple[str, ...]] = {
    "key": ("chisafetybench/mcq",),
    "path": (CUSTOM, *_BANKS),
    "system_turn": ("chisafetybench/refusal-history",),
    "draw": _BANKS,
    "draw_seed": _BANKS,
    "window": tuple(name for name in NAMES if name.startswith("livecodebench/")),
}
"""Fields of a suite's benchmark entry that only some benchmarks have a use for."""


def offer(use: str, *, path: Path | None = None) -> Offer:
    """What a benchmark offers. `custom` offers what its file holds, so it needs `path`.

    Raises:
        UnavailableError, DataError: as `open_benchmark`.
    """
    family = _family(use)
    if family == "chisafetybench":
        from dsafe_runner.benchmarks.chisafetybench import sets as chisafetybench

        return chisafetybench.offer(use)
    return open_benchmark(use, path=path).offer


def open_benchmark(
    use: str,
    *,
    key: str | None = None,
    path: Path | None = None,
    system_turn: str | None = None,
    draw: int | None = None,
    draw_seed: int | None = None,
    window: tuple[datetime.date | None, datetime.date | None] | None = None,
) -> Benchmark:
    """A benchmark, ready to give samples.

    key          chisafetybench/mcq only: consensus (default), literal, positive-reading, or the path of a .tsv file
    path         custom and tc260/*: their .jsonl or .csv file
    draw         tc260/* only: how many questions of the bank are asked; the standard's least number unless said
    draw_seed    tc260/* only: which ones; not the suite's seed, so that a second run asks the same questions
    system_turn  chisafetybench/refusal-history only: keep (default) or drop
    window       livecodebench/* only: first and last day of contests, None is open

    Raises:
        UnavailableError: a file the suite names (`key`, `path`) is not there. Missing data shows at `samples()`.
        DataError: no such benchmark, a field it does not take, or a file with mistakes (one per line).
    """
    family = _family(use)
    given = {
        "key": key,
        "path": path,
        "system_turn": system_turn,
        "draw": draw,
        "draw_seed": draw_seed,
        "window": window,
    }
    for field, value in given.items():
        if value is not None and use not in TAKES[field]:
            raise DataError(f"{use} takes no `{field}`; only {', '.join(TAKES[field])} can")
    if family == "tiny":
        from dsafe_runner.benchmarks.tiny.sets import TinyBenchmark

        return TinyBenchmark(use)
    if family == "starter":
        from dsafe_runner.benchmarks.starter import StarterBenchmark

        return StarterBenchmark(use)
    if family == "chisafetybench":
        from dsafe_runner.benchmarks.chisafetybench.sets import ChiSafetyBench

        return ChiSafetyBench(use, key, system_turn)
    if family == "xstest":
        from dsafe_runner.benchmarks.xstest import XSTest

        return XSTest(use)
    if family == "harmbench":
        from dsafe_runner.benchmarks.harmbench import HarmBench

        return HarmBench()
    if family == "safetybench-zh":
        from dsafe_runner.benchmarks.safetybench import SafetyBench

        return SafetyBench()
    if family == "tc260":
        from dsafe_runner.benchmarks.tc260.sets import Tc260Bank

        return Tc260Bank(use, path, draw, draw_seed or 0)
    if family == "math-500":
        from dsafe_runner.benchmarks.math500.sets import Math500

        return Math500()
    if family == "gpqa":
        from dsafe_runner.benchmarks.gpqa import GpqaDiamond

        return GpqaDiamond()
    if family == "livecodebench":
        from dsafe_runner.benchmarks.livecodebench.sets import LiveCodeBench
        from dsafe_runner.benchmarks.livecodebench.table import Window

        return LiveCodeBench(use, Window(*window) if window else None)
    if path is None:
        raise DataError("benchmark `custom` needs `path:`, the .jsonl or .csv file it is in")
    from dsafe_runner.benchmarks.custom.sets import CustomBenchmark

    return CustomBenchmark(path)


def _family(use: str) -> str:
    if use not in NAMES:
        close = difflib.get_close_matches(use, NAMES, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(NAMES)}"
        raise DataError(f"no benchmark {use!r}; {hint}")
    return use.partition("/")[0]
