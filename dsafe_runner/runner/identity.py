"""What makes a response what it is. Two runs that agree on all of it may share the response; no others may.

The rendered prompt is not hashed itself: the messages, the chat template (part of the checkpoint's fingerprint), its
arguments and, where the template prints it, the date determine it, and they are known without loading a tokenizer.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from dsafe_runner.benchmarks.base import Benchmark
from dsafe_runner.benchmarks.choice.question import LETTERS
from dsafe_runner.engines.base import Identified
from dsafe_runner.plan import Measurement, Plan, seed_of
from dsafe_runner.records import Message, Request, Sample, Sampling, digest, message_list
from dsafe_runner.suite.spec import Checkpoint


def model_identity(model: Checkpoint, identified: Identified) -> dict[str, Any]:
    """Everything about a model, how it is asked, and its engine that can move an answer, as JSON types."""
    identity: dict[str, Any] = {**asked_as(model), **identified.facts}
    if identified.uses_date:
        identity["date"] = datetime.date.today().isoformat()
    return identity


def asked_as(model: Checkpoint) -> dict[str, Any]:
    """The part of an identity that the suite alone decides."""
    return {
        # of a model that does not think the text comes back as it is, whether the suite says so or says nothing
        "reasoning": model.reasoning if model.thinks else None,
        "system_prompt": model.system_prompt,
        "chat_template_kwargs": dict(model.chat_template_kwargs),
        # the checkpoint's own Python and the library's class of that name may answer differently
        "trust_remote_code": model.trust_remote_code,
    }


def requests_for(
    plan: Plan, measurement: Measurement, samples: tuple[Sample, ...], identity: Mapping[str, Any]
) -> list[Request]:
    """One request per (item, k), in item order, each with its store key and seed."""
    use = plan.loaded.suite.benchmarks[measurement.benchmark].use
    suite_seed = plan.loaded.suite.seed
    sampling = measurement.sampling
    made = []
    base = digest(dict(identity), 64)
    for item in samples:
        letters = tuple(LETTERS[: len(item.options)]) if sampling.scoring == "letters" else ()
        for k in range(measurement.samples):
            sample = plan.asked(measurement.benchmark, item, k)
            seed = seed_of(suite_seed, use, sample.id, k)
            key = request_key(base, sample.messages, sampling, seed=seed, letters=letters, k=k)
            made.append(Request(key, sample.id, k, sample.messages, sampling, seed, letters, measurement.benchmark))
    return made


def request_key(
    model: str,
    messages: tuple[Message, ...],
    sampling: Sampling,
    *,
    seed: int,
    letters: tuple[str, ...] = (),
    k: int = 0,
) -> str:
    """The store key of a response. `model` is the digest (64 digits) of the model's identity."""
    return digest(
        {
            "model": model,
            "messages": message_list(messages),
            "sampling": [sampling.temperature, sampling.top_p, sampling.max_tokens, sampling.scoring],
            "letters": list(letters),
            "seed": seed if sampling.temperature else None,
            "k": k,
        },
        40,
    )


def data_identity(benchmark: Benchmark, samples: tuple[Sample, ...]) -> dict[str, str]:
    """The benchmark's own identity plus a hash over the items as they are asked and graded."""
    rows = [[s.id, message_list(s.messages), list(s.slices), list(s.options), list(s.target)] for s in samples]
    return {**benchmark.identity(), "items": str(len(samples)), "items_sha256": digest(rows, 64)}
