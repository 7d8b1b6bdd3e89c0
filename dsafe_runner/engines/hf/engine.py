"""The transformers engine: one checkpoint, in this process, answering in length-sorted batches.

What the suite says is all that shapes a text: the checkpoint's own sampling defaults (temperature, top_p, top_k,
repetition_penalty in generation_config.json) are not used; of that file only the end tokens are.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from dsafe_runner.engines.batches import BatchPlan
from dsafe_runner.engines.hf.load import Loaded, load
from dsafe_runner.engines.probe import collect
from dsafe_runner.engines.prompts import Prepared, one_line
from dsafe_runner.engines.replies import NO_NUMBERS, Replies, failed, lettered
from dsafe_runner.errors import EngineError
from dsafe_runner.records import Request, Response

LOOP = 1
"""Raised whenever the same request could give another text than before: it is part of what `describe` says."""


class TransformersEngine:
    """Implements engines.base.Engine. Imports torch on entering; meant to live in a worker process.

    Args:
        model: fields of spec.Model and `name`; `path` is an absolute folder or a hub id.
        engine: fields of spec.Engine.

    Raises (on entering):
        UnavailableError: weights or device are not on this machine.
        EngineError: the checkpoint cannot be loaded, or has no chat template.
    """

    def __init__(self, model: dict[str, Any], engine: dict[str, Any]) -> None:
        self._model = model
        self._engine = engine
        self._loaded: Loaded | None = None

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
        self._loaded = None
        _free_memory()

    def describe(self) -> dict[str, Any]:
        """Everything that can move a number: versions, device, dtype, attention, batches, template, end tokens."""
        import torch

        loaded, seen = self._ready(), collect()
        on_gpu = loaded.device == "cuda"
        return {
            "engine": "transformers",
            "loop": LOOP,
            **{name: seen[name] for name in ("python", "platform", "torch", "cuda", "transformers", "tokenizers")},
            "device": loaded.device,
            "device_name": torch.cuda.get_device_name() if on_gpu else seen["platform"],
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "dtype": loaded.dtype,
            "attention": str(loaded.model.config._attn_implementation),
            "architecture": type(loaded.model).__name__,
            "parameters": int(loaded.model.num_parameters()),
            "context_length": loaded.context,
            "threads": torch.get_num_threads(),
            "max_batch_tokens": int(self._engine["max_batch_tokens"]),
            "max_batch_size": int(self._engine["max_batch_size"]),
            "batch_invariant": loaded.device == "cpu" and loaded.dtype == "float32",
            "chat_template_sha256": hashlib.sha256(loaded.prompts.template.encode()).hexdigest(),
            "prefilled_thinking": loaded.prompts.prefilled,
            "eos_token_ids": sorted(loaded.eos),
        }

    def generate(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Yield a Response per Request as soon as it is finished; see engines.base.Engine."""
        loaded = self._ready()
        prepared: list[Prepared] = []
        for item in loaded.prompts.prepare(requests):
            if isinstance(item, Prepared):
                prepared.append(item)
            else:
                yield failed(item[0], item[1])
        plan = BatchPlan(
            prepared, max_rows=int(self._engine["max_batch_size"]), max_tokens=int(self._engine["max_batch_tokens"])
        )
        while batch := plan.next():
            unfinished = {id(item): item for item in batch}
            problem: str | None = None
            try:
                for item, response in self._run(loaded, batch):
                    del unfinished[id(item)]
                    yield response
            except Exception as error:  # only out-of-memory is handled; anything else is the engine's end
                if not _out_of_memory(error):
                    raise EngineError(f"{type(error).__name__}: {one_line(error)}") from error
                problem = one_line(error, 120)
            if problem is None:
                continue
            # outside the except block: its traceback would keep the failed batch's tensors alive
            _free_memory()
            if len(batch) == 1:
                size = len(batch[0].ids)
                yield failed(batch[0].request, f"out of memory for a single request of {size} prompt tokens: {problem}")
            else:
                plan.shrink(batch, list(unfinished.values()))

    def _run(self, loaded: Loaded, batch: list[Prepared]) -> Iterator[tuple[Prepared, Response]]:
        from dsafe_runner.engines.hf.decode import generate_batch, score_letters

        if batch[0].letters:
            for item, values in zip(batch, score_letters(loaded, batch), strict=True):
                yield item, lettered(item, values)
            return
        for drawn in generate_batch(loaded, batch):
            if drawn.broken:
                yield drawn.item, failed(drawn.item.request, NO_NUMBERS)
            else:
                yield drawn.item, self._replies.text(drawn.item, drawn.tokens, drawn.finish)

    def _ready(self) -> Loaded:
        if self._loaded is None:
            raise EngineError("the engine is not running; use it as a context manager")
        return self._loaded


def _out_of_memory(error: Exception) -> bool:
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def _free_memory() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
