"""The records that travel between the parts: Sample -> Request -> Response -> Score -> Estimate -> Verdict.

Plain frozen data, stdlib only, so that a pytest worker, an engine process and a notebook can all hold them.
`as_json` gives JSON types only (execnet and JUnit refuse anything else).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

OVERALL = "overall"
"""The slice every sample belongs to."""


class Outcome(StrEnum):
    """What became of one response.

    RIGHT, WRONG     graded (multiple choice, reasoning)
    NO_ANSWER        finished, but no single answer could be read: wrong for accuracy, and counted
    TRUNCATED        the token budget ended inside the thinking or before an answer
    LABELLED         a judge gave a label (see `Score.label`)
    UNSCORED         there is a response, but no verdict on it that could be read
    MISSING          no response, or an engine failure
    UNASKED          never asked for: the verdicts were certain without it (`stop: certain`)
    """

    RIGHT = "right"
    WRONG = "wrong"
    NO_ANSWER = "no-answer"
    TRUNCATED = "truncated"
    LABELLED = "labelled"
    UNSCORED = "unscored"
    MISSING = "missing"
    UNASKED = "unasked"


class Gap(StrEnum):
    """Why a metric does not know what a response is worth: one word per cause, and every unknown response has one.

    NO_RESPONSE  nothing came back, or an engine failure
    CUT          the token budget ended before there was something to judge
    NO_VERDICT   there is a response, but the judge gave no class that could be read
    NOT_ASKED    the verdicts were certain without it (`stop: certain`)
    NOT_REVIEWED the judge flagged it and no person has read it yet (`review: flagged`)
    THINKING     it holds thinking that could not be told from the answer
    TURN         it goes on with a turn the model played for somebody else
    """

    NO_RESPONSE = "no response"
    CUT = "cut"
    NO_VERDICT = "no verdict"
    NOT_ASKED = "not asked"
    NOT_REVIEWED = "not reviewed"
    THINKING = "thinking"
    TURN = "turn"


class Status(StrEnum):
    """The verdict on a check."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, slots=True)
class Message:
    """One chat turn; `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One item of a benchmark.

    id        unique within its benchmark
    messages  what the model is asked
    slices    every slice it counts in, `overall` first
    kind      how it is scored: `mcq`, `short`, `maths`, `code` are graded; `refusal`, `benign`, `content` are judged
    options   texts of options A, B, C ... of a multiple-choice item
    target    right letters of an `mcq`, accepted answers of a `short` one; empty for judged kinds
    """

    id: str
    messages: tuple[Message, ...]
    slices: tuple[str, ...]
    kind: Literal["mcq", "short", "maths", "code", "refusal", "benign", "content"]
    options: tuple[str, ...] = ()
    target: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw a response. `temperature` 0 is greedy; `max_tokens` counts new tokens, thinking included.

    scoring  `generate`: free text. `letters`: one forward pass, log-probabilities of the option letters only.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 1024
    scoring: Literal["generate", "letters"] = "generate"


