"""What `dsafe doctor` says: the devices and versions here, and what each backend would do with them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from dsafe_runner.engines.checkpoint import hub_offline
from dsafe_runner.engines.probe import probe, resolve_device, usable
from dsafe_runner.errors import DsafeError

_GIB = 1024**3


def report_lines() -> list[str]:
    """Lines of plain text, sections and their indented facts. Never raises for what is missing: that is the news."""
    lines = ["Machine"]
    try:
        seen = probe()
    except DsafeError as error:
        return [*lines, f"  torch cannot be imported: {error}", "  no engine can run here; reinstall torch", *_places()]
    versions = ", ".join(f"{name} {seen[name]}" for name in ("python", "torch", "transformers", "tokenizers"))
    lines += [f"  {versions}", f"  {seen['platform']}, {seen['cpus']} CPUs"]
    for number, device in enumerate(seen["devices"]):
        memory = device["memory_bytes"] / _GIB
        lines.append(f"  GPU {number}: {device['name']}, {memory:.0f} GiB, compute capability {device['capability']}")
    if not seen["devices"]:
        lines.append("  no GPU that torch can see" + ("" if seen["cuda"] else " (this torch is built without CUDA)"))
    place = resolve_device({}, seen)
    where = {"cuda": "the GPU", "cpu": "the CPU"}[place["device"]]
    note = ", results independent of the batch" if place["dtype"] == "float32" else ""
    lines += ["Backends", f"  transformers: runs models on {where} in {place['dtype']}{note}"]
    lines += [f"  {name}: {_say(name)}" for name in ("vllm", "deepspeed")]
    return [*lines, *_places()]


def _say(package: str) -> str:
    works, detail = usable(package)
    if works and package == "vllm":
        seen = json.loads(detail)
        detail = f"{seen['version']} on {seen['device']}"
    return f"usable ({detail})" if works else detail


def _places() -> list[str]:
    from huggingface_hub.constants import HF_HUB_CACHE

    cache = Path(HF_HUB_CACHE)
    held = len(list(cache.glob("models--*"))) if cache.is_dir() else 0
    data = os.environ.get("DSAFE_DATA")
    said = "not set; data is looked up in ~/.cache/dsafe/data"
    if data:
        said = data if Path(data).is_dir() else f"{data}, which is no folder"
    downloads = "off (HF_HUB_OFFLINE)" if hub_offline() else "on"
    return ["Places", f"  Hugging Face cache: {cache} ({held} models); downloads {downloads}", f"  DSAFE_DATA: {said}"]


if __name__ == "__main__":
    print("\n".join(report_lines()))
