"""Loads a checkpoint with transformers, and refuses one that would silently be another model."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from dsafe_runner.engines.checkpoint import local_folder
from dsafe_runner.engines.limits import check_generation_config, context_length, end_tokens, turn_tokens
from dsafe_runner.engines.probe import collect, resolve_device
from dsafe_runner.engines.prompts import Prompts, one_line
from dsafe_runner.errors import DsafeError, EngineError


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to run.

    context  tokens it can see
    last_only  its forward can compute the last position's logits alone
    eos      every token id that ends a text
    pad      fills the left of shorter rows; masked, so any id will do, even an end token
    """

    model: Any
    tokenizer: Any
    prompts: Prompts
    device: str
    dtype: str
    context: int
    eos: frozenset[int]
    pad: int
    last_only: bool


def load(model: dict[str, Any], engine: dict[str, Any]) -> Loaded:
    """Load `model` (fields of spec.Model) as `engine` (fields of spec.Engine) says.

    Raises:
        UnavailableError: the weights or the device are not here.
        EngineError: the checkpoint cannot be loaded, is incomplete, or has no chat template.
    """
    folder = local_folder(
        model["path"], model.get("revision"), download=True, allow_pickle=bool(model.get("allow_pickle", False))
    )
    check_generation_config(folder)
    place = resolve_device(engine, collect())
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
    from transformers.utils import logging

    logging.disable_progress_bar()
    if engine.get("threads"):
        torch.set_num_threads(int(engine["threads"]))
    trusted = bool(model.get("trust_remote_code", False))
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=trusted, local_files_only=True)
        network, info = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, place["dtype"]),
            attn_implementation=engine.get("attention", "sdpa"),
            trust_remote_code=trusted,
            use_safetensors=None if model.get("allow_pickle", False) else True,
            local_files_only=True,
            output_loading_info=True,
        )
        missing = sorted(info.get("missing_keys") or ())
        if missing:  # transformers fills these with random numbers and warns
            raise EngineError(f"the checkpoint lacks {len(missing)} weights of its architecture, e.g. {missing[0]}")
        network = network.to(place["device"]).eval()
    except DsafeError:
        raise
    except torch.OutOfMemoryError:
        raise EngineError(f"the model does not fit the memory of {place['device']} as {place['dtype']}") from None
    except Exception as error:  # a checkpoint can be wrong in more ways than transformers has exceptions
        raise EngineError(
            f"transformers cannot load {model['path']}: {type(error).__name__}: {one_line(error)}"
        ) from None
    context = context_length(network.config, tokenizer, engine.get("context_length"))
    rows = int(network.get_input_embeddings().num_embeddings)
    template_kwargs = dict(model.get("chat_template_kwargs") or {})
    prompts = Prompts(
        tokenizer,
        context=context,
        vocabulary=rows,
        system_prompt=model.get("system_prompt"),
        template_kwargs=template_kwargs,
        reasoning=model.get("reasoning"),
    )
    eos = end_tokens(network.generation_config, network.config.get_text_config(), tokenizer)
    eos |= turn_tokens(tokenizer, template_kwargs)
    pad = tokenizer.pad_token_id
    if pad is None or pad >= rows:  # transformers gives some tokenizers a pad token the embedding has no row for
        pad = min(eos, default=0)
    # generate() fills what a call leaves unsaid from here: the checkpoint's temperature, top_k, repetition_penalty and
    # token ids must not seep into what the suite says
    network.generation_config = GenerationConfig(pad_token_id=pad)
    last_only = "logits_to_keep" in inspect.signature(network.forward).parameters
    return Loaded(network, tokenizer, prompts, place["device"], place["dtype"], context, eos, pad, last_only)
