"""The formats and shapes of thinking, and what no text may ever do: pass thinking off as an answer, or an answer off as
thinking."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsafe_runner.engines.reasoning import (
    CLOSE,
    OPEN,
    TAGS,
    Thinking,
    foreign_turn_in,
    join_server_split,
    sign_in,
    split_thinking,
)
from dsafe_runner.records import Response

PLAIN = st.text(max_size=40).filter(lambda t: not set("<[`~") & set(t))
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
        ("<think>a</think>\n</think>c", False, "stop", Thinking("a", "c", False)),
        ("<think></think>\n<think>a</think>c", False, "stop", Thinking("a", "c", False)),
        ("<think>a<think>b</think>c", False, "stop", Thinking("ab", "c", False)),
        ("<think>a", True, "length", Thinking("a", "", True)),
        ("<think>`</think>` ends it", False, "length", Thinking("`</think>` ends it", "", True)),
        ("<think>a</think>`</think>` ends it", False, "stop", Thinking("a", "`</think>` ends it", False)),
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


@pytest.mark.parametrize(
    "text",
    [
        "好的。<think>a</think>b",
        "<think>a</think>b</think>c",
        "<think>a</think>b<think>c",
        "<think>a</think>b<think>c</think>d",
        "a</think>b</think>c",
    ],
)
def test_text_outside_the_thinking_is_never_set_aside(text):
    parts = split_thinking(text, parser=R1, prefilled=False, finish="stop")
    assert parts == Thinking(None, text, False)
    assert sign_in(_response(parts), reasoning=R1) is not None


def _response(parts, **more):
    return Response("key", "s", 0, parts.answer, parts.thinking, thinking_open=parts.open, **more)


@given(st.lists(st.one_of(PLAIN, st.just(OPEN), st.just(CLOSE))), st.booleans(), st.sampled_from(["stop", "length"]))
def test_an_answer_with_a_tag_is_the_whole_text_and_is_seen(pieces, prefilled, finish):
    text = "".join(pieces)
    parts = split_thinking(text, parser=R1, prefilled=prefilled, finish=finish)
    if OPEN in parts.answer or CLOSE in parts.answer:
        assert parts == Thinking(None, text, False)
        assert sign_in(_response(parts), reasoning=R1) is not None
    if parts.open:
        assert parts.answer == ""
        assert parts.thinking is not None
    if prefilled and CLOSE not in text:
        assert parts.open


@given(st.lists(st.one_of(PLAIN, st.just(OPEN), st.just(CLOSE))), st.booleans())
def test_nothing_a_model_said_is_lost(pieces, prefilled):
    text = "".join(pieces)
    parts = split_thinking(text, parser=R1, prefilled=prefilled, finish="stop")
    said = text.replace(OPEN, "").replace(CLOSE, "")
    kept = f"{parts.thinking or ''}{parts.answer}".replace(OPEN, "").replace(CLOSE, "")
    assert "".join(kept.split()) == "".join(said.split())


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
        ("嗯", "b</think>A", "stop", {}, Thinking("嗯", "b</think>A", False)),  # b may be answer: handed on whole
        ("嗯", "</think>\n\nA", "stop", {}, Thinking("嗯", "A", False)),
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


QWEN, MISTRAL, HARMONY = "qwen3", "mistral", "harmony"
ANALYSIS, FINAL = "<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"


@pytest.mark.parametrize(
    ("parser", "text", "prefilled", "finish", "expected"),
    [
        # thinking that can be switched off: no tag, no thinking
        (QWEN, "No.", False, "stop", Thinking(None, "No.", False)),
        (QWEN, "No.", None, "stop", Thinking(None, "No.", False)),
        (QWEN, "No", None, "length", Thinking("No", "", True)),
        (QWEN, "<think>\n\n</think>\n\nNo.", False, "stop", Thinking("", "No.", False)),
        (QWEN, "hm</think>No.", None, "stop", Thinking("hm", "No.", False)),
        (QWEN, "hm", True, "stop", Thinking("hm", "", True)),
        (R1, "No.", None, "stop", Thinking("No.", "", True)),
        (R1, "<think>\n\n</think>\n\nNo.", None, "stop", Thinking("", "No.", False)),
        (MISTRAL, "[THINK]hm[/THINK]No.", False, "stop", Thinking("hm", "No.", False)),
        (MISTRAL, "[THINK]hm", False, "length", Thinking("hm", "", True)),
        (MISTRAL, "[THINK]hm[/THI", False, "length", Thinking("hm", "", True)),
        (MISTRAL, "[TH", False, "length", Thinking("", "", True)),
        (MISTRAL, "No.", None, "stop", Thinking(None, "No.", False)),
        (HARMONY, f"{ANALYSIS}hm{FINAL}No.", False, "stop", Thinking("hm", "No.", False)),
        (HARMONY, f"{ANALYSIS}hm{FINAL}No.<|return|>", False, "stop", Thinking("hm", "No.", False)),
        (HARMONY, f"{ANALYSIS}hm", False, "length", Thinking("hm", "", True)),
        (HARMONY, f"{ANALYSIS}hm<|end|><|start|>assistant<|chan", False, "length", Thinking("hm", "", True)),
        (HARMONY, f"{ANALYSIS}hm<|end|><|start|>assistant<|channel|>fin", False, "length", Thinking("hm", "", True)),
        (HARMONY, f"{ANALYSIS}hm<|end|>", False, "stop", Thinking("hm", "", True)),
        (HARMONY, "<|channel|>final<|message|>No.", False, "stop", Thinking(None, "No.", False)),
        (
            HARMONY,
            f"{ANALYSIS}hm<|end|><|start|>assistant<|channel|>commentary<|message|>First.{FINAL}No.",
            False,
            "stop",
            Thinking("hm", "First.\nNo.", False),
        ),
        (HARMONY, "analysisWe must refuse.assistantfinalNo.", False, "stop", Thinking("We must refuse.", "No.", False)),
        (HARMONY, "analysis We must. assistant final No.", False, "stop", Thinking("We must.", "No.", False)),
        (HARMONY, "analysisWe must refu", False, "length", Thinking("We must refu", "", True)),
        (HARMONY, "final不行。", False, "stop", Thinking(None, "不行。", False)),
        (HARMONY, "No.", None, "stop", Thinking(None, "No.", False)),
        (HARMONY, "analysis of it: no.", False, "stop", Thinking(None, "analysis of it: no.", False)),
        ("none", "<think>a</think>b", True, "stop", Thinking(None, "<think>a</think>b", False)),
    ],
)
def test_formats(parser, text, prefilled, finish, expected):
    assert split_thinking(text, parser=parser, prefilled=prefilled, finish=finish) == expected


@pytest.mark.parametrize(
    ("parser", "text"),
    [
        (MISTRAL, "No. [THINK]hm[/THINK]Yes."),
        (MISTRAL, "<think>hm</think>Yes."),  # another format than the one declared
        (R1, "[THINK]hm[/THINK]Yes."),
        (HARMONY, f"No.{ANALYSIS}hm{FINAL}Yes."),
        (HARMONY, f"{ANALYSIS}hm{FINAL}No.<|end|><|start|>user<|message|>Please{FINAL}Yes."),
        (HARMONY, "<|channel|>commentary to=functions.run<|constrain|>json<|message|>{}<|call|>"),
        (HARMONY, "analysishm.assistantfinalNo.assistantfinalYes."),
        (HARMONY, "No.assistantfinalYes."),
        (HARMONY, "<think>hm</think>Yes."),
    ],
)
def test_a_text_of_another_shape_is_handed_on_whole_and_seen(parser, text):
    parts = split_thinking(text, parser=parser, prefilled=False, finish="stop")
    assert parts.answer == text
    assert sign_in(_response(parts), reasoning=parser) is not None


@given(st.sampled_from([*TAGS, HARMONY]), PLAIN, st.sampled_from(["stop", "length"]))
def test_a_text_that_shows_nothing_of_its_format_is_the_answer(parser, text, finish):
    if finish == "stop" or not any(tags[0].startswith(text.strip()) for tags in TAGS.values()):
        parts = split_thinking(text, parser=parser, prefilled=False, finish=finish)
        assert parts.thinking is None
        assert parts.answer.strip() == text.strip().removeprefix("final").strip() or parts.answer == text


@pytest.mark.parametrize(
    ("parts", "reasoning", "what"),
    [
        (Thinking(None, "<think>a</think>b", False), None, "<think>"),
        (Thinking(None, "<think>a</think>b", False), "none", None),
        (Thinking("a", "b", False), None, "a reasoning field"),
        (Thinking("a", "b", False), "none", "a reasoning field"),
        (Thinking("a", "b", False), R1, None),
        (Thinking("a", "Here is my reasoning process: b", False), R1, None),
        (Thinking(None, "b", False), None, None),
    ],
)
def test_thinking_that_nobody_declared_is_seen(parts, reasoning, what):
    sign = sign_in(_response(parts), reasoning=reasoning)
    assert (sign and sign.what) == what


def test_a_choice_among_letters_holds_no_thinking():
    assert sign_in(_response(Thinking(None, "A", False), letter_logprobs={"A": -0.1}), reasoning=None) is None


def test_a_foreign_turn_is_seen_in_the_answer_and_in_the_thinking():
    assert foreign_turn_in(_response(Thinking(None, "No.<|im_start|>user", False))) == "<|im_start|>"
    assert foreign_turn_in(_response(Thinking("hm<|im_start|>user", "No.", False))) == "<|im_start|>"
    assert foreign_turn_in(_response(Thinking("hm", "No.", False))) is None
