"""How a Python child is started: this interpreter, this copy of the package, nothing from the working directory."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

import dsafe_runner


def python_command(*arguments: str) -> list[str]:
    """Command line of this interpreter. -P: a `torch.py` in the user's working directory is not torch."""
    return [sys.executable, "-P", *arguments]


def child_environment(extra: dict[str, str]) -> dict[str, str]:
    """This process's environment with `extra` on top, such that the child imports this very copy of the package."""
    environment = {**os.environ, "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "PYTHONUNBUFFERED": "1"}
    environment.update(extra)
    home = Path(dsafe_runner.__file__).resolve().parent.parent
    # site-packages itself must not be put before the standard library
    if home not in {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")}:
        old = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = f"{home}{os.pathsep}{old}" if old else str(home)
    return environment


def thread_environment(threads: int | None) -> dict[str, str]:
    """Thread counts, which OpenMP reads before torch is imported."""
    if not threads:
        return {}
    count = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    return count if threads > 1 else {**count, "TOKENIZERS_PARALLELISM": "false"}
