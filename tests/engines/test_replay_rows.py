"""Rows of our own JSONL: what counts as a whole answer, and what no row may be."""

from __future__ import annotations

import contextlib
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import replay, request, row, write

from dsafe_runner.engines.replay.files import parse_line
from dsafe_runner.engines.replay.rows import Recorded, parse_row
from dsafe_runner.errors import DataError
from dsafe_runner.records import Response, as_json


def one(tmp_path, fields, *, question=None, reasoning=None, match="prompt"):
    path = write(tmp_path / "set.jsonl", fields)
    (response,) = replay(path, [question or request("问题一")], reasoning=reasoning, match=match)[0].values()
    return response


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"finish": None}, "its finish is not known (null), so it may be cut"),
        ({"finish": "error", "answer": None}, "the row says that the response failed"),
        ({"answer": "半个\ud83d"}, "its answer is no valid Unicode"),
        ({"response": "半个\udc00", "answer": ...}, "its response is no valid Unicode"),
        ({"letter_logprobs": {"A": -1.0}}, "its row has letter_logprobs, but the suite asks for text"),
        ({"completion_tokens": 1025}, "it took more than the 1024 tokens the suite allows; raise max_tokens"),
    ],
)
def test_a_row_that_is_no_clear_answer_is_missing(tmp_path, fields, error):
    response = one(tmp_path, row(**fields))
    assert response.finish == "error"
    assert response.error.startswith(error)
    assert response.answer == ""


def test_letters_are_scored_on_recorded_letters_only(tmp_path):
    asked = request("问题一", letters=("A", "B"))
    good = one(tmp_path, row(letter_logprobs={"A": -1, "B": -0.25, "C": -9.0}), question=asked)
    assert good.letter_logprobs == {"A": -1.0, "B": -0.25, "C": -9.0}
    for fields in ({}, {"letter_logprobs": {"A": -1.0}}):
        assert one(tmp_path, row(**fields), question=asked).error.startswith("its row has no letter_logprobs for all")


@pytest.mark.parametrize(
    ("fields", "thinking", "answer", "open_"),
    [
        ({"response": "<think>嗯</think>\n\n可以。", "answer": ...}, "嗯", "可以。", False),
        ({"response": "嗯</think>\n\n可以。", "answer": ...}, "嗯", "可以。", False),
        ({"response": "<think>嗯", "answer": ..., "finish": "length"}, "嗯", "", True),
        # nothing shows whether the template opened the thinking
        ({"response": "可以。", "answer": ...}, "可以。", "", True),
        ({"answer": "可以。", "thinking": "嗯"}, "嗯", "可以。", False),
        ({"answer": "可以。"}, None, "可以。", False),
        ({"answer": "再想</think>可以。", "thinking": "嗯"}, "嗯", "再想</think>可以。", False),
        ({"response": "不行。<think>嗯</think>可以。", "answer": ...}, None, "不行。<think>嗯</think>可以。", False),
        ({"answer": None, "thinking": "嗯", "finish": "length"}, "嗯", "", True),
        ({"answer": "", "thinking": "嗯"}, "嗯", "", True),
        ({"answer": "", "thinking": "嗯", "thinking_open": False}, "嗯", "", False),
    ],
)
def test_thinking_is_split_off(tmp_path, fields, thinking, answer, open_):
    response = one(tmp_path, row(**fields), reasoning="deepseek-r1")
    assert (response.thinking, response.answer, response.thinking_open) == (thinking, answer, open_)


@pytest.mark.parametrize(
    ("reasoning", "text", "thinking", "answer"),
    [
        ("qwen3", "可以。", None, "可以。"),  # thinking switched off
        ("qwen3", "嗯</think>可以。", "嗯", "可以。"),
        ("mistral", "[THINK]嗯[/THINK]可以。", "嗯", "可以。"),
        ("harmony", "analysis嗯assistantfinal可以。", "嗯", "可以。"),
        ("none", "嗯</think>可以。", None, "嗯</think>可以。"),
        (None, "嗯</think>可以。", None, "嗯</think>可以。"),  # as it came; whether it is an answer is seen later
    ],
)
def test_raw_texts_of_other_formats(tmp_path, reasoning, text, thinking, answer):
    response = one(tmp_path, row(response=text, answer=...), reasoning=reasoning)
    assert (response.thinking, response.answer, response.thinking_open) == (thinking, answer, False)


def test_a_prompt_that_opens_the_thinking_needs_a_reasoning_model(tmp_path):
    fields = row("<|User|>问题一<|Assistant|><think>\n", answer=..., response="可以。")
    other = row("<|User|>问题二<|Assistant|><think>\n")
    path = write(tmp_path / "set.jsonl", fields, other)
    (response,) = replay(path, [request("问题一")])[0].values()
    assert response.error.startswith("its prompt opens the thinking")
    (response,) = replay(path, [request("问题一")], reasoning="deepseek-r1")[0].values()
    assert response.thinking_open


