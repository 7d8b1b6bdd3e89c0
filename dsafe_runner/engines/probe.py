"""What this machine can run: devices and versions, found by a subprocess so that the controller never imports torch."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from dsafe_runner.engines.launch import child_environment, python_command
from dsafe_runner.errors import EngineError, UnavailableError

_VERSIONS = ("transformers", "tokenizers", "safetensors", "huggingface_hub")
_USABLE = {
    "vllm": ("-m", "dsafe_runner.engines.vllm.probe"),
    "deepspeed": ("-c", "import deepspeed; print(deepspeed.__version__)"),
}
_TIMEOUT_SECONDS = 300


def collect() -> dict[str, Any]:
    """Look at this machine from inside this process. Imports torch.

    Returns:
        python, platform, torch, transformers, tokenizers, ...   versions
        cpus        CPUs this process may use
        devices     CUDA devices: name, memory_bytes, capability
        bfloat16    the CUDA devices compute in bfloat16
        installed   vllm, deepspeed: found on the path, which does not prove that they work (see `usable`)
    """
    import torch

    devices: list[dict[str, Any]] = []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            seen = torch.cuda.get_device_properties(index)
            devices.append(
                {"name": seen.name, "memory_bytes": int(seen.total_memory), "capability": f"{seen.major}.{seen.minor}"}
            )
    return _seen(str(torch.__version__), torch.version.cuda, devices)


def _seen(torch_version: str, cuda: str | None, devices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()}-{platform.machine()}",
        "torch": torch_version,
        "cuda": cuda,
        **{name: _version(name) for name in _VERSIONS},
        "cpus": cpu_count(),
        "devices": devices,
        # Ampere and newer; torch's own check also says yes where bfloat16 is emulated
        "bfloat16": bool(devices) and all(float(d["capability"]) >= 8.0 for d in devices),
        "installed": {name: _installed(name) for name in _USABLE},
    }


def _cpu_only_torch() -> str | None:
    """Version of a torch that was built without any GPU support, read from its `version.py`; None when in doubt.

    Importing torch to learn that it has no GPU costs two seconds of every run on a laptop.
    """
    found = importlib.util.find_spec("torch")
    if found is None or not found.submodule_search_locations:
        return None
    try:
        text = (Path(found.submodule_search_locations[0]) / "version.py").read_text(encoding="utf-8")
    except OSError:
        return None
    said: dict[str, str] = dict(re.findall(r"^(__version__|cuda|hip|xpu)\b[^=\n]*= *(.+)$", text, re.MULTILINE))
    if "__version__" in said and all(said.get(name, "").strip() == "None" for name in ("cuda", "hip")):
        return said["__version__"].strip().strip("'\"")
    return None


@functools.cache
def _probe() -> str:
    version = _cpu_only_torch()
    if version is not None:
        return json.dumps(_seen(version, None, []))
    return _child(python_command("-m", "dsafe_runner.engines.probe"))


def probe() -> dict[str, Any]:
    """What `collect()` says, without importing torch here: from a subprocess, asked once per process.

    Raises:
        EngineError: torch cannot be imported here.
    """
    answer: dict[str, Any] = json.loads(_probe())
    return answer


@functools.cache
def usable(package: str) -> tuple[bool, str]:
    """Whether vllm or deepspeed really works here, and why (or what it says of itself). Imports it in a subprocess."""
    if not _installed(package):
        return False, "not installed"
    try:
        return True, _child(python_command(*_USABLE[package]))
    except EngineError as error:
        return False, f"installed, but does not work here: {error}"


def vllm_here() -> dict[str, Any]:
    """What `vllm_probe.look` says, from a subprocess.

    Raises:
        UnavailableError: vLLM is not installed, or cannot run here.
    """
    works, said = usable("vllm")
    if not works:
        raise UnavailableError(
            f"vllm is {said}; `pip install 'dsafe-runner[vllm]'` where there is a GPU, or use `backend: transformers`"
        )
    answer: dict[str, Any] = json.loads(said)
    return answer


def resolve_device(engine: dict[str, Any], seen: dict[str, Any]) -> dict[str, str]:
    """Device and dtype an engine gets on a machine: fields of spec.Engine, the answer of `probe` -> names torch knows.

    auto: a GPU where torch sees one, else CPU; bfloat16 on a GPU (float16 before Ampere), float32 on CPU, where it is
    independent of the batch.

    Raises:
        UnavailableError: the engine asks for what is not here.
    """
    wanted, has_gpu = engine.get("device", "auto"), bool(seen["devices"])
    if wanted == "cuda" and not has_gpu:
        raise UnavailableError(
            "the engine says `device: cuda`, but torch sees no GPU here; use a machine with one, or `device: auto`"
        )
    device = "cuda" if wanted == "cuda" or (wanted == "auto" and has_gpu) else "cpu"
    if device == "cpu" and engine.get("attention") == "flash_attention_2":
        raise UnavailableError("flash_attention_2 needs a GPU; use `attention: sdpa`")
    dtype = engine.get("dtype", "auto")
    if dtype == "auto":
        dtype = "float32" if device == "cpu" else "bfloat16" if seen["bfloat16"] else "float16"
    return {"device": device, "dtype": dtype}


def cpu_count() -> int:
    """CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _installed(package: str) -> bool:
    # a folder of that name is importable too (a checkout in the working directory), but has no origin
    found = importlib.util.find_spec(package)
    return found is not None and found.origin is not None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _child(command: list[str]) -> str:
    """Last line a subprocess printed."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
            env=child_environment({}),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"{sys.executable} could not be asked about this machine: {error}") from None
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        said = done.stderr.strip().splitlines()
        raise EngineError(said[-1] if said else f"exit status {done.returncode}")
    return lines[-1]


if __name__ == "__main__":
    print(json.dumps(collect()))
