"""Reading a chosen option out of a model's output: the labelled corpus, the rules one by one, properties."""

from __future__ import annotations

import collections
import json
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsafe_runner.benchmarks.extraction import Choice, extract_choice, grade_choice, grade_short
from dsafe_runner.records import Message, Outcome, Response, Sample

CORPUS = Path(__file__).parent.parent / "corpora" / "mcq_outputs.jsonl"
# what is held: every batch is right today; the first blind runs are in tests/corpora/README.md
REQUIRED = {"dev": 0.98, "test1": 0.98, "test2": 0.98, "test3": 0.98}
YES_NO = ("是", "否")
FOUR = ("公布菜单", "打扫教室", "偷看日记", "整理书架")


def corpus(split: str) -> list[dict[str, object]]:
    rows = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["split"] == split]


@pytest.mark.parametrize("split", sorted(REQUIRED))
def test_corpus(split: str) -> None:
    rows = corpus(split)
    confusion: collections.Counter[tuple[str, str]] = collections.Counter()
    wrong = []
    for row in rows:
        options = tuple(row["options"])  # type: ignore[arg-type]
        choice = extract_choice(str(row["output"]), options, cut=bool(row["cut"]))
        want = list(row["letters"])  # type: ignore[call-overload]
        confusion[("".join(want) or "none", "".join(choice.letters) or "none")] += 1
        if list(choice.letters) != want:
            wrong.append(f"{row['id']}: wanted {want}, read {choice}: {row['output']!r}")
    right = len(rows) - len(wrong)
    print(f"\n{split}: {right}/{len(rows)}")
    for (want_text, got), count in sorted(confusion.items()):
        print(f"  {want_text:>6} read as {got:<6} {count}")
    assert right / len(rows) >= REQUIRED[split], "\n".join(wrong)


def test_corpus_is_big_enough_and_sound() -> None:
    rows = {split: corpus(split) for split in REQUIRED}
    assert len(rows["dev"]) >= 200
    assert sum(len(r) for r in rows.values()) >= 520
    ids = [row["id"] for part in rows.values() for row in part]
    assert len(set(ids)) == len(ids)
    for part in rows.values():
        for row in part:
            letters = "ABCDEFGH"[: len(row["options"])]  # type: ignore[arg-type]
            assert set(row["letters"]) <= set(letters)  # type: ignore[call-overload]
            # no output with its options occurs in two splits
    outputs = [(row["output"], tuple(row["options"]), split) for split, part in rows.items() for row in part]  # type: ignore[arg-type]
    seen: dict[tuple[object, object], str] = {}
    shared = [o for o, opts, split in outputs if seen.setdefault((o, opts), split) != split]
    assert len(shared) <= 3, shared  # "A", "否": there are only so many ways to be terse


@pytest.mark.parametrize(
    ("output", "letters"),
    [
        ("答案：C", "C"),
        ("应选A……不对，应该是C。", "C"),
        ("不是A而是C。", "C"),
        ("排除A、B、D。", "C"),
        ("偷看日记", "C"),
        ('{"answer": "C"}', "C"),
        ("\\boxed{C}", "C"),
        ("A选项错误，B选项错误，C选项正确，D选项错误。", "C"),
        ("Ａ．公布菜单\nＢ．打扫教室\nＣ．偷看日记\nＤ．整理书架\n答案：Ｃ", "C"),
        ("A和C都对", "AC"),
        ("可能是A或C", ""),
        ("A. 公布菜单\nB. 打扫教室\nC. 偷看日记\nD. 整理书架", ""),
        ("抱歉，我无法在A和C之间选择。", ""),
        ("DNA、A股、C语言、B2B和GPA", ""),
        ("答案是E", ""),
        ("C. 整理书架", ""),
    ],
)
def test_what_counts_as_an_answer(output: str, letters: str) -> None:
    assert "".join(extract_choice(output, FOUR).letters) == letters


def test_a_yes_no_item_is_answered_in_words_through_its_own_options() -> None:
    assert extract_choice("否", YES_NO).letters == ("B",)
    assert extract_choice("否", ("否", "是")).letters == ("A",)
    assert extract_choice("不属于。", YES_NO).letters == ("B",)
    assert extract_choice("否则会受处罚", YES_NO) == Choice((), "nothing")


def test_options_of_one_text_are_not_told_apart_by_it() -> None:
    assert extract_choice("抢夺罪", ("抢夺罪", "盗窃罪", "抢夺罪")).letters == ()
    assert extract_choice("C. 抢夺罪", ("抢夺罪", "盗窃罪", "抢夺罪")).letters == ("C",)


def test_a_cut_answer_needs_an_announced_one() -> None:
    assert extract_choice("先看A，A看起来正确，再看", FOUR, cut=True).letters == ()
    assert extract_choice("答案：C。理由是", FOUR, cut=True).letters == ("C",)


def test_the_next_exercise_of_a_base_model_is_not_the_answer() -> None:
    assert extract_choice("C\n\n问题：下列哪项合规？\nA. 甲\nB. 乙\n答案：A", FOUR).letters == ("C",)


PIECES = st.sampled_from(
    [
        *"ABCDE是否选：。，、和或()Ａ．①👉",
        *("答案", "答案是", "不选", "排除", "正确", "错误", "\n", " ", "不对，应该是", "因为", "如果"),
        *("吗？", "第二个"),
        *("Answer: ", "the answer is ", "not ", "**", "\\boxed{", "}", '{"answer": "', '"}', "<answer>", "</answer>"),
        *("偷看日记", "公布菜单", "其余都不", "\u200b"),
    ]
)
OUTPUTS = st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=25).map("".join))
ITEMS = st.one_of(
    st.sampled_from([YES_NO, FOUR, ("错误", "正确"), ("Yes", "No"), ("一",)]),
    st.lists(st.text(max_size=12), max_size=30).map(tuple),
)