@pytest.mark.parametrize(
    ("fields", "mistake"),
    [
        ({"finish": ...}, "finish is missing; say stop, length"),
        ({"finish": "eos"}, "finish is stop, length, error or null"),
        ({"finish": True}, "finish is stop"),
        ({"finish": ["stop"]}, "finish is stop"),
        ({"k": -1}, "k is a whole number from 0 on"),
        ({"k": "0"}, "k is a whole number"),
        ({"k": 0.0}, "k is a whole number"),
        ({"k": False}, "k is a whole number"),
        ({"k": None}, "k is a whole number"),
        ({"k": math.nan}, "k is a whole number"),
        ({"completion_tokens": 1.5}, "completion_tokens is a whole number"),
        ({"prompt_tokens": 10**60}, "prompt_tokens is a whole number"),
        ({"answer": ["可以"]}, "answer is a text, not a list"),
        ({"answer": 7}, "answer is a text, not a number"),
        ({"thinking": {}}, "thinking is a text, not an object"),
        ({"response": "x"}, "a row has answer (and thinking) or response"),
        ({"response": None, "answer": ...}, "response is the whole raw text"),
        ({"response": "x", "thinking": "y", "answer": ...}, "response is the whole raw text"),
        ({"answer": ..., "thinking": "x"}, "neither a row of ours"),
        ({"prompt": ...}, "a row has messages or prompt: neither is there"),
        ({"messages": [{"role": "user", "content": "x"}]}, "a row has messages or prompt: both are there"),
        ({"prompt": None}, "prompt is a text, not null"),
        ({"prompt": "\ud800"}, "prompt is a text, not half a surrogate pair"),
        ({"prompt": ..., "messages": []}, "messages is a list of"),
        ({"prompt": ..., "messages": "问题"}, "messages is a list of"),
        ({"prompt": ..., "messages": ["问题"]}, "a message has a role"),
        ({"prompt": ..., "messages": [{"role": "tool", "content": "x"}]}, "a message has a role"),
        ({"prompt": ..., "messages": [{"role": "user", "content": [{"type": "text"}]}]}, "the content of a message is"),
        ({"prompt": ..., "messages": [{"role": "assistant", "content": "x"}]}, "the last message is the user's"),
        ({"benchmark": 3}, "benchmark is a text, not a number"),
        ({"sample_id": True}, "sample_id is a text or a whole number, not true or false"),
        ({"sample_id": ""}, "sample_id is a text or a whole number, not an empty text"),
        ({"thinking_open": 1}, "thinking_open is true or false"),
        ({"thinking_open": True}, "thinking_open is true or false, and true only where answer is empty"),
        ({"letter_logprobs": [1]}, "letter_logprobs is an object, not a list"),
        ({"letter_logprobs": {"A": math.nan}}, "letter_logprobs gives a finite number"),
        ({"letter_logprobs": {"A": -math.inf}}, "letter_logprobs gives a finite number"),
        ({"letter_logprobs": {"A": 10**400}}, "letter_logprobs gives a finite number"),
        ({"letter_logprobs": {"A": False}}, "letter_logprobs gives a finite number"),
    ],
)
def test_a_row_of_another_shape_is_a_mistake(tmp_path, fields, mistake):
    with pytest.raises(DataError) as wrong:
        one(tmp_path, row(**fields))
    assert str(wrong.value).startswith(f"set.jsonl:1: {mistake}")


def test_ids_are_needed_where_they_are_what_counts(tmp_path):
    with pytest.raises(DataError, match=r"set\.jsonl:1: sample_id is missing; `match: id` needs it"):
        one(tmp_path, row(prompt=...), match="id")
    assert one(tmp_path, row(prompt=..., sample_id=1), match="id").answer == "可以。"


def test_control_characters_and_odd_lines_stay_what_they_are(tmp_path):
    text = "\x1b[31m红\x00\u2028二\u0085三\r\n\x1e四"
    path = write(tmp_path / "set.jsonl", json.dumps(row(answer=text, extra=math.nan), ensure_ascii=False))
    (response,) = replay(path, [request("问题一")])[0].values()
    assert response.answer == text


TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "benchmark",
    "sample_id",
    "k",
    "messages",
    "prompt",
    "answer",
    "thinking",
    "response",
    "finish",
    "thinking_open",
    "prompt_tokens",
    "completion_tokens",
    "prompt_sha256",
    "letter_logprobs",
)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON),
    st.sampled_from(["prompt", "id"]),
    st.sampled_from([None, "deepseek-r1"]),
)
def test_whatever_a_row_is_it_is_read_or_refused(fields, match, reasoning):
    fields = {"prompt": "问", "answer": "答", "finish": "stop", "sample_id": "1", **fields}
    try:
        found = parse_row(fields, reasoning=reasoning, match=match)
    except DataError:
        return
    assert isinstance(found, Recorded)
    if found.problem is None:
        assert fields["finish"] in ("stop", "length")
        assert found.response is not None
        json.dumps(as_json(found.response), allow_nan=False, ensure_ascii=False).encode()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_whatever_a_line_is_it_is_an_object_or_refused(line):
    with contextlib.suppress(DataError):
        assert isinstance(parse_line(line), dict)


@settings(max_examples=100, deadline=None)
@given(TEXT, st.none() | TEXT, st.sampled_from(["stop", "length"]), st.booleans(), st.integers(0, 1023))
def test_a_response_that_is_written_is_read_again(answer, thinking, finish, cut, k):
    response = Response("key", "1", k, "" if cut else answer, thinking, finish, cut)
    line = json.dumps({**as_json(response), "prompt": "问"}).encode()
    found = parse_row(parse_line(line), reasoning="deepseek-r1", match="prompt")
    assert found.problem is None
    assert found.response is not None
    assert as_json(found.response) == {**as_json(response), "key": "", "sample_id": ""}
