"""What makes a response what it is. Two runs that agree on all of it may share the response; no others may.

The rendered prompt is not hashed itself: the messages, the chat template (part of the checkpoint's fingerprint), its
arguments and, where the template prints it, the date determine it, and they are known without loading a tokenizer.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from dsafe_runner.benchmarks.base import Benchmark
from dsafe_runner.benchmarks.choice_text import LETTERS
from dsafe_runner.engines.hf import LOOP
from dsafe_runner.plan import Measurement, Plan, model_source, seed_of
from dsafe_runner.records import Request, Sample, digest, message_list


def model_identity(
    plan: Plan, name: str, fingerprint: Mapping[str, Any], resolved: Mapping[str, str], versions: Mapping[str, str]
) -> dict[str, Any]:
    """Everything about model and engine that can move an answer, as JSON types.

    fingerprint: from engines.fingerprint; resolved: device and dtype; versions: library versions of the engine.
    """
    suite = plan.loaded.suite
    model, engine = suite.models[name], suite.engines[suite.models[name].engine]
    identity: dict[str, Any] = {
        "checkpoint": fingerprint["digest"],
        "reasoning": model.reasoning,
        "system_prompt": model.system_prompt,
        "chat_template_kwargs": dict(model.chat_template_kwargs),
        # the checkpoint's own Python and the library's class of that name may answer differently
        "trust_remote_code": model.trust_remote_code,
        "backend": engine.backend,
        "loop": LOOP,
        "versions": dict(versions),
        "device": resolved["device"],
        "dtype": resolved["dtype"],
        "attention": engine.attention,
        "context_length": engine.context_length,
    }
    if fingerprint["uses_date"]:
        identity["date"] = datetime.date.today().isoformat()
    return identity


def requests_for(
    plan: Plan, measurement: Measurement, samples: tuple[Sample, ...], identity: Mapping[str, Any]
) -> list[Request]:
    """One request per (item, k), in item order, each with its store key and seed."""
    use = plan.loaded.suite.benchmarks[measurement.benchmark].use
    suite_seed = plan.loaded.suite.seed
    sampling = measurement.sampling
    made = []
    base = digest(dict(identity), 64)
    for sample in samples:
        letters = tuple(LETTERS[: len(sample.options)]) if sampling.scoring == "letters" else ()
        for k in range(measurement.samples):
            seed = seed_of(suite_seed, use, sample.id, k)
            key = digest(
                {
                    "model": base,
                    "messages": message_list(sample.messages),
                    "sampling": [sampling.temperature, sampling.top_p, sampling.max_tokens, sampling.scoring],
                    "letters": list(letters),
                    "seed": seed if sampling.temperature else None,
                    "k": k,
                },
                40,
            )
            made.append(Request(key, sample.id, k, sample.messages, sampling, seed, letters))
    return made


def engine_model(plan: Plan, name: str) -> dict[str, Any]:
    """A model of the suite as the engine process wants it."""
    model = plan.loaded.suite.models[name]
    return {**model.model_dump(mode="json"), "name": name, "path": model_source(plan.loaded, model)}


def data_identity(benchmark: Benchmark, samples: tuple[Sample, ...]) -> dict[str, str]:
    """The benchmark's own identity plus a hash over the items as they are asked and graded."""
    rows = [[s.id, message_list(s.messages), list(s.slices), list(s.options), list(s.target)] for s in samples]
    return {**benchmark.identity(), "items": str(len(samples)), "items_sha256": digest(rows, 64)}
