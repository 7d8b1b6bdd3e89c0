"""The four shapes of thinking, and what no text may ever do: pass thinking off as an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsafe_runner.engines.reasoning import CLOSE, OPEN, Thinking, join_server_split, split_thinking

PLAIN = st.text(max_size=40).filter(lambda t: "<" not in t)
R1 = "deepseek-r1"


@pytest.mark.parametrize(
    ("text", "prefilled", "finish", "expected"),
    [
        ("<think>嗯</think>答案：A", False, "stop", Thinking("嗯", "答案：A", False)),
        ("\n<think>\n嗯\n</think>\n\n答案：A\n", False, "stop", Thinking("嗯", "答案：A", False)),
        ("嗯</think>\n\n答案：A", True, "stop", Thinking("嗯", "答案：A", False)),
        ("嗯</think>答案：A", False, "stop", Thinking("嗯", "答案：A", False)),  # prefilled, but nobody told us
        ("<think>嗯", False, "length", Thinking("嗯", "", True)),
        ("嗯，选A", True, "length", Thinking("嗯，选A", "", True)),
        ("嗯，选A", True, "stop", Thinking("嗯，选A", "", True)),  # never closed: still no answer
        ("选A", False, "stop", Thinking(None, "选A", False)),
        ("", False, "stop", Thinking(None, "", False)),
        ("", True, "length", Thinking("", "", True)),
        ("<think>a</think>b</think>c", False, "stop", Thinking("ab", "c", False)),
        ("<think>a</think>b<think>c", False, "stop", Thinking("abc", "", True)),
        ("好的。<think>a</think>b", False, "stop", Thinking("好的。a", "b", False)),
        ("<think></think>b", False, "stop", Thinking("", "b", False)),
        ("<think>a</think>", False, "length", Thinking("a", "", False)),
        ("<thi", False, "length", Thinking("", "", True)),
        ("<thi", False, "stop", Thinking(None, "<thi", False)),
        ("<think>a</thin", False, "length", Thinking("a", "", True)),
        ("a<", True, "length", Thinking("a", "", True)),
        ("<think>a</thin", False, "stop", Thinking("a</thin", "", True)),
    ],
)
def test_shapes(text, prefilled, finish, expected):
    assert split_thinking(text, parser=R1, prefilled=prefilled, finish=finish) == expected


@given(st.text(), st.booleans(), st.sampled_from(["stop", "length"]))
def test_a_model_that_does_not_think_answers_with_everything(text, prefilled, finish):
    assert split_thinking(text, parser=None, prefilled=prefilled, finish=finish) == Thinking(None, text, False)


@given(st.lists(st.one_of(PLAIN, st.just(OPEN), st.just(CLOSE))), st.booleans(), st.sampled_from(["stop", "length"]))
def test_no_answer_holds_a_tag_and_open_thinking_has_no_answer(pieces, prefilled, finish):
    text = "".join(pieces)
    parts = split_thinking(text, parser=R1, prefilled=prefilled, finish=finish)
    assert OPEN not in parts.answer
    assert CLOSE not in parts.answer
    if parts.open:
        assert parts.answer == ""
        assert parts.thinking is not None
    if prefilled and CLOSE not in text:
        assert parts.open


@given(PLAIN, PLAIN, st.booleans())
def test_the_two_closed_shapes_read_alike(thinking, answer, prefilled):
    text = f"{thinking}{CLOSE}{answer}" if prefilled else f"{OPEN}{thinking}{CLOSE}{answer}"
    expected = Thinking(thinking.strip(), answer.strip(), False)
    assert split_thinking(text, parser=R1, prefilled=prefilled, finish="stop") == expected


@given(PLAIN, PLAIN, st.integers(min_value=0))
def test_a_cut_anywhere_before_the_end_of_the_closing_tag_leaves_no_answer(thinking, answer, cut):
    text = f"{OPEN}{thinking}{CLOSE}"
    part = text[: 1 + cut % (len(text) - 1)]
    if len(part) < len(text):
        assert split_thinking(part, parser=R1, prefilled=False, finish="length").answer == ""
        assert split_thinking(part, parser=R1, prefilled=False, finish="length").open


@pytest.mark.parametrize(
    ("reasoning", "content", "finish", "options", "expected"),
    [
        ("嗯", "A", "stop", {}, Thinking("嗯", "A", False)),
        ("嗯", None, "length", {}, Thinking("嗯", "", True)),
        ("A", None, "stop", {}, Thinking("A", "", True)),  # vLLM deepseek_r1 with thinking off
        (None, None, "length", {}, Thinking(None, "", True)),
        (None, None, "stop", {}, Thinking(None, "", False)),
        (None, "A", "stop", {}, Thinking(None, "A", False)),
        ("", "A", "stop", {}, Thinking(None, "A", False)),
        (None, "嗯</think>A", "stop", {}, Thinking("嗯", "A", False)),
        (None, "嗯", "length", {"prefilled": True}, Thinking("嗯", "", True)),
        ("嗯", "b</think>A", "stop", {}, Thinking("嗯\nb", "A", False)),
        ("嗯", "A", "stop", {"prefilled": True}, Thinking("嗯", "A", False)),
        ("嗯\n", "\n\nA", "stop", {}, Thinking("嗯", "A", False)),  # vLLM keeps the line ends around the tags
        (None, "<think>x", "stop", {"parser": None}, Thinking(None, "<think>x", False)),
    ],
)
def test_server_split(reasoning, content, finish, options, expected):
    assert join_server_split(reasoning, content, finish, **options) == expected


@given(PLAIN, PLAIN)
def test_a_text_reads_alike_whether_a_server_split_it_or_not(thinking, answer):
    whole = split_thinking(f"{thinking}{CLOSE}{answer}", parser=R1, prefilled=True, finish="stop")
    if thinking and answer:
        assert join_server_split(thinking, answer, "stop") == whole
