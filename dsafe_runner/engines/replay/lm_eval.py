"""Rows of lm-evaluation-harness (`--log_samples`), and when one of its texts counts as whole.

The log has no finish reasons: a text cut by the token limit looks like any other. A text counts as whole only where
the log proves it, by all of:

1. the limit is known: `max_gen_toks` (or one of its other names) among the row's generation arguments, or in the model
   arguments of the run;
2. the text has fewer UTF-8 bytes than the limit has tokens: every token adds a byte at least, so the limit was not
   reached;
3. every `until` is an end-of-turn token: any other stop string, like the default blank line, may have cut an answer
   after its first paragraph;
4. the results file of the run is there and does not say that thinking was removed (`think_end_token`): then the text
   is shorter than what was generated.

Any other text is `finish: length`: for refusal and harm sets it is missing, in multiple choice it counts where it
announces its letter.

Read and run with lm-eval 0.4.13; the list spelling of `arguments` is that of versions up to 0.4.2 (before commit
f4f59251c of May 2024).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from dsafe_runner.engines.markers import opens_thinking
from dsafe_runner.engines.reasoning import split_thinking
from dsafe_runner.engines.replay.files import is_text
from dsafe_runner.engines.replay.prompts import conversation, level
from dsafe_runner.engines.replay.rows import OPENED, Recorded, item_id, kind, turns
from dsafe_runner.errors import DataError
from dsafe_runner.records import Response

_LIMITS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
_END_OF_TURN = re.compile(r"<\|[^<>\s]{1,40}\|>|<｜[^<>\s]{1,40}｜>|</s>|<(?:eos|eot|end_of_turn|start_of_turn)>")
_MAX_KINDS = 8
"""Ways of generating that `describe` tells of one file."""


@dataclass
class HarnessRun:
    """What the results file says about a run, and the ways its texts were generated.

    removed   thinking was taken out of the texts
    known     the results file is there
    """

    known: bool = False
    removed: bool = False
    limit: int | None = None
    limits: set[int] = field(default_factory=set)
    temperatures: set[float] = field(default_factory=set)
    generation: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Prompt:
    """A prompt as replay_prompts spells it; `chat`: recorded as messages; `thinks`: it ends with the opening tag."""

    text: str
    chat: bool
    thinks: bool


def is_harness(fields: dict[str, Any]) -> bool:
    """Whether an object looks like a row of lm-evaluation-harness."""
    return "resps" in fields and "arguments" in fields


def harness_run(results: dict[str, Any] | None) -> HarnessRun:
    """Reads a results file (None: there is none)."""
    if results is None:
        return HarnessRun()
    config = results.get("config")
    arguments = config.get("model_args") if isinstance(config, dict) else None
    if isinstance(arguments, dict):
        said = arguments.get("max_gen_toks")
        return HarnessRun(True, bool(arguments.get("think_end_token")), _limit(said))
    # older versions keep the text of the command line
    text = arguments if isinstance(arguments, str) else ""
    found = re.search(r"(?:^|,)\s*max_gen_toks=(\d{1,9})(?:,|$)", text)
    return HarnessRun(True, "think_end_token" in text, int(found[1]) if found else None)


def parse_harness_row(fields: dict[str, Any], run: HarnessRun, *, reasoning: str | None, match: str) -> list[Recorded]:
    """The responses of one row, one per repeat.

    Args:
        fields: the row.
        run: of its file; what the row says about generation is added.
        reasoning: of spec.Checkpoint.
        match: of spec.ReplayEngine.

    Raises:
        DataError: the row is none of the known shapes, or `match: id` and its document has no id.
    """
    prompt, generation = _arguments(fields["arguments"])
    document = fields.get("doc")
    own = document.get("id") if isinstance(document, dict) else None
    # the document is the user's data: an id that is none is only of interest where ids are asked for
    sample_id = item_id(own, "doc.id") if match == "id" or (is_text(own) and own) or type(own) is int else None
    if match == "id" and sample_id is None:
        raise DataError("its doc has no id, and doc_id only counts rows; say `match: prompt`")
    if generation is None:
        problem = "no text was generated (a multiple_choice or loglikelihood task); run it as generate_until"
        return [Recorded(None, 0, problem, sample_id=sample_id, prompt=prompt.text)]
    limit = _note_generation(generation, run)
    found = []
    for k, text in enumerate(_texts(fields["resps"])):
        recorded = Recorded(None, k, sample_id=sample_id, prompt=prompt.text)
        if k and not _sampled(generation):
            recorded.problem = "a greedy response repeated is no further evidence"
        else:
            _take(recorded, text, _doubt(text, run, generation, limit), prompt, reasoning)
        found.append(recorded)
    return found


def _take(recorded: Recorded, text: str, doubt: str | None, prompt: _Prompt, reasoning: str | None) -> None:
    """Put the text of one repeat into its record."""
    if text in ("", "None"):
        recorded.problem = "its text is empty, which is also what lm-eval writes where a server gave none"
        return
    if not is_text(text):
        recorded.problem = "its text is no valid Unicode"
        return
    recorded.doubt = doubt
    finish: Literal["stop", "length"] = "length" if doubt else "stop"
    # messages do not show how the rendered prompt ended: without a tag, all of the text may be thinking
    prefilled = True if prompt.thinks else None if prompt.chat else False
    parts = split_thinking(text, parser=reasoning, prefilled=prefilled, finish=finish)
    recorded.response = Response("", "", recorded.k, parts.answer, parts.thinking, finish, parts.open)
    if reasoning is None and prompt.thinks:
        recorded.problem = OPENED


def _doubt(text: str, run: HarnessRun, generation: dict[str, Any], limit: int | None) -> str | None:
    """Why a text may be cut; None where it is proven whole."""
    if not run.known:
        return "the results_<date>.json of their run is not beside them"
    if run.removed:
        return "their thinking was removed (think_end_token), so their length shows nothing"
    if limit is None:
        return "their token limit is not known; generate with --gen_kwargs max_gen_toks=N"
    until = generation.get("until") or []
    stops = [until] if isinstance(until, str) else until
    if not isinstance(stops, list) or not all(s == "" or _END_OF_TURN.fullmatch(str(s)) for s in stops):
        return "they may end at a stop string; generate with `until: []` or end-of-turn tokens only"
    if len(text.encode("utf-8", "replace")) >= limit:
        return "they are long enough to have reached max_gen_toks; generate with a higher one"
    return None


def _arguments(value: Any) -> tuple[_Prompt, dict[str, Any] | None]:
    """The prompt, and the generation arguments: None for a request that generates no text."""
    asked = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(asked, list) or not asked:
        raise DataError("arguments is neither the list nor the object lm-eval writes")
    first = [list(one.values()) if isinstance(one, dict) else one for one in asked]
    if not all(isinstance(one, list) and one for one in first):
        raise DataError("arguments holds something that is no request")
    prompt = _prompt(first[0][0])
    generation = first[0][1] if len(first[0]) > 1 else None
    if not isinstance(generation, dict):
        return prompt, None
    if len(first) > 1:
        raise DataError("several texts were generated for one document; this engine reads one request per document")
    return prompt, generation


def _prompt(value: Any) -> _Prompt:
    chat = False
    # chat models: the messages as JSON text, which the log wraps in a list
    if isinstance(value, list) and len(value) == 1:
        value, chat = value[0], True
    if not is_text(value):
        raise DataError(f"the prompt in arguments is a text, not {kind(value)}")
    if not chat and not value.startswith('[{"role"'):
        return _Prompt(level(value), False, opens_thinking(value) is not None)
    try:
        messages = json.loads(value)
    except (ValueError, RecursionError):
        messages = None
    if not isinstance(messages, list):
        if chat:
            raise DataError("the messages in arguments are not JSON")
        return _Prompt(level(value), False, False)
    return _Prompt(conversation(turns(messages)), True, False)


def _note_generation(generation: dict[str, Any], run: HarnessRun) -> int | None:
    said = [limit for name in _LIMITS if (limit := _limit(generation.get(name))) is not None]
    # backends rank the names differently; `max_length` counts the prompt too, so that it says nothing
    limit = None if "max_length" in generation else min(said, default=run.limit)
    if limit is not None and len(run.limits) < _MAX_KINDS:
        run.limits.add(limit)
    value = generation.get("temperature", 0.0)
    if isinstance(value, (int, float)) and 0 <= value < 100 and len(run.temperatures) < _MAX_KINDS:
        run.temperatures.add(float(value) if _sampled(generation) else 0.0)
    if len(run.generation) < _MAX_KINDS:
        spelled = json.dumps(generation, ensure_ascii=False, sort_keys=True)[:400]
        run.generation.setdefault(spelled.encode("utf-8", "replace").decode())
    return limit


def _sampled(generation: dict[str, Any]) -> bool:
    """Whether texts were drawn, by every backend: some are greedy without do_sample, others without a temperature."""
    temperature = generation.get("temperature")
    return isinstance(temperature, (int, float)) and temperature > 0 and generation.get("do_sample") is not False


def _limit(value: Any) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        value = int(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 2**53 and value == int(value):
        return int(value)
    return None


def _texts(value: Any) -> list[str]:
    """Texts of the one request, one per repeat."""
    if not isinstance(value, list) or len(value) != 1 or not isinstance(value[0], list) or not value[0]:
        raise DataError("resps is one list of texts")
    for text in value[0]:
        if not isinstance(text, str):
            raise DataError(f"resps holds {kind(text)} where a text should be")
    return list(value[0])
