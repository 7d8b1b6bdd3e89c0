"""A recorded response, and how a row of our own JSONL is read.

    benchmark   the suite's name of the set; may be left out where the file is called `<benchmark>.jsonl`
    sample_id   the item; needed by `match: id` only
    k           index of the response among those of its item, 0 unless said
    messages    what was asked: [{"role": ..., "content": ...}, ...]; or `prompt`, the user's text alone
    answer      with `thinking` where there is some (and `thinking_open` where the text ended inside it);
                or `response`, the raw text, thinking and tags included
    finish      `stop`, `length`, `error`, or null where it is not known; must be there
    prompt_tokens, completion_tokens, prompt_sha256, letter_logprobs    as in records.Response; may be left out

Other fields are ignored. docs/replay.md is the user's side of this.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, cast

from dsafe_runner.engines.markers import opens_thinking
from dsafe_runner.engines.reasoning import Thinking, join_server_split, split_thinking
from dsafe_runner.engines.replay.files import is_text
from dsafe_runner.engines.replay.prompts import conversation, level
from dsafe_runner.errors import DataError
from dsafe_runner.records import Response

_HASH = re.compile(r"[0-9a-f]{64}")
_ROLES = ("system", "user", "assistant")
OPENED = "its prompt opens the thinking, but the model has no `reasoning`; say which format it is"


@dataclass(slots=True)
class Recorded:
    """One response of a log.

    response   what came back, not yet anybody's: its `key` and `sample_id` are empty. None: no text was recorded
    problem    why the response cannot be used
    doubt      why it counts as cut though the log does not say so
    benchmark  the set it says it answers
    prompt     what was asked (see replay_prompts), None where only ids count
    """

    response: Response | None
    k: int
    problem: str | None = None
    doubt: str | None = None
    benchmark: str | None = None
    sample_id: str | None = None
    prompt: str | None = None
    file: int = 0
    line: int = 0


def is_ours(fields: dict[str, Any]) -> bool:
    """Whether an object looks like a row of our JSONL."""
    return "answer" in fields or "response" in fields


def parse_row(fields: dict[str, Any], *, reasoning: str | None, match: str) -> Recorded:
    """A row of our JSONL.

    Args:
        fields: the row.
        reasoning: of spec.Checkpoint: the format of the model's thinking.
        match: of spec.ReplayEngine.

    Raises:
        DataError: a field is absent or of the wrong type; the message names it and quotes nothing.
    """
    recorded = Recorded(None, whole_number(fields, "k"))
    benchmark = fields.get("benchmark")
    if benchmark is not None and not is_text(benchmark):
        raise DataError(f"benchmark is a text, not {kind(benchmark)}")
    recorded.benchmark = benchmark or None
    recorded.sample_id = item_id(fields.get("sample_id"), "sample_id")
    if match == "id":
        if recorded.sample_id is None:
            raise DataError("sample_id is missing; `match: id` needs it")
    else:
        recorded.prompt = _prompt(fields)
    finish = _finish(fields)
    if finish == "error":
        recorded.problem = "the row says that the response failed"
        return recorded
    said: Literal["stop", "length"] = "length" if finish is None else finish
    parts = _text(fields, said, reasoning)
    if isinstance(parts, str):
        recorded.problem = parts
        return recorded
    recorded.response = Response(
        key="",
        sample_id="",
        k=recorded.k,
        answer=parts.answer,
        thinking=parts.thinking,
        finish=said,
        thinking_open=parts.open,
        prompt_tokens=whole_number(fields, "prompt_tokens"),
        completion_tokens=whole_number(fields, "completion_tokens"),
        prompt_sha256=_sha256(fields),
        letter_logprobs=_logprobs(fields),
    )
    if finish is None:
        recorded.problem = "its finish is not known (null), so it may be cut"
    elif reasoning is None and opens_thinking(recorded.prompt or ""):
        recorded.problem = OPENED
    return recorded


def item_id(value: Any, name: str) -> str | None:
    """An id as a text; whole numbers are ids too.

    Raises:
        DataError: it is neither.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or (is_text(value) and value):
        return cast("str | None", value)
    raise DataError(f"{name} is a text or a whole number, not {kind(value)}")


