"""The vLLM engine: one checkpoint, in this process, on one or several GPUs.

Prompts, end tokens, and what becomes of the tokens that come back are those of the transformers engine: the two differ
in nothing but arithmetic and the order of random numbers. Of the checkpoint's generation_config.json only the end
tokens are used.
"""

from __future__ import annotations

import gc
import hashlib
import math
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from dsafe_runner.engines.probe import collect
from dsafe_runner.engines.prompts import Prepared, one_line
from dsafe_runner.engines.replies import NO_NUMBERS, Replies, failed, lettered
from dsafe_runner.engines.vllm.load import Loaded, explain, load
from dsafe_runner.errors import EngineError
from dsafe_runner.records import Request, Response, Sampling

LOOP = 1
"""Raised whenever the same request could give another text than before: it is part of what `describe` says."""

_AHEAD = 4
"""Times max_num_seqs that vLLM holds at a time: it never waits for us, and a million requests never wait in it."""


class VllmEngine:
    """Implements engines.base.Engine. Imports torch and vLLM on entering; meant to live in a worker process.

    Args:
        model: fields of spec.Checkpoint and `name`; `path` is an absolute folder or a hub id.
        engine: fields of spec.VllmEngine.

    Raises (on entering):
        UnavailableError: weights, device or vLLM are not on this machine.
        EngineError: the checkpoint cannot be loaded, does not fit, or has no chat template.
    """

    def __init__(self, model: dict[str, Any], engine: dict[str, Any]) -> None:
        self._model = model
        self._engine = engine
        self._loaded: Loaded | None = None
        self._asked = 0

    def __enter__(self) -> Self:
        self._loaded = load(self._model, self._engine)
        self._replies = Replies(
            self._loaded.tokenizer,
            ends=self._loaded.eos,
            parser=self._model.get("reasoning"),
            prefilled=self._loaded.prompts.prefilled,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loaded is None:
            return
        self._loaded.core.engine_core.shutdown()
        self._loaded = None
        from vllm.distributed import cleanup_dist_env_and_memory

        gc.collect()
        cleanup_dist_env_and_memory()

    def describe(self) -> dict[str, Any]:
        """Everything that can move a number: versions, device, dtype, attention, scheduler, template, end tokens."""
        import torch
        import vllm

        loaded, seen = self._ready(), collect()
        config = loaded.core.vllm_config
        scheduler, cache = config.scheduler_config, config.cache_config
        layers = config.compilation_config.static_forward_context.values()
        backends = {layer.attn_backend.get_name() for layer in layers if hasattr(layer, "attn_backend")}
        return {
            "engine": "vllm",
            "loop": LOOP,
            "vllm": str(vllm.__version__),
            **{name: seen[name] for name in ("python", "platform", "torch", "cuda", "transformers", "tokenizers")},
            "device": loaded.place.device,
            "device_name": seen["devices"][0]["name"] if loaded.place.device == "cuda" else seen["platform"],
            "compute_capability": seen["devices"][0]["capability"] if loaded.place.device == "cuda" else None,
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "tensor_parallel_size": int(config.parallel_config.tensor_parallel_size),
            "dtype": str(config.model_config.dtype).removeprefix("torch."),
            "quantization": str(config.model_config.quantization) if config.model_config.quantization else None,
            # None: the layers live in other processes
            "attention": ", ".join(sorted(backends)) or None,
            "all_weights_checked": loaded.all_weights,
            "architecture": str(config.model_config.architecture),
            "eager": bool(config.model_config.enforce_eager),
            "context_length": loaded.context,
            "threads": torch.get_num_threads(),
            "max_num_seqs": int(scheduler.max_num_seqs),
            "max_num_batched_tokens": int(scheduler.max_num_batched_tokens),
            "chunked_prefill": bool(scheduler.enable_chunked_prefill),
            "prefix_caching": bool(cache.enable_prefix_caching),
            "kv_cache_blocks": cache.num_gpu_blocks,
            "batch_invariant": loaded.place.batch_invariant,
            "chat_template_sha256": hashlib.sha256(loaded.prompts.template.encode()).hexdigest(),
            "prefilled_thinking": loaded.prompts.prefilled,
            "eos_token_ids": sorted(loaded.eos),
        }

    def generate(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Yield a Response per Request as soon as it is finished; see engines.base.Engine."""
        loaded = self._ready()
        prepared: list[Prepared] = []
        for item in loaded.prompts.prepare(requests):
            if not isinstance(item, Prepared):
                yield failed(item[0], item[1])
            elif (problem := _refusal(item.request.sampling)) is not None:
                yield failed(item.request, problem)
            else:
                prepared.append(item)
        # apart: where one request of a batch wants log-probabilities of tokens of its own, vLLM gives no row any others
        for letters in (True, False):
            yield from self._drive(loaded, [item for item in prepared if bool(item.letters) is letters])

    def notes(self) -> list[str]:
        """Lines for the user about the answers as a whole."""
        place = self._ready().place
        if place.batch_invariant or (place.device, place.dtype) == ("cpu", "float32"):
            return []
        return [
            f"vLLM ran in {place.dtype} without batch invariance: where two tokens are nearly tied, an answer can "
            "depend on what was computed beside it"
        ]

    def _drive(self, loaded: Loaded, items: list[Prepared]) -> Iterator[Response]:
        """Keep vLLM busy with `items`, in their order, until all are answered."""
        core = loaded.core
        limit = _AHEAD * int(core.vllm_config.scheduler_config.max_num_seqs)
        waiting = iter(items)
        running: dict[str, Prepared] = {}
        try:
            more = True
            while more or running:
                while more and len(running) < limit:
                    item = next(waiting, None)
                    if item is None:
                        more = False
                    elif (problem := self._add(core, item, running)) is not None:
                        yield failed(item.request, problem)
                if running:
                    yield from self._step(loaded, running)
        finally:
            if running:  # nobody reads on: the next call must not find them
                core.abort_request(list(running))

    def _add(self, core: Any, item: Prepared, running: dict[str, Prepared]) -> str | None:
        """Hand a request over; None, or why vLLM refuses it."""
        from vllm.inputs import tokens_input

        self._asked += 1
        try:
            core.add_request(str(self._asked), tokens_input(item.ids), self._parameters(item))
        except ValueError as error:
            return f"vLLM refused the request: {one_line(error)}"
        running[str(self._asked)] = item
        return None

    def _parameters(self, item: Prepared) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        sampling = item.request.sampling
        shared: dict[str, Any] = {"detokenize": False, "ignore_eos": True, "output_kind": RequestOutputKind.FINAL_ONLY}
        if item.letters:
            return SamplingParams(temperature=0.0, max_tokens=1, logprob_token_ids=list(item.letters), **shared)
        return SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=item.budget,
            seed=item.request.seed if sampling.temperature else None,
            # all end tokens, and only ours: `ignore_eos` is about the one vLLM would find by itself
            stop_token_ids=sorted(self._ready().eos),
            # the log-probability of each drawn token: no number where the logits are none
            logprobs=0,
            flat_logprobs=True,
            **shared,
        )

    def _step(self, loaded: Loaded, running: dict[str, Prepared]) -> Iterator[Response]:
        try:
            outputs = loaded.core.step()
        except Exception as error:  # vLLM has no way back from any of them
            raise EngineError(explain(error, loaded.place, "vLLM stopped")) from error
        for output in outputs:
            if output.finished:
                yield self._response(running.pop(output.request_id), output.outputs[0])

    def _response(self, item: Prepared, drawn: Any) -> Response:
        if drawn.finish_reason not in ("stop", "length"):
            return failed(item.request, f"vLLM gave up on the request ({drawn.finish_reason})")
        if item.letters:
            said = drawn.logprobs[0]
            return lettered(item, [said[token].logprob if token in said else math.nan for token in item.letters])
        if drawn.cumulative_logprob is None or not math.isfinite(drawn.cumulative_logprob):
            return failed(item.request, NO_NUMBERS)
        return self._replies.text(item, list(drawn.token_ids), drawn.finish_reason)

    def _ready(self) -> Loaded:
        if self._loaded is None:
            raise EngineError("the engine is not running; use it as a context manager")
        return self._loaded


def _refusal(sampling: Sampling) -> str | None:
    """Why vLLM cannot draw as asked; it would move such temperatures without a word, or refuse them with many."""
    if 0.0 < sampling.temperature < 0.01 or sampling.temperature > 2.0:
        return f"vLLM samples at temperature 0 and from 0.01 to 2, not at {sampling.temperature}"
    return None
