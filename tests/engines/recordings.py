"""Files of recorded responses, and a replay engine that reads them."""

from __future__ import annotations

import json
from pathlib import Path

from dsafe_runner.engines.replay.engine import ReplayEngine
from dsafe_runner.records import Message, Request, Sampling

LM_EVAL = Path(__file__).parent / "lm_eval_logs"
"""Written by lm-eval 0.4.13 on the tiny `distilled` model (`served`: on a server that says nothing to every third
question); of the results files only what is read here is kept. Questions are those of our own sets."""


def request(text, sample_id="1", *, k=0, benchmark="set", history=(), letters=(), **sampling):
    """A request; `history` holds (role, content) of earlier turns."""
    if letters:
        sampling["scoring"] = "letters"
    messages = (*(Message(*turn) for turn in history), Message("user", text))
    key = f"{benchmark}|{sample_id}|{k}"
    return Request(key, sample_id, k, messages, Sampling(**{"max_tokens": 1024, **sampling}), 0, letters, benchmark)


def row(text="问题一", answer="可以。", **fields):
    """A row of our JSONL; a field given as ... is left out."""
    made = {"prompt": text, "answer": answer, "finish": "stop", **fields}
    return {name: value for name, value in made.items() if value is not ...}


def write(path, *rows):
    """A .jsonl file; a row may be text or bytes already."""
    lines = [r if isinstance(r, bytes) else (r if isinstance(r, str) else json.dumps(r)).encode() for r in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def specs(path, *, match="prompt", form="auto", reasoning=None):
    """Model and engine as the engine gets them."""
    model = {"name": "old", "path": str(path), "reasoning": reasoning}
    return model, {"backend": "replay", "format": form, "match": match}


def replay(path, requests, **how):
    """(responses by key, notes)."""
    with ReplayEngine(*specs(path, **how)) as engine:
        responses = {r.key: r for r in engine.generate(requests)}
        assert [r.key for r in requests] == list(responses), "one response per request"
        return responses, engine.notes()


def answers(path, requests, **how):
    """sample id (and k) -> answer, or the error as a tuple."""
    found, _ = replay(path, requests, **how)
    return [(r.error,) if r.finish == "error" else r.answer for r in found.values()]
