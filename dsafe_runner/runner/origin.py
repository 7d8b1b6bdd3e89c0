"""Which responses a measurement is made of: what tells another run of a model from the same responses looked at twice.

    keys   of the requests: the same model, prompts, sampling and seeds
    texts  what was said, whatever file, order or format it came in
    drawn  when the first and the last of the responses were stored

Equal keys, drawn at the same time: the very same responses. Equal keys, drawn at another: a second run, though a greedy
one says the same again. What is replayed from files was drawn elsewhere, so there only the texts can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from dsafe_runner.records import Request, digest
from dsafe_runner.runner.store import Store

_NOT_THE_MODEL = frozenset({"trust_remote_code", "context_length", "date"})
"""Parts of an identity that two names of one model may differ in without being another model."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})


def origin(requests: Iterable[Request], store: Store, drawn: list[float] | None = None) -> dict[str, Any]:
    """Where the stored responses to some requests come from, as JSON types.

    drawn  when they were, where they came from a recorded run that says so
    """
    asked = list(requests)
    stored = store.get({request.key for request in asked})
    # by item, in no order of k: a log may number the responses to an item otherwise
    texts = sorted(
        [request.sample_id, response.answer.strip(), (response.thinking or "").strip()]
        for request in asked
        if (response := stored.get(request.key))
    )
    return {
        "keys": digest(sorted({request.key for request in asked}), 64),
        "texts": digest(texts, 64),
        "drawn": drawn if drawn is not None else store.drawn(stored),
    }


def same_responses(
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    identities: tuple[Mapping[str, Any], Mapping[str, Any]],
    revisions: tuple[str | None, str | None] = (None, None),
) -> str | None:
    """In words, why two measurements are of one and the same set of responses; None where they are of two.

    first, second  their origins
    revisions      what the suite calls the versions of the models: with two names, logs may hold the same words
    """
    if files := shared_files(*identities):
        return f"both read the same recorded bytes ({files})"
    replayed = any(identity.get("backend") == "replay" for identity in identities)
    told_apart = None not in revisions and revisions[0] != revisions[1]
    if replayed and first.get("texts") == second.get("texts") and not told_apart:
        return "both hold the same texts, word for word"
    if first.get("keys") == second.get("keys"):
        then, now = first.get("drawn"), second.get("drawn")
        if not then or not now or then[0] == now[0] or then[-1] == now[-1]:
            return "both are the same recorded run"
    return None


def shared_files(first: Mapping[str, Any], second: Mapping[str, Any]) -> str | None:
    """Names of files of responses that two replayed models have in common, by content; None where there are none."""
    ours, theirs = first.get("files"), second.get("files")
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        return None
    shared = sorted(name for name, sha256 in ours.items() if sha256 in theirs.values())
    return ", ".join(shared) or None


def one_model(first: Mapping[str, Any], second: Mapping[str, Any], urls: tuple[set[str], set[str]]) -> list[str] | None:
    """Whether two identities are of one set of weights: None where not, else how it is asked otherwise, in words.

    An empty list: nothing that could move an answer differs, so it is one model under two names.

    urls  of their servers, where they are served
    """
    if first.get("backend") == "openai" == second.get("backend"):
        if first.get("served_model") != second.get("served_model") or not _one_server(first, second, urls):
            return None
        left_out = _NOT_THE_MODEL | {"servers", "revision"}
    elif first.get("backend") == "replay" or first.get("checkpoint") is None:
        return [] if first == second else None
    elif first.get("checkpoint") != second.get("checkpoint"):
        return None
    else:
        left_out = _NOT_THE_MODEL
    return [
        f"{key} {first.get(key)!r} and {second.get(key)!r}"
        for key in sorted((first.keys() | second.keys()) - left_out)
        if first.get(key) != second.get(key)
    ]


def _one_server(first: Mapping[str, Any], second: Mapping[str, Any], urls: tuple[set[str], set[str]]) -> bool:
    if first.get("servers") == second.get("servers"):
        return True
    ours, theirs = ({_place(url) for url in side} for side in urls)
    return bool(ours & theirs)


def _place(url: str) -> tuple[str, int | None, str]:
    """A URL without what can be spelt in several ways."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").casefold()
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return "localhost" if host in _LOOPBACK else host, port, parts.path.rstrip("/")
