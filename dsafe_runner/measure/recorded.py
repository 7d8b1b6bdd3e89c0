"""A run measured elsewhere, brought as its folder: `manifest.json` and `responses/*.jsonl`.

`dsafe measure` writes the responses there, `pytest --dsafe-replay FOLDER` decides on them where neither weights nor
judge are. A response counts only under the key it would have here: the identity of model and engine is the recorded
one, everything else (data, prompts, sampling, seeds, judge template) is this suite's, so whatever was changed since
finds no response and is missing.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any

from dsafe_runner.engines.backends import Identified
from dsafe_runner.errors import DataError, UnavailableError
from dsafe_runner.measure.files import writing
from dsafe_runner.measure.identity import asked_as
from dsafe_runner.measure.store import Store
from dsafe_runner.plan import Plan, checkpoint_of
from dsafe_runner.records import Request, Response, as_json, message_list, response_from_json

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
        try:
            self._manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            self._files = []
        except (OSError, ValueError) as error:
            raise DataError(f"{folder}/manifest.json cannot be read ({error}); measure again") from None
        if not self._files:
            raise UnavailableError(f"{folder} holds no recorded run; `dsafe measure SUITE` writes one")

    def identified(self, plan: Plan, name: str) -> tuple[Identified, dict[str, Any]]:
        """Who a model was there, and what its engine said of itself.

        Raises:
            UnavailableError: it was not measured there.
            DataError: the suite has another path or way of asking for it now.
        """
        part = "judges" if name.startswith("judge.") else "models"
        found = self._manifest.get(part, {}).get(name.removeprefix("judge.") if part == "judges" else name)
        if not isinstance(found, dict) or "identity" not in found:
            raise UnavailableError(f"{self.folder} has no responses of {name}; measure it there")
        model = checkpoint_of(plan.loaded, name)
        said = {"path": model.path, **asked_as(model)}
        then = {"path": found.get("path"), **found["identity"]}
        for key, value in said.items():
            if then.get(key) != value:
                raise DataError(
                    f"{self.folder} has {key} {then.get(key)!r} for {name}, the suite says {value!r}; measure again"
                )
        return Identified(found["identity"], "none"), dict(found.get("engine") or {})

    def fill(self, store: Store) -> int:
        """Put all recorded responses into a store; how many there were.

        Raises:
            DataError: a file is damaged.
        """
        count = 0
        for response in self._responses():
            store.put(response)
            count += 1
        return count

    def _responses(self) -> Iterator[Response]:
        names = set(Response.__dataclass_fields__)
        for file in self._files:
            with file.open(encoding="utf-8") as lines:
                for number, line in enumerate(lines, 1):
                    try:
                        row = json.loads(line)
                        response = response_from_json({key: row[key] for key in names})
                        if response.finish not in ("stop", "length") or not isinstance(response.answer, str):
                            raise ValueError("no finished response")
                    except (ValueError, KeyError, TypeError, AttributeError) as error:
                        raise DataError(f"{file}:{number}: is no response ({error}); measure again") from None
                    yield response


def write_responses(
    folder: Path, model: str, requests: Iterable[Request], store: Store, hidden: Container[str] = ()
) -> None:
    """Write `responses/<model>.jsonl`: every stored response with the benchmark and the messages it answers.

    The texts are what the models said, harmful ones included: the folder is for the machine that decides, not for a
    report.

    hidden  benchmarks whose questions must not be passed on: the messages are left out

    Raises:
        StoreError: the folder cannot be written, or the store not read.
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