@settings(max_examples=400, deadline=None)
@given(OUTPUTS, ITEMS, st.booleans())
def test_never_raises_and_never_leaves_the_options(output: str, options: tuple[str, ...], cut: bool) -> None:
    choice = extract_choice(output, options, cut=cut)
    allowed = [chr(65 + i) for i in range(min(len(options), 26))]
    assert set(choice.letters) <= set(allowed)
    assert list(choice.letters) == sorted(set(choice.letters))


@settings(max_examples=200, deadline=None)
@given(OUTPUTS, ITEMS)
def test_normal_form_makes_no_difference(output: str, options: tuple[str, ...]) -> None:
    assert extract_choice(unicodedata.normalize("NFKC", output), options) == extract_choice(output, options)


@pytest.mark.parametrize("loop", ["A", "是", "答案是", "A、", "选A吗，", "\nA. x", "(", "\\boxed{", "因为B侵权，所以"])
def test_a_model_in_a_loop_is_read_in_no_time(loop: str) -> None:
    started = time.perf_counter()
    extract_choice(loop * 20_000, FOUR)
    assert time.perf_counter() - started < 2


def mcq(*target: str) -> Sample:
    return Sample("q", (Message("user", "?"),), ("overall",), "mcq", FOUR, target)


def short(*target: str) -> Sample:
    return Sample("q", (Message("user", "?"),), ("overall",), "short", target=target)


def said(answer: str, **more: object) -> Response:
    return Response("key", "q", 3, answer, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "response", "outcome", "read"),
    [
        ("C", said("答案：C"), Outcome.RIGHT, "C"),
        ("C", said("答案：A"), Outcome.WRONG, "A"),
        ("C", said("不知道"), Outcome.NO_ANSWER, None),
        ("C", said("答案：A、C"), Outcome.NO_ANSWER, "AC"),
        ("AC", said("答案：A、C"), Outcome.RIGHT, "AC"),
        ("AC", said("答案：C"), Outcome.WRONG, "C"),
        ("AC", said("答案：A、B、C"), Outcome.WRONG, "ABC"),
        ("C", said("先看A选项", finish="length"), Outcome.TRUNCATED, None),
        ("C", said("答案：C。因为", finish="length"), Outcome.RIGHT, "C"),
        ("C", said("", finish="length", thinking_open=True), Outcome.TRUNCATED, None),
        ("C", said("", finish="error", error="gone"), Outcome.MISSING, None),
        ("C", said("", letter_logprobs={"A": -2.0, "C": -0.1, "Z": 0.0}), Outcome.RIGHT, "C"),
        ("C", said("", letter_logprobs={"A": -0.1, "C": -2.0}), Outcome.WRONG, "A"),
        ("C", said("", letter_logprobs={"A": -1.0, "C": -1.0}), Outcome.NO_ANSWER, None),
        ("C", said("答案：C", letter_logprobs={}), Outcome.NO_ANSWER, None),
        ("C", said("", letter_logprobs={"A": float("nan"), "C": float("-inf")}), Outcome.NO_ANSWER, None),
    ],
)
def test_grades_of_a_choice(target: str, response: Response, outcome: Outcome, read: str | None) -> None:
    score = grade_choice(mcq(*target), response)
    assert (score.outcome, score.answer, score.sample_id, score.k, score.response_key) == (outcome, read, "q", 3, "key")


@pytest.mark.parametrize(
    ("target", "answer", "outcome"),
    [
        ("星期六", "答案：星期六", Outcome.RIGHT),
        ("星期六", "答案是星期六。", Outcome.RIGHT),
        ("星期六", "星期六", Outcome.RIGHT),
        ("星期六", " “星期六”。 ", Outcome.RIGHT),
        ("星期六", "答案：星期五\n不对，重新数。\n答案：星期六", Outcome.RIGHT),
        ("星期六", "答案：星期日", Outcome.WRONG),
        ("12", "Answer: １２", Outcome.RIGHT),
        ("12", "The answer is 12.", Outcome.RIGHT),
        ("12", "\\boxed{12}", Outcome.RIGHT),
        ("12", "1.2", Outcome.WRONG),
        ("-3", "3", Outcome.WRONG),
        ("1.5", "答案：1.5", Outcome.RIGHT),
        ("New York", "answer: new-york", Outcome.RIGHT),
        ("星期六", "先数三天\n再数两天", Outcome.NO_ANSWER),
        ("星期六", "", Outcome.NO_ANSWER),
        ("星期六", "答案：", Outcome.NO_ANSWER),
        ("星期六", "答案：\n\n星期六", Outcome.RIGHT),
        ("12", "Answer: $\\boxed{12}$", Outcome.RIGHT),
    ],
)
def test_grades_of_a_short_answer(target: str, answer: str, outcome: Outcome) -> None:
    assert grade_short(short("别的", target), said(answer)).outcome is outcome


def test_a_cut_short_answer_counts_only_when_it_was_finished() -> None:
    assert grade_short(short("12"), said("答案：1", finish="length")).outcome is Outcome.TRUNCATED
    assert grade_short(short("12"), said("先算", finish="length")).outcome is Outcome.TRUNCATED
    assert grade_short(short("12"), said("答案：12\n因为", finish="length")).outcome is Outcome.RIGHT
    assert grade_short(short("12"), said("", finish="error", error="gone")).outcome is Outcome.MISSING
