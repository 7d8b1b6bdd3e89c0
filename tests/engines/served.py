"""Specs and requests for engines that ask the server of tests/servers."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "servers"))

from chat_server import ChatServer

from dsafe_runner.records import Message, Request, Sampling

__all__ = ["ChatServer", "answers", "engine_spec", "model_spec", "question"]

_numbers = itertools.count()


def model_spec(**more):
    return {
        "name": "served",
        "path": "served-model",
        "engine": "fleet",
        "reasoning": None,
        "revision": None,
        "chat_template_kwargs": {},
        "system_prompt": None,
        "trust_remote_code": False,
        "allow_pickle": False,
        **more,
    }


def engine_spec(*servers, **more):
    return {
        "backend": "openai",
        "base_urls": [getattr(server, "url", server) for server in servers],
        "api_key_env": None,
        "concurrency": 32,
        "timeout": 15.0,
        "max_attempts": 8,
        "budget": 30.0,
        "context_length": None,
        "extra_body": {},
        "identity": None,
        **more,
    }


def question(text, *, turns=None, scoring="generate", seed=1, temperature=0.6, top_p=0.95, max_tokens=64, letters=()):
    """A request; each has a key of its own."""
    number = next(_numbers)
    turns = turns or (Message("user", text),)
    return Request(
        f"key{number}", f"item{number}", 0, turns, Sampling(temperature, top_p, max_tokens, scoring), seed, letters
    )


def answers(engine, requests):
    """Responses by key, in the order of the requests."""
    got = {response.key: response for response in engine.generate(requests)}
    assert len(got) == len(requests)
    return {request.key: got[request.key] for request in requests}
