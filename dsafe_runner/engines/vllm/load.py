"""Starts vLLM inside this process, with settings under which an answer is its own, and says what went wrong if not."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsafe_runner.engines.checkpoint import local_folder
from dsafe_runner.engines.limits import check_generation_config, context_length, end_tokens, turn_tokens
from dsafe_runner.engines.probe import collect
from dsafe_runner.engines.prompts import Prompts, one_line
from dsafe_runner.engines.vllm.probe import Place, look, resolve
from dsafe_runner.errors import DsafeError, EngineError, UnavailableError

OURS = {
    # the scheduler in this process: what it does depends on what it is handed, not on when
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    # processes of a model on several GPUs must not inherit our pipes
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
    # vLLM pins its threads to cores, which collides with any neighbour that does so too
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_BATCH_INVARIANT": "0",
}
"""Variables of vLLM that this engine sets, whatever they were before."""

_GIB = 1024**3
_MEMORY = re.compile(
    r"out of memory|can't allocate memory|KV cache|cache blocks|(free|available) memory on|memory utilization"
    r"|ALLOC_FAILED",
    re.IGNORECASE,
)
_VALIDATION = re.compile(r"Value error, (.*?) \[type=")
"""what a pydantic error is about, among what it says besides"""
_ADVICE = {
    "cuda": "lower context_length or max_num_seqs, raise gpu_memory_utilization (lower it where others use the GPU), "
    "or spread the model over more GPUs with tensor_parallel_size",
    "cpu": "lower context_length or max_num_seqs, or set VLLM_CPU_KVCACHE_SPACE (whole GiB)",
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to run.

    core         vLLM's engine
    context      tokens the model can see
    eos          every token id that ends a text
    all_weights  it was made sure that the checkpoint has every weight of its architecture; vLLM itself makes sure of
                 some only
    """

    core: Any
    tokenizer: Any
    prompts: Prompts
    place: Place
    context: int
    eos: frozenset[int]
    all_weights: bool


def load(model: dict[str, Any], engine: dict[str, Any]) -> Loaded:
    """Load `model` (fields of spec.Checkpoint) as `engine` (fields of spec.VllmEngine) says.

    Raises:
        UnavailableError: the weights, the device or vLLM are not here.
        EngineError: the checkpoint cannot be loaded, does not fit, or has no chat template.
    """
    folder = str(
        local_folder(
            model["path"], model.get("revision"), download=True, allow_pickle=bool(model.get("allow_pickle", False))
        )
    )
    # everything is here now; code that comes with a checkpoint would otherwise be asked for at the hub
    os.environ.update({**OURS, "HF_HUB_OFFLINE": "1"})
    try:
        place = resolve(engine, look(), collect())
    except ImportError as error:
        raise EngineError(f"vLLM cannot be imported: {one_line(error)}") from error
    os.environ["VLLM_BATCH_INVARIANT"] = str(int(place.batch_invariant))
    trusted = bool(model.get("trust_remote_code", False))
    check_generation_config(Path(folder))
    template_kwargs = dict(model.get("chat_template_kwargs") or {})
    try:
        tokenizer, context, eos, vocabulary = _read(folder, engine, trusted)
        eos |= turn_tokens(tokenizer, template_kwargs)
        prompts = Prompts(
            tokenizer,
            context=context,
            vocabulary=vocabulary,
            system_prompt=model.get("system_prompt"),
            template_kwargs=template_kwargs,
            reasoning=model.get("reasoning"),
        )
        whole = _has_all_weights(folder, model, trusted)
        core = _start(folder, model, engine, place, context)
    except DsafeError:
        raise
    except Exception as error:  # a checkpoint can be wrong in more ways than vLLM has exceptions
        raise EngineError(explain(error, place, f"vLLM cannot load {model['path']}")) from error
    return Loaded(core, tokenizer, prompts, place, context, frozenset(e for e in eos if e < vocabulary), whole)


def _read(folder: str, engine: dict[str, Any], trusted: bool) -> tuple[Any, int, frozenset[int], int]:
    """Tokenizer, context, end tokens and vocabulary as the transformers engine reads them."""
    from transformers import AutoConfig, AutoTokenizer, GenerationConfig
    from transformers.utils import logging

    logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=trusted, local_files_only=True)
    config = AutoConfig.from_pretrained(folder, trust_remote_code=trusted, local_files_only=True)
    try:
        generation = GenerationConfig.from_pretrained(folder, local_files_only=True)
    except OSError:  # it has none
        generation = None
    text = config.get_text_config()
    context = context_length(config, tokenizer, engine.get("context_length"))
    return tokenizer, context, end_tokens(generation, text, tokenizer), int(text.vocab_size)


