"""The rows of a source: .jsonl, .parquet or a hub data set, in our own shape or by the columns a recipe names.

Our own shape: {"id", "area", "category", "messages": [{"role", "content"}, ...], "thinking", "answer"}; `messages` end
with the user's turn. Rows whose `messages` end with the assistant's, its thinking before </think>, are read too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsafe_runner.errors import DataError, UnavailableError
from dsafe_runner.records import Message, canonical_json
from dsafe_runner.training.recipe import resolve
from dsafe_runner.training.recipe_data import Columns, RowKind, Source
from dsafe_runner.training.templates import END_THINK, THINK

ROLES = ("system", "user", "assistant")
_OWN = Columns.model_validate({"messages": "messages", "thinking": "thinking", "answer": "answer"})


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One sample: what the model is shown (ends with a user turn), and what it should think and answer.

    id              the row's own, else its line or index; `where` is for messages
    area, category  "" where the row has none
    """

    id: str
    where: str
    kind: RowKind
    messages: tuple[Message, ...]
    thinking: str
    answer: str
    area: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """A source's rows, and the SHA-256 of its bytes (of its rows' canonical JSON for a hub data set)."""

    rows: list[TrainingRow]
    sha256: str


def read_source(source: Source, recipe_path: Path) -> Read:
    """All rows of a source, in its order.

    Raises:
        DataError: a row that is not of the shape, named by its line, or no row at all.
        UnavailableError: no such file or data set, or nothing installed that reads it.
    """
    if source.path is not None:
        path = Path(resolve(source.path, recipe_path))
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UnavailableError(f"{source.path}: cannot be read ({type(error).__name__})") from error
        sha256 = hashlib.sha256(data).hexdigest()
        records = _jsonl(data, source.path) if path.suffix == ".jsonl" else _parquet(path, source.path)
    else:
        found = list(_hub(source))
        digest = hashlib.sha256()
        for _, record in found:
            digest.update(canonical_json(record).encode() + b"\n")
        sha256, records = digest.hexdigest(), iter(found)
    rows = [_row(record, where, number, source) for number, (where, record) in enumerate(records, 1)]
    if not rows:
        raise DataError(f"{source.name}: holds no rows")
    return Read(rows, sha256)


def _jsonl(data: bytes, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: is not UTF-8") from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            if not isinstance(record, dict):
                raise DataError(f"{name}:{number}: not a JSON object; one row a line is expected")
            yield f"{name}:{number}", record


def _parquet(path: Path, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise UnavailableError("reading .parquet needs pyarrow; pip install 'dsafe-runner[train]'") from error
    try:
        records = parquet.read_table(path).to_pylist()
    except ArrowException as error:
        raise DataError(f"{name}: is no parquet file ({str(error).splitlines()[0]})") from error
    for number, record in enumerate(records):
        yield f"{name}[{number}]", record


def _hub(source: Source) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise UnavailableError("a hub data set needs `datasets`; pip install 'dsafe-runner[train]'") from error
    try:
        data = load_dataset(source.hub, split=source.split, revision=source.revision)
    except Exception as error:  # the hub, its client and any loading script have errors of their own
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UnavailableError(f"cannot load {source.name}: {reason}") from error
    for number, record in enumerate(data):
        yield f"{source.name}[{number}]", dict(record)


def _row(record: dict[str, Any], where: str, number: int, source: Source) -> TrainingRow:
    kind = record.get("kind", source.kind)
    if source.columns is None and kind != source.kind:
        raise DataError(f"{where}: the row is of kind {kind!r}, its source of kind {source.kind!r}; split the file")
    messages, thinking, answer = _texts(record, source.columns, where)
    if not messages or messages[-1].role != "user":
        raise DataError(f"{where}: the conversation does not end with a user turn before the reply")
    if not answer:
        raise DataError(f"{where}: the row has no answer")
    return TrainingRow(
        str(record.get("id", number)),
        where,
        source.kind,
        messages,
        thinking,
        answer,
        str(record.get("area") or ""),
        str(record.get("category") or ""),
    )


def _texts(record: dict[str, Any], columns: Columns | None, where: str) -> tuple[tuple[Message, ...], str, str]:
    """Messages, thinking and answer of a record."""
    named = columns or _OWN

    def text(column: str | None) -> str | None:
        if column is None or (columns is None and column not in record):
            return None
        value = record.get(column)
        if not isinstance(value, str):
            raise DataError(f"{where}: no text in {column!r}; say in `columns` where the row's texts stand")
        return value

    if named.messages is not None:
        messages = _turns(record.get(named.messages), where, named.messages)
    else:
        messages = (Message("user", text(named.prompt) or ""),)
    reply = text(named.response)
    answer = text(named.answer)
    if reply is None and answer is None and messages and messages[-1].role == "assistant":
        reply, messages = messages[-1].content, messages[:-1]
    if reply is not None:
        thinking, answer = split_reply(reply)
        return messages, text(named.thinking) or thinking, answer
    return messages, _trimmed(text(named.thinking) or ""), (answer or "").strip()


def _turns(value: Any, where: str, column: str) -> tuple[Message, ...]:
    """A list of {role, content}; `from`/`value` with human/gpt are read as what they mean."""
    if not isinstance(value, list):
        raise DataError(f"{where}: no list of turns in {column!r}; say in `columns` where the row's texts stand")
    turns = []
    for turn in value:
        data = turn if isinstance(turn, dict) else {}
        role, content = data.get("role", data.get("from")), data.get("content", data.get("value"))
        role = {"human": "user", "gpt": "assistant"}.get(str(role), role)
        if role not in ROLES or not isinstance(content, str) or not content.strip():
            raise DataError(f"{where}: a turn needs a role ({', '.join(ROLES)}) and text")
        turns.append(Message(role, content))
    return tuple(turns)


def split_reply(reply: str) -> tuple[str, str]:
    """Thinking and answer of a reply; no thinking where it has no </think>."""
    thinking, closed, answer = reply.partition(END_THINK)
    if not closed:
        return "", reply.strip()
    return _trimmed(thinking.strip().removeprefix(THINK)), answer.strip()


def _trimmed(thinking: str) -> str:
    return thinking.strip()


def texts_of(rows: Iterable[TrainingRow]) -> Iterator[tuple[TrainingRow, tuple[str, ...]]]:
    """Each row with all its texts: every turn, thinking, answer."""
    for row in rows:
        yield row, (*(m.content for m in row.messages), row.thinking, row.answer)