def turns(value: Any, roles: tuple[str, ...] = _ROLES) -> list[tuple[str, str]]:
    """Messages as (role, content).

    Raises:
        DataError: they are none.
    """
    if not isinstance(value, list) or not value:
        raise DataError('messages is a list of {"role": ..., "content": ...}')
    found = []
    for turn in value:
        if not isinstance(turn, dict) or turn.get("role") not in roles:
            raise DataError(f"a message has a role: {', '.join(roles)}")
        if not is_text(turn.get("content")):
            raise DataError(f"the content of a message is a text, not {kind(turn.get('content'))}")
        found.append((turn["role"], turn["content"]))
    return found


def kind(value: Any) -> str:
    """What a value is, in words that tell nothing of what it holds."""
    if isinstance(value, str):
        return "half a surrogate pair" if not is_text(value) else "a text" if value else "an empty text"
    names = {type(None): "null", bool: "true or false", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), "an object")


def whole_number(fields: dict[str, Any], name: str) -> int:
    """A count of a row, 0 unless said.

    Raises:
        DataError: it is no whole number from 0 on.
    """
    value = fields.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise DataError(f"{name} is a whole number from 0 on")
    return value


def _prompt(fields: dict[str, Any]) -> str:
    given = [name for name in ("messages", "prompt") if name in fields]
    if len(given) != 1:
        what = "both are there" if given else "neither is there"
        raise DataError(f"a row has messages or prompt: {what} (`match: id` needs none)")
    if given == ["prompt"]:
        if not is_text(fields["prompt"]):
            raise DataError(f"prompt is a text, not {kind(fields['prompt'])}")
        return level(fields["prompt"])
    found = turns(fields["messages"])
    if found[-1][0] != "user":
        raise DataError("the last message is the user's: it is what the model answers")
    return conversation(found)


def _finish(fields: dict[str, Any]) -> Literal["stop", "length", "error"] | None:
    if "finish" not in fields:
        raise DataError("finish is missing; say stop, length (the text was cut), or null where it is not known")
    value = fields["finish"]
    if value not in ("stop", "length", "error", None):
        raise DataError("finish is stop, length, error or null")
    return cast("Literal['stop', 'length', 'error'] | None", value)


def _text(fields: dict[str, Any], finish: Literal["stop", "length"], reasoning: str | None) -> Thinking | str:
    """Thinking and answer of a row, or what is wrong with the texts."""
    if ("answer" in fields) == ("response" in fields):
        raise DataError("a row has answer (and thinking) or response (the raw text), one of them")
    texts = {name: fields.get(name) for name in ("response", "answer", "thinking")}
    for name, value in texts.items():
        if value is not None and not isinstance(value, str):
            raise DataError(f"{name} is a text, not {kind(value)}")
        if value is not None and not is_text(value):
            return f"its {name} is no valid Unicode"
    if "response" in fields:
        if texts["response"] is None or texts["thinking"] is not None:
            raise DataError("response is the whole raw text, not null, and goes without thinking")
        # nothing shows how the prompt ended: without a tag, all of it may be thinking
        return split_thinking(texts["response"], parser=reasoning, prefilled=None, finish=finish)
    if "thinking_open" not in fields:
        return join_server_split(texts["thinking"], texts["answer"], finish, parser=reasoning)
    cut = fields["thinking_open"]
    if not isinstance(cut, bool) or (cut and texts["answer"]):
        raise DataError("thinking_open is true or false, and true only where answer is empty")
    return Thinking(texts["thinking"], texts["answer"] or "", cut)


def _sha256(fields: dict[str, Any]) -> str:
    value = fields.get("prompt_sha256", "")
    return value if isinstance(value, str) and _HASH.fullmatch(value) else ""


def _logprobs(fields: dict[str, Any]) -> dict[str, float] | None:
    value = fields.get("letter_logprobs")
    if value is None:
        return None
    if not isinstance(value, dict):
        raise DataError(f"letter_logprobs is an object, not {kind(value)}")
    # logarithms of probabilities: anything beyond is no such thing, and whole numbers can be too big for a float
    if not all(is_text(name) and type(n) in (int, float) and -1e9 < n < 1e9 for name, n in value.items()):
        raise DataError("letter_logprobs gives a finite number for each letter")
    return {letter: float(number) for letter, number in value.items()}
