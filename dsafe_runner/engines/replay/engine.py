"""The replay engine: gates responses that exist already, read from files. docs/replay.md is the user's side.

What is not in the files is missing, and so is what they do not say clearly: a response counts only where one request
and one recorded text belong together beyond doubt, and as whole only where the file says or proves that it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dsafe_runner.engines.base import Identified
from dsafe_runner.engines.fingerprint import file_sha256
from dsafe_runner.engines.replay.match import Matched, match_ids, match_prompts
from dsafe_runner.engines.replay.notes import Tally, notes, twice, unread
from dsafe_runner.engines.replay.read import Recording, read_logs
from dsafe_runner.engines.replay.rows import Recorded
from dsafe_runner.engines.replay.unread import find_all
from dsafe_runner.errors import EngineError
from dsafe_runner.records import Request, Response, digest

LOOP = 1
"""Raised whenever the same files could give another response than before."""

NO_ROW = "no recorded response"


def identify(model: dict[str, Any], engine: dict[str, Any], *, cache: MutableMapping[str, str]) -> Identified:
    """The files are what the answers are: names and hashes of those that count.

    Args:
        model: fields of spec.Checkpoint; `path` is an absolute file or folder.
        engine: fields of spec.ReplayEngine.
        cache: hashes of files hashed before; new ones are added.

    Raises:
        UnavailableError: there is nothing, or it cannot be read.
        DataError: what is there is not what this engine reads.
    """
    logs, _ = find_all(Path(model["path"]), engine["format"])
    files = [[log.name, file_sha256(log.path, cache)] for log in logs.files]
    # what a run's results file says decides whether its texts count as whole
    files += [[log.results.name, file_sha256(log.results, cache)] for log in logs.files if log.results]
    facts = {
        "checkpoint": digest(files, 64),
        "backend": "replay",
        "loop": LOOP,
        "format": engine["format"],
        "match": engine["match"],
        "files": dict(files),
    }
    return Identified(facts, "none")


class ReplayEngine:
    """Implements engines.base.Engine.

    Args:
        model: fields of spec.Checkpoint and `name`; `path` is an absolute file or folder.
        engine: fields of spec.ReplayEngine.

    Raises (on entering):
        UnavailableError: there is nothing, or it cannot be read.
        DataError: mistakes in the files, with file and line.
    """

    def __init__(self, model: dict[str, Any], engine: dict[str, Any]) -> None:
        self._model = model
        self._engine = engine
        self._recording: Recording | None = None
        self._notes: list[str] = []
        self._unread: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        form, match = self._engine["format"], self._engine["match"]
        logs, self._unread = find_all(Path(self._model["path"]), form)
        self._recording = read_logs(logs, form=form, match=match, reasoning=self._model.get("reasoning"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recording = None

    def describe(self) -> dict[str, Any]:
        """The files, what is in them and how lm-eval generated it. Of several runs of a task the latest counts."""
        recording = self._ready()
        files: list[dict[str, Any]] = []
        for file in recording.files:
            said: dict[str, Any] = {"file": file.log.name, "format": file.form, "rows": file.lines}
            said["sha256"] = file.sha256
            if file.form == "lm-eval":
                said |= {"results_sha256": file.results_sha256, "generation": list(file.run.generation)}
            files.append(said)
        return {
            "engine": "replay",
            "loop": LOOP,
            "match": self._engine["match"],
            "responses": len(recording.rows),
            "files": files,
            "left_out": list(recording.left_out),
            "warnings": [*unread(self._unread), *twice(recording)],
        }

    def generate(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Yield a Response per Request, in their order; see engines.base.Engine."""
        recording, asked = self._ready(), list(requests)
        match = match_ids if self._engine["match"] == "id" else match_prompts
        matched = match(asked, recording.rows, [file.log for file in recording.files])
        tally = Tally()
        for index, request in enumerate(asked):
            row, problem = _choose(matched, index)
            problem = problem or (_unfit(row.response, request) if row and row.response else None)
            if problem or row is None or row.response is None:
                place = recording.place(row) if row else f"{request.benchmark}/{request.sample_id}"
                tally.lose(problem or NO_ROW, place)
                yield Response(request.key, request.sample_id, request.k, "", finish="error", error=problem or NO_ROW)
            else:
                tally.use(row, recording.place(row))
                yield dataclasses.replace(row.response, key=request.key, sample_id=request.sample_id)
        self._notes = notes(recording, matched, asked, tally)

    def notes(self) -> list[str]:
        """What there is to say about the last `generate`: rows without a request, requests without a row, and why."""
        return list(self._notes)

    def _ready(self) -> Recording:
        if self._recording is None:
            raise EngineError("the engine is not running; use it as a context manager")
        return self._recording


def _choose(matched: Matched, index: int) -> tuple[Recorded | None, str | None]:
    """The row of a request, and what keeps it from being its response."""
    rows = matched.rows.get(index)
    if not rows:
        return None, NO_ROW
    # a row without a text (a failed attempt) says nothing against another one
    said = [row for row in rows if row.response is not None]
    if not said:
        return rows[0], rows[0].problem
    if index in matched.ambiguous:
        return said[0], "its row fits other items as well"
    first = said[0]
    if any(_content(row) != _content(first) for row in said[1:]):
        return first, "rows with different texts answer the same item with the same k"
    return first, first.problem


def _content(row: Recorded) -> Any:
    r = row.response
    return (row.problem, r and (r.answer, r.thinking, r.finish, r.thinking_open, r.letter_logprobs))


def _unfit(response: Response, request: Request) -> str | None:
    """Why a recorded response is no answer to this request, though it answers its item."""
    if request.sampling.scoring == "letters":
        if not set(request.letters) <= set(response.letter_logprobs or ()):
            return "its row has no letter_logprobs for all options, which `scoring: letters` needs"
    elif response.letter_logprobs is not None:
        return "its row has letter_logprobs, but the suite asks for text"
    elif response.completion_tokens > request.sampling.max_tokens:
        return f"it took more than the {request.sampling.max_tokens} tokens the suite allows; raise max_tokens"
    return None
