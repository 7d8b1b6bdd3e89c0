"""A run measured elsewhere, brought as its folder: `manifest.json` and `responses/*.jsonl`.

`dsafe measure` writes the responses there, `pytest --dsafe-replay FOLDER` decides on them where neither weights nor
judge are. A response counts only under the key it would have here: the identity of model and engine is the recorded
one, everything else (data, prompts, sampling, seeds, judge template) is this suite's, so whatever was changed since
finds no response and is missing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any

from dsafe_runner.engines.base import Identified
from dsafe_runner.errors import DataError, UnavailableError
from dsafe_runner.files import writing
from dsafe_runner.plan import Plan, checkpoint_of, judge_in
from dsafe_runner.records import Request, Response, as_json, digest, message_list, response_from_json
from dsafe_runner.runner.identity import asked_as
from dsafe_runner.runner.store import Store

_TYPES: dict[str, type | tuple[type, ...]] = {
    "key": str,
    "sample_id": str,
    "k": int,
    "answer": str,
    "thinking": (str, type(None)),
    "thinking_open": bool,
    "error": type(None),
    "prompt_tokens": int,
    "completion_tokens": int,
    "prompt_sha256": str,
    "letter_logprobs": (dict, type(None)),
}
"""What the fields of a response are; `finish` is looked at by itself."""
RESPONSES = "responses"
"""Folder of a run that holds its responses, one file per model."""


class Recorded:
    """The recorded run in a folder.

    Raises:
        UnavailableError: there is none.
        DataError: it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = sorted((folder / RESPONSES).glob("*.jsonl"))
        self._manifest: dict[str, Any] = {}
        try:
            self._manifest = _manifest((folder / "manifest.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            self._files = []
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(f"{folder}/manifest.json cannot be read ({error}); measure again") from None
        if not self._files:
            raise UnavailableError(f"{folder} holds no recorded run; `dsafe measure SUITE` writes one")

    def identified(self, plan: Plan, name: str) -> tuple[Identified, dict[str, Any]]:
        """Who a model was there, and what its engine said of itself.

        Raises:
            UnavailableError: it was not measured there.
            DataError: the suite has another path or way of asking for it now.
        """
        judge = judge_in(name)
        found = self._manifest["models" if judge is None else "judges"].get(judge or name)
        if not isinstance(found, dict) or not isinstance(found.get("identity"), dict):
            raise UnavailableError(f"{self.folder} has no responses of {name}; measure it there")
        model = checkpoint_of(plan.loaded, name)
        # of a served model the revision is all that tells one set of weights from the next
        said = {"path": model.path, "revision": model.revision, **asked_as(model)}
        then = {**found["identity"], "path": found.get("path"), "revision": found.get("revision")}
        for key, value in said.items():
            if then.get(key) != value:
                raise DataError(
                    f"{self.folder} has {key} {then.get(key)!r} for {name}, the suite says {value!r}; measure again"
                )
        engine = found.get("engine")
        return Identified(found["identity"], "none"), dict(engine) if isinstance(engine, dict) else {}

    def drawn(self, measurement: str) -> list[float]:
        """When the responses of a measurement were drawn there; empty where the folder does not say."""
        found = self._manifest.get("measurements", {})
        about = found.get(measurement) if isinstance(found, dict) else None
        said = about.get("origin") if isinstance(about, dict) else None
        drawn = said.get("drawn") if isinstance(said, dict) else None
        # where it is not known, no time of this machine may stand in for it
        return [float(time) for time in drawn if isinstance(time, (int, float))] if isinstance(drawn, list) else []

    def fill(self, store: Store) -> int:
        """Put all recorded responses into a store; how many there were.

        Raises:
            DataError: a file is damaged, or two rows say different things under one key.
        """
        there: dict[str, str] = {}
        for place, response in self._responses():
            content = digest(as_json(response))
            if there.setdefault(response.key, content) != content:
                raise DataError(f"{place}: a second, different response to one request; measure again")
            store.put(response)
        return len(there)

    def _responses(self) -> Iterator[tuple[str, Response]]:
        """Each with its place, `file:line`."""
        for file in self._files:
            try:
                with file.open("rb") as lines:
                    for number, line in enumerate(lines, 1):
                        place = f"{file}:{number}"
                        try:
                            response = _response(line)
                        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                            raise DataError(f"{place}: is no response ({error}); measure again") from None
                        yield place, response
            except OSError as error:
                raise DataError(f"{file}: cannot be read ({error.strerror or error}); copy the folder again") from None


def _manifest(text: str) -> dict[str, Any]:
    """The manifest, its sections of models and judges there. Raises ValueError."""
    found = json.loads(text, parse_constant=_no_number)
    if not isinstance(found, dict) or not all(isinstance(found.get(part), dict) for part in ("models", "judges")):
        raise ValueError("no manifest of a run")
    return found


def _response(line: bytes) -> Response:
    """One row. Raises ValueError, KeyError, TypeError or AttributeError."""
    row = json.loads(line.decode("utf-8"), parse_constant=_no_number)
    response = response_from_json({name: row[name] for name in Response.__dataclass_fields__})
    if response.finish not in ("stop", "length"):
        raise ValueError("no finished response")
    for name, kind in _TYPES.items():
        value = getattr(response, name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ValueError(f"{name} is {type(value).__name__}")
    for letter in (response.letter_logprobs or {}).values():
        if not isinstance(letter, (int, float)) or not math.isfinite(letter):
            raise ValueError("letter_logprobs are no numbers")
    for text in (response.key, response.sample_id, response.answer, response.thinking or "", response.prompt_sha256):
        # half of a surrogate pair: JSON can carry it, the store cannot
        text.encode()
    return response


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON value")


def write_responses(
    folder: Path, model: str, requests: Iterable[Request], store: Store, hidden: Container[str] = ()
) -> None:
    """Write `responses/<model>.jsonl`: every stored response with the benchmark and the messages it answers.

    The texts are what the models said, harmful ones included: the folder is for the machine that decides, not for a
    report.

    hidden  benchmarks whose questions must not be passed on: the messages are left out

    Raises:
        WriteError: the folder cannot be written.
        StoreError: the store cannot be read.
    """
    asked = {request.key: request for request in requests}
    path = folder / RESPONSES / f"{model}.jsonl"
    stored = store.get(asked)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            for key, response in stored.items():
                about: dict[str, Any] = {"benchmark": asked[key].benchmark}
                if asked[key].benchmark not in hidden:
                    about["messages"] = message_list(asked[key].messages)
                file.write(json.dumps({**as_json(response), **about}, ensure_ascii=False) + "\n")
