"""What makes an answer of the transformers engine what it is, without torch."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Literal, cast

from dsafe_runner.engines.base import Identified
from dsafe_runner.engines.fingerprint import fingerprint
from dsafe_runner.engines.hf.engine import LOOP
from dsafe_runner.engines.probe import probe, resolve_device


def identify(
    model: dict[str, Any], engine: dict[str, Any], *, cache: MutableMapping[str, str], download: bool
) -> Identified:
    """See engines.backends.identify."""
    checkpoint = fingerprint(
        model["path"], model["revision"], cache=cache, download=download, allow_pickle=model["allow_pickle"]
    )
    machine = probe()
    resolved = resolve_device(engine, machine)
    facts = {
        "checkpoint": checkpoint["digest"],
        "backend": "transformers",
        "loop": LOOP,
        "versions": {name: machine[name] for name in ("torch", "transformers")},
        "device": resolved["device"],
        "dtype": resolved["dtype"],
        "attention": engine["attention"],
        "context_length": engine["context_length"],
    }
    device = cast("Literal['cuda', 'cpu']", resolved["device"])
    return Identified(facts, device, int(device == "cuda"), checkpoint["uses_date"])