@dataclass(frozen=True, slots=True)
class Request:
    """One response to be drawn. `key` is the store key, `k` the index of the response among those of its sample.

    `benchmark` is what the suite calls the set the sample is of (empty in requests to a judge).
    """

    key: str
    sample_id: str
    k: int
    messages: tuple[Message, ...]
    sampling: Sampling
    seed: int
    letters: tuple[str, ...] = ()
    benchmark: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back.

    answer           the text after the thinking (all of it for a model that does not think)
    thinking         the reasoning text, or None
    finish           `stop`, `length` (budget or context ended it) or `error`
    thinking_open    the text ended inside the thinking, so `answer` is empty
    error            one line, set exactly when finish is `error`; such responses are never stored
    prompt_sha256    hash of the rendered prompt, as the model saw it
    letter_logprobs  log-probability per letter, for `letters` scoring
    """

    key: str
    sample_id: str
    k: int
    answer: str
    thinking: str | None = None
    finish: Literal["stop", "length", "error"] = "stop"
    thinking_open: bool = False
    error: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_sha256: str = ""
    letter_logprobs: dict[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """What a response is worth.

    label           a judge's class of the answer (0-3)
    thinking_label  a judge's class of the thinking, where a suite has it judged
    answer          what was read out of a graded response
    confirmed       whether people agree with a class of 0 (`review: flagged`); None: not read, or not asked for
    gap             of a MISSING response: why, where it is not that none came
    """

    sample_id: str
    k: int
    outcome: Outcome
    label: int | None = None
    answer: str | None = None
    response_key: str = ""
    thinking_label: int | None = None
    confirmed: bool | None = None
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric on a slice: `k` of `n` responses (n counts what should be there, missing ones included).

    value         k / n, or kappa where that is the metric; None where responses are missing: it could be anything
                  from `least` to `most` then
    least, most   the value if what is missing turned out lowest, and highest; both are the value if nothing is missing
    low, high     one-sided bounds of the rate, each at `confidence`, over everything the missing could have been
    missing       how many responses the metric knows nothing of; the counts of `gaps` add up to it
    gaps          cause (see Gap) -> how many of the missing
    truncated     graded metrics: answers that were cut; they count as wrong
    no_answer     graded metrics: responses in which no answer could be read; they count as wrong
    """

    k: int
    n: int
    value: float | None
    low: float
    high: float
    confidence: float
    missing: int = 0
    truncated: int = 0
    no_answer: int = 0
    least: float = 0.0
    most: float = 1.0
    gaps: dict[str, int] = field(default_factory=dict)

    @property
    def unscored(self) -> int:
        """Of the missing: responses without a readable verdict."""
        return self.gaps.get(Gap.NO_VERDICT, 0)

    @property
    def unasked(self) -> int:
        """Of the missing: never asked for."""
        return self.gaps.get(Gap.NOT_ASKED, 0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on one check, with the sentence a person reads.

    change_low, change_high  one-sided bounds of candidate minus reference
    because_missing          answers that are not there stand in the way of a verdict
    details                  role, uncertainty, confidence, p, what is needed, lost and gained items ... (JSON types)
    """

    check_id: str
    status: Status
    reason: str
    estimate: Estimate | None = None
    reference: Estimate | None = None
    change_low: float | None = None
    change_high: float | None = None
    because_missing: bool = False
    details: dict[str, Any] = field(default_factory=dict)


def as_json(record: Any) -> dict[str, Any]:
    """A record as JSON types only."""
    return {name: _plain(getattr(record, name)) for name in record.__dataclass_fields__}


def _plain(value: Any) -> Any:
    # written out, because dataclasses.asdict deep-copies every value: a tenth of the time of a check
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    return as_json(value)


def canonical_json(value: Any) -> str:
    """The one JSON spelling that is hashed anywhere in this package (sorted keys, no spaces, UTF-8)."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any, length: int = 16) -> str:
    """First `length` hex digits of the SHA-256 of a JSON value's canonical spelling."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:length]


def message_list(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    """Messages in the shape chat templates and servers want."""
    return [{"role": m.role, "content": m.content} for m in messages]


def request_from_json(data: dict[str, Any]) -> Request:
    """Inverse of `as_json` for a Request."""
    return Request(
        key=data["key"],
        sample_id=data["sample_id"],
        k=data["k"],
        messages=tuple(Message(**m) for m in data["messages"]),
        sampling=Sampling(**data["sampling"]),
        seed=data["seed"],
        letters=tuple(data.get("letters", ())),
        benchmark=data.get("benchmark", ""),
    )


def score_from_json(data: dict[str, Any]) -> Score:
    """Inverse of `as_json` for a Score."""
    gap = data.get("gap")
    return Score(**{**data, "outcome": Outcome(data["outcome"]), "gap": Gap(gap) if gap else None})


def response_from_json(data: dict[str, Any]) -> Response:
    """Inverse of `as_json` for a Response."""
    return Response(**data)