def _has_all_weights(folder: str, model: dict[str, Any], trusted: bool) -> bool:
    """Have transformers match the checkpoint's names with its architecture's, without reading a weight.

    vLLM 0.32 starts a checkpoint that lacks a linear layer or the embedding, and runs it on what was in the memory.
    False where this cannot be done: transformers does not know the architecture, or the weights are quantized (of
    those vLLM wants all).

    Raises:
        EngineError: weights are missing.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(folder, trust_remote_code=trusted, local_files_only=True)
    known = type(config) in AutoModelForCausalLM._model_mapping or "AutoModelForCausalLM" in getattr(
        config, "auto_map", {}
    )
    if not known or getattr(config.get_text_config(), "quantization_config", None):
        return False
    if importlib.util.find_spec("accelerate") is None:
        raise UnavailableError("the vllm engine needs accelerate to look over a checkpoint; `pip install accelerate`")
    _, info = AutoModelForCausalLM.from_pretrained(
        folder,
        device_map="meta",
        trust_remote_code=trusted,
        use_safetensors=None if model.get("allow_pickle", False) else True,
        local_files_only=True,
        output_loading_info=True,
    )
    if missing := sorted(info.get("missing_keys") or ()):
        raise EngineError(f"the checkpoint lacks {len(missing)} weights of its architecture, e.g. {missing[0]}")
    return True


def _start(folder: str, model: dict[str, Any], engine: dict[str, Any], place: Place, context: int) -> Any:
    import torch
    from vllm import EngineArgs, LLMEngine
    from vllm.usage.usage_lib import UsageContext

    if engine.get("threads") and place.device == "cpu":
        torch.set_num_threads(int(engine["threads"]))
    settings: dict[str, Any] = {
        "model": folder,
        # prompts go in and answers come out as tokens; texts are made here, as for every other engine
        "skip_tokenizer_init": True,
        "trust_remote_code": bool(model.get("trust_remote_code", False)),
        "load_format": "auto" if model.get("allow_pickle", False) else "safetensors",
        "dtype": place.dtype,
        "quantization": engine.get("quantization"),
        "seed": 0,
        "max_model_len": context,
        "max_num_seqs": engine.get("max_num_seqs"),
        "tensor_parallel_size": int(engine.get("tensor_parallel_size", 1)),
        "gpu_memory_utilization": float(engine.get("gpu_memory_utilization", 0.9)),
        "enforce_eager": bool(engine.get("enforce_eager", False)) or place.device == "cpu",
        # a prompt computed anew and one taken from the cache can differ in a near-tied token
        "enable_prefix_caching": False,
        "generation_config": "vllm",
        "disable_log_stats": True,
    }
    if place.device == "cpu":
        # a prompt computed in chunks together with a seed kills vLLM on the CPU ("CPU Generator does not use offset")
        settings |= {"enable_chunked_prefill": False, "max_num_batched_tokens": max(context, 8192)}
        if not os.environ.get("VLLM_CPU_KVCACHE_SPACE"):
            settings["kv_cache_memory_bytes"] = _cache_bytes()
    # as whom we come decides how many texts vLLM takes at a time where nobody says it
    return LLMEngine.from_engine_args(EngineArgs(**settings), usage_context=UsageContext.LLM_CLASS)


def _cache_bytes() -> int:
    """A sixteenth of the memory that is free, at least 1 GiB: several models may run side by side."""
    import psutil

    return int(min(max(psutil.virtual_memory().available // 16, _GIB), 32 * _GIB))


def explain(error: BaseException, place: Place, what: str) -> str:
    """One line: what failed, why, and for want of memory which setting to turn."""
    for one in _causes(error):
        if type(one).__name__ in ("OutOfMemoryError", "MemoryError") or _MEMORY.search(str(one)):
            return f"{what}: out of memory ({one_line(one, 160)}); {_ADVICE[place.device]}"
    hint = "; `batch_invariant: off` may help" if place.batch_invariant and "invarian" in str(error) else ""
    said = _VALIDATION.search(str(error))
    reason = said[1] if said else f"{type(error).__name__}: {one_line(error)}"
    return f"{what}: {reason[:300]}{hint}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
