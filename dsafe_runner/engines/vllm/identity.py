"""What makes an answer of the vLLM engine what it is, without torch and vLLM."""

from __future__ import annotations

import os
import re
from collections.abc import MutableMapping
from typing import Any

from dsafe_runner.engines.base import Identified
from dsafe_runner.engines.fingerprint import fingerprint
from dsafe_runner.engines.probe import probe, vllm_here
from dsafe_runner.engines.vllm.engine import LOOP
from dsafe_runner.engines.vllm.load import OURS
from dsafe_runner.engines.vllm.probe import resolve

_MOVES_NOTHING = re.compile(
    r"KEY|TOKEN|SECRET|PASS|PATH|DIR|_ROOT|FOLDER|LOG|PORT|HOST|_IP|TIMEOUT|USAGE|TRACE|URL|SERVER|MEDIA|ASSETS"
    r"|KVCACHE_SPACE"
)
"""Names of vLLM's variables that say where things are, or hold what must never reach a file."""


def identify(
    model: dict[str, Any], engine: dict[str, Any], *, cache: MutableMapping[str, str], download: bool
) -> Identified:
    """See engines.backends.identify.

    `max_num_seqs`, `gpu_memory_utilization` and `threads` are no part of it: they shape batches, and so does every
    interruption. What that does to an answer is what `batch_invariant` tells.
    """
    here, machine = vllm_here(), probe()
    place = resolve(engine, here, machine)
    checkpoint = fingerprint(
        model["path"], model["revision"], cache=cache, download=download, allow_pickle=model["allow_pickle"]
    )
    facts = {
        "checkpoint": checkpoint["digest"],
        "backend": "vllm",
        "loop": LOOP,
        "versions": {"vllm": here["version"], **{name: machine[name] for name in ("torch", "transformers")}},
        "device": place.device,
        # vLLM picks attention and kernels by it
        "compute_capability": here["capability"],
        "dtype": place.dtype,
        "quantization": engine["quantization"],
        "tensor_parallel_size": engine["tensor_parallel_size"],
        "batch_invariant": place.batch_invariant,
        "eager": engine["enforce_eager"] or place.device == "cpu",
        "context_length": engine["context_length"],
        "environment": _environment(),
    }
    gpus = int(engine["tensor_parallel_size"]) if place.device == "cuda" else 0
    return Identified(facts, place.device, gpus, checkpoint["uses_date"])


def _environment() -> dict[str, str]:
    """The user's own settings of vLLM's kernels, schedulers and plugins."""
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith("VLLM_") and name not in OURS and not _MOVES_NOTHING.search(name)
    }
