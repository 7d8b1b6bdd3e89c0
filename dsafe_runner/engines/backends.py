"""Engines by what a suite says: what makes their answers what they are, and the engine itself. No torch at import."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from dsafe_runner.engines.base import Engine, Identified
from dsafe_runner.errors import EngineError


def identify(
    model: dict[str, Any], engine: dict[str, Any], *, cache: MutableMapping[str, str], download: bool
) -> Identified:
    """Identity of a model on its engine.

    Args:
        model: fields of spec.Checkpoint and `name`; `path` is an absolute folder, a hub id or a served name.
        engine: fields of one of the engines of suite.spec.
        cache: hashes of files hashed before; new ones are added.
        download: fetch hub weights that are not in the local cache.

    Raises:
        UnavailableError: weights, files, hardware or a library are not on this machine.
        EngineError: the machine cannot be asked what it has.
    """
    backend = engine["backend"]
    if backend == "transformers":
        from dsafe_runner.engines.hf import identity as hf_identity

        return hf_identity.identify(model, engine, cache=cache, download=download)
    if backend == "vllm":
        from dsafe_runner.engines.vllm import identity as vllm_identity

        return vllm_identity.identify(model, engine, cache=cache, download=download)
    if backend == "openai":
        from dsafe_runner.engines.openai import engine as openai

        return openai.identify(model, engine)
    if backend == "replay":
        from dsafe_runner.engines.replay import engine as replay

        return replay.identify(model, engine, cache=cache)
    raise EngineError(f"no engine of backend {backend!r}")


def make_engine(model: dict[str, Any], engine: dict[str, Any]) -> Engine:
    """The engine itself; called in the engine's own process. Arguments as for `identify`."""
    backend = engine["backend"]
    if backend == "transformers":
        from dsafe_runner.engines.hf.engine import TransformersEngine

        return TransformersEngine(model, engine)
    if backend == "vllm":
        from dsafe_runner.engines.vllm.engine import VllmEngine

        return VllmEngine(model, engine)
    if backend == "openai":
        from dsafe_runner.engines.openai.engine import OpenAIEngine

        return OpenAIEngine(model, engine)
    if backend == "replay":
        from dsafe_runner.engines.replay.engine import ReplayEngine

        return ReplayEngine(model, engine)
    raise EngineError(f"no engine of backend {backend!r}")
