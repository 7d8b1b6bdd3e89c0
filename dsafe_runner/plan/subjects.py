"""Who is asked, and how: the models of a suite, the models its judges ask, their engines, sampling and seeds."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from dsafe_runner.judges.base import AskingJudge, Judge
from dsafe_runner.plan.ids import judge_in
from dsafe_runner.records import Sampling
from dsafe_runner.suite.spec import Checkpoint, LlmJudge, LoadedSuite

_ROOM_TO_THINK = 8192
"""New tokens a judge that thinks gets on top of its verdict's."""
_SAMPLING_REASONING = (0.6, 0.95)
"""Temperature and top_p recommended for DeepSeek-R1 and its distilled models (README of deepseek-ai/DeepSeek-R1)."""


def default_sampling(reasoning: bool) -> tuple[float, float]:
    """Temperature and top_p of a model whose suite says nothing: greedy, or what is recommended for thinking."""
    return _SAMPLING_REASONING if reasoning else (0.0, 1.0)


def judge_sampling(loaded: LoadedSuite, name: str, judge: Judge) -> Sampling:
    """How the model of a judge is asked: greedy unless it thinks, which needs sampling and room."""
    spec = loaded.suite.judges[name]
    if not isinstance(spec, LlmJudge) or not isinstance(judge, AskingJudge):
        return Sampling()
    temperature, top_p = default_sampling(spec.thinks)
    room = _ROOM_TO_THINK if spec.thinks and spec.max_tokens is None else 0
    return Sampling(temperature, top_p, judge.max_tokens + room)


def resolve(folder: Path, text: str) -> Path:
    """A path of the suite, relative to the suite's folder, `~` expanded."""
    return (folder / Path(text).expanduser()).resolve()


def checkpoint_of(loaded: LoadedSuite, name: str) -> Checkpoint:
    """A model of the suite, or the one that an LLM judge asks (`judge.<name>`)."""
    if name in loaded.suite.models:
        return loaded.suite.models[name]
    judge = loaded.suite.judges[judge_in(name) or name]
    if not isinstance(judge, LlmJudge):
        raise KeyError(name)
    return judge


def engine_fields(loaded: LoadedSuite, name: str, engine: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Model and engine as the engines want them: fields of the suite, the path resolved for the backend.

    engine  the name of another engine of the suite to run the model on
    """
    checkpoint = checkpoint_of(loaded, name)
    spec = loaded.suite.engines[engine or checkpoint.engine]
    path = checkpoint.path
    # a served model is called what its server calls it, even where that looks like a folder
    if spec.backend == "replay" or (spec.backend != "openai" and path.startswith((".", "/", "~"))):
        path = str(resolve(loaded.path.parent, path))
    model = {key: value for key, value in checkpoint.model_dump(mode="json").items() if key in Checkpoint.model_fields}
    return {**model, "name": name, "path": path}, spec.model_dump(mode="json")


def servers_of(loaded: LoadedSuite, name: str) -> frozenset[str]:
    """URLs of the servers that answer for a model, or for the one a judge asks; none where no server does."""
    try:
        engine = loaded.suite.engines[checkpoint_of(loaded, name).engine]
    except KeyError:  # rules, people, or training samples: nobody is asked
        return frozenset()
    return frozenset(getattr(engine, "base_urls", ()))


def seed_of(suite_seed: int, benchmark: str, sample_id: str, k: int) -> int:
    """Seed of one response, 63 bits. The model is left out: two models draw from the same noise, which pairs them."""
    text = f"{suite_seed}|{benchmark}|{sample_id}|{k}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1
