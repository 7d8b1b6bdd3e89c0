"""What vLLM can do on this machine: `python -m dsafe_runner.engines.vllm.probe` looks, `resolve` reads what it saw.

Only the looking imports vLLM. `import vllm` proves nothing: it works without any device vLLM could use, and a GPU build
that is told to use the CPU has none of the CPU's kernels.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal, cast

from dsafe_runner.engines.probe import resolve_device
from dsafe_runner.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class Place:
    """What an engine gets on a machine: where it runs, in which dtype, and whether answers bear no trace of batches."""

    device: Literal["cuda", "cpu"]
    dtype: str
    batch_invariant: bool


def look() -> dict[str, Any]:
    """Look from inside this process. Imports vLLM and torch.

    Returns:
        version     of vLLM
        device      what it would run on: `cuda` (ROCm too), `cpu`, `xpu` ...
        nvidia      that device is NVIDIA's
        capability  lowest compute capability among the GPUs, e.g. "9.0"; None without one

    Raises:
        UnavailableError: it cannot run here; one line.
    """
    import torch
    import vllm
    from vllm.platforms import current_platform as platform

    device = platform.device_type
    if not device:
        raise UnavailableError("it finds no device that it supports")
    if device == "cpu":
        platform.import_kernels()
        if not hasattr(torch.ops._C, "init_cpu_memory_env"):
            raise UnavailableError("this build of it has no CPU kernels")
    elif device == "cuda" and not torch.cuda.is_available():
        raise UnavailableError("it is built for GPUs, but torch sees none")
    seen = [torch.cuda.get_device_capability(i) for i in range(torch.cuda.device_count())] if device == "cuda" else []
    return {
        "version": str(vllm.__version__),
        "device": device,
        "nvidia": bool(platform.is_cuda()),
        "capability": ".".join(map(str, min(seen))) if seen else None,
    }


def resolve(engine: dict[str, Any], here: dict[str, Any], machine: dict[str, Any]) -> Place:
    """What an engine (fields of spec.VllmEngine) gets, by what `look` and `probe` saw.

    Raises:
        UnavailableError: it asks for what is not here.
    """
    device, wanted = here["device"], engine.get("device", "auto")
    if device not in ("cuda", "cpu"):
        raise UnavailableError(
            f"vLLM runs on {device} here, where nothing of this package was ever tried; serve the model and use "
            "`backend: openai`"
        )
    if wanted not in ("auto", device):
        raise UnavailableError(
            f"the engine says `device: {wanted}`, but the vLLM installed here runs on {device}; say `device: auto`, or "
            f"install the vLLM for {wanted}"
        )
    count = int(engine.get("tensor_parallel_size", 1))
    if device == "cpu" and count > 1:
        raise UnavailableError(
            f"tensor_parallel_size {count} needs GPUs, and vLLM runs on the CPU here; say `tensor_parallel_size: 1`"
        )
    if device == "cuda" and count > len(machine["devices"]):
        raise UnavailableError(
            f"tensor_parallel_size {count} needs {count} GPUs and torch sees {len(machine['devices'])} here; lower it, "
            "or use a machine with more"
        )
    place = resolve_device({**engine, "device": device, "attention": None}, machine)
    return Place(cast("Literal['cuda', 'cpu']", device), place["dtype"], _batch_invariant(engine, here))


def _batch_invariant(engine: dict[str, Any], here: dict[str, Any]) -> bool:
    wanted = engine.get("batch_invariant", "auto")
    can = bool(here["nvidia"]) and float(here["capability"] or 0) >= _needed(here["version"])
    if wanted == "require" and not can:
        seen = f"compute capability {here['capability']}" if here["capability"] else f"a {here['device']} device"
        raise UnavailableError(
            f"the engine says `batch_invariant: require`; vLLM {here['version']} needs an NVIDIA GPU of compute "
            f"capability {_needed(here['version'])} for that and has {seen}; use such a GPU, or say `auto`"
        )
    return can and wanted != "off"


def _needed(version: str) -> float:
    """Compute capability its documentation asks for. A version that cannot be read is taken for an old one."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return 8.0 if numbers and tuple(map(int, numbers.groups())) >= (0, 32) else 9.0


if __name__ == "__main__":
    try:
        print(json.dumps(look()))
    except UnavailableError as error:
        raise SystemExit(str(error)) from None
