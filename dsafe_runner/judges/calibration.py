"""Labelled replies that a judge is held against before it is believed: ours in the package, or a file of the user's.

A .jsonl file, one reply per line:

    reply      the text to be judged
    label      0, 1, 2 or 3: the class a person gave it (see vocabulary.JudgeClass)
    question   what it replies to; or `messages`: [{"role": ..., "content": ...}, ...], the last one of the user
    history    turns before the question (with `question` only)
    kind       refusal (unless said): the question should be refused; benign: it should be answered
    id         unique; `line-<n>` unless given

Other keys are ignored. The set of the package is a smoke test of a judge, written by us, not a sample of any model's
replies: whoever gates a release labels replies of the own models in this format.

Replies of one label that say the same (see `copies`) count once, whoever asked what: the first of them is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal, cast

from dsafe_runner.errors import DataError, UnavailableError
from dsafe_runner.judges.copies import firsts
from dsafe_runner.records import OVERALL, Message, Response, Sample
from dsafe_runner.vocabulary import CLASSES

MAX_MISTAKES = 20
_ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class LabelledReply:
    """One reply with the class a person gave it. The sample counts in `overall` and `class-<label>`."""

    sample: Sample
    response: Response
    label: int


@dataclass(frozen=True, slots=True)
class CalibrationSet:
    """A whole set; `sha256` is of the file's bytes, `copies` how many further replies said the same as one of these."""

    name: str
    sha256: str
    replies: tuple[LabelledReply, ...]
    copies: int = 0

    @property
    def slices(self) -> dict[str, int]:
        """Slice -> replies: `overall`, then `class-<label>` for every class that occurs."""
        counts = Counter(reply.label for reply in self.replies)
        return {OVERALL: len(self.replies), **{class_slice(label): counts[label] for label in sorted(counts)}}


def class_slice(label: int) -> str:
    """The slice of the replies that people gave this class."""
    return f"class-{label}"


def label_of(slices: tuple[str, ...]) -> int:
    """The class people gave a reply, from the slices it counts in."""
    return next(label for label in CLASSES if class_slice(label) in slices)


def load_calibration(path: Path | None = None) -> CalibrationSet:
    """A file of labelled replies; the package's own set when None.

    Raises:
        UnavailableError: no such file.
        DataError: mistakes in it, one per line.
    """
    if path is None:
        content = (resources.files("dsafe_runner.judges") / "data" / "calibration.jsonl").read_bytes()
        return _parsed("dsafe", "calibration.jsonl", content)
    try:
        content = path.read_bytes()
    except OSError as error:
        what = error.strerror or error
        raise UnavailableError(f"{path} cannot be read ({what}); correct `path` of the calibration") from None
    return _parsed(path.name, str(path), content)


def _parsed(name: str, where: str, content: bytes) -> CalibrationSet:
    mistakes: list[str] = []
    replies: dict[str, LabelledReply] = {}
    places: dict[tuple[object, ...], int] = {}
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            reply = _reply(json.loads(line), number)
            if reply.sample.id in replies:
                raise ValueError(f"id {reply.sample.id} stands twice; give each reply its own")
            # a copy is no further evidence, and a judge would look as sure as if there were that many replies
            if (first := places.setdefault(_content(reply), number)) != number:
                raise ValueError(f"is the reply of line {first} to the same question again; label each once")
            replies[reply.sample.id] = reply
        except (ValueError, RecursionError) as error:
            what = "is no JSON; write one object per line" if isinstance(error, json.JSONDecodeError) else str(error)
            mistakes.append(f"{where}:{number}: {what}")
    if not mistakes and len({reply.label for reply in replies.values()}) < 2:
        mistakes.append(f"{where}:1: the labels are of fewer than two classes, so no agreement can be told; add some")
    if mistakes:
        more = [f"{where}: and {len(mistakes) - MAX_MISTAKES} more mistakes"] if len(mistakes) > MAX_MISTAKES else []
        raise DataError("\n".join(mistakes[:MAX_MISTAKES] + more))
    kept = _distinct(tuple(replies.values()))
    return CalibrationSet(name, hashlib.sha256(content).hexdigest(), kept, len(replies) - len(kept))


def _distinct(replies: tuple[LabelledReply, ...]) -> tuple[LabelledReply, ...]:
    """The replies without those that say the same as an earlier one of their label."""
    kept: set[str] = set()
    for label in CLASSES:
        own = [reply for reply in replies if reply.label == label]
        first = firsts([reply.response.answer for reply in own])
        kept |= {own[n].sample.id for n in first}
    return tuple(reply for reply in replies if reply.sample.id in kept)


def _content(reply: LabelledReply) -> tuple[object, ...]:
    """What a judge sees of it, white space aside."""
    turns = tuple((turn.role, " ".join(turn.content.split())) for turn in reply.sample.messages)
    return turns, " ".join(reply.response.answer.split())


def _reply(row: Any, number: int) -> LabelledReply:
    if not isinstance(row, dict):
        raise ValueError("is no JSON object; write {...}")
    label, text, kind = row.get("label"), row.get("reply"), row.get("kind", "refusal")
    if type(label) is not int or label not in CLASSES:
        raise ValueError("`label` must be 0, 1, 2 or 3")
    if not isinstance(text, str) or not text.strip():
        raise ValueError("`reply` must be a text")
    if kind not in ("refusal", "benign"):
        raise ValueError("`kind` must be refusal or benign")
    name = row.get("id", f"line-{number}")
    if not isinstance(name, str) or not name:
        raise ValueError("`id` must be a text")
    # a set of labels is a sample of replies like any other; its own slices tell what people said
    sample = Sample(name, _messages(row), (OVERALL, class_slice(label)), cast("Literal['refusal', 'benign']", kind))
    key = hashlib.sha256(f"{name}|{text}".encode("utf-8", "surrogatepass")).hexdigest()[:40]
    return LabelledReply(sample, Response(key, name, 0, text), label)


def _messages(row: dict[str, Any]) -> tuple[Message, ...]:
    if "messages" in row:
        turns = row["messages"]
    else:
        turns = [*_list(row.get("history", [])), {"role": "user", "content": row.get("question")}]
    made = []
    for turn in _list(turns):
        if not isinstance(turn, dict) or turn.get("role") not in _ROLES or not isinstance(turn.get("content"), str):
            raise ValueError("`question` must be a text, `history` and `messages` lists of {role, content}")
        made.append(Message(turn["role"], turn["content"]))
    if not made or made[-1].role != "user" or not made[-1].content.strip():
        raise ValueError("the question is missing; add `question`, or `messages` that end with the user's")
    return tuple(made)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("`history` and `messages` must be lists of {role, content}")
    return value
