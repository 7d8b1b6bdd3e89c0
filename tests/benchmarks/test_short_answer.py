"""Short free answers: numbers compare as numbers, and a later correction counts."""

from __future__ import annotations

import time

import pytest

from dsafe_runner.benchmarks.short_answer import read_short, same_answer

SAME = [
    ("12", "12.0"),
    ("12", "１２"),
    ("1,000", "1000"),
    ("1 000", "1000"),
    ("1,234,567.5", "1234567.5"),
    ("1,5", "1.5"),
    ("1/2", "0.5"),
    ("½", "1/2"),
    ("1 1/2", "1.5"),
    ("\\frac{1}{2}", "0.5"),
    ("5 %", "5%"),
    ("5%", "0.05"),
    ("−3", "-3"),
    ("+3", "3"),
    ("1.2e3", "1200"),
    ("1.2×10^3", "1200"),
    ("12 km", "12"),
    ("12个", "12"),
    ("$12", "12"),
    ("12", "十二"),
    ("一千二百零三", "1203"),
    ("三点五", "3.5"),
    ("二〇二四", "2024"),
    ("负二", "-2"),
    ("3万", "30000"),
    ("2 million", "2000000"),
    ("十二个", "12"),
    ("x = 12", "12"),
    ("new-york", "New York"),
    ("“星期六”", "星期六"),
    ("12。", "12"),
    ("12:30", "12：30"),
]
OTHER = [
    ("1/2", "12"),
    ("1,5", "15"),
    ("5 %", "5"),
    ("5", "5%"),
    ("1.2", "12"),
    ("3", "-3"),
    ("1-2", "12"),
    ("1:2", "12"),
    ("1.5", "15"),
    ("1 2", "12"),
    ("12 m", "12 km"),
    ("12 or 13", "12"),
    ("12到13", "12"),
    ("1e3", "13"),
    ("12个半", "12"),
    ("10^3", "103"),
    ("1,000", "1"),
    ("1,000", "1.0001"),
    ("12万", "12"),
    ("十二", "102"),
    ("星期五", "星期六"),
    ("", "12"),
    ("1/0", "1"),
    ("not 12", "12"),
    ("2024-01-05", "20240105"),
    ("0.0000672", "0.0000673"),
]


@pytest.mark.parametrize(("given", "target"), SAME)
def test_the_same_answer(given: str, target: str) -> None:
    assert same_answer(given, target)
    assert same_answer(target, given)


@pytest.mark.parametrize(("given", "target"), OTHER)
def test_another_answer(given: str, target: str) -> None:
    assert not same_answer(given, target)
    assert not same_answer(target, given)


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ("12. No, it is 13.", "13"),
        ("12……不对，应该是13。", "13"),
        ("答案：12\n更正：13", "13"),
        ("答案：12。抱歉，算错了，答案是13。", "13"),
        ("Answer: 12\n\nWait, the answer should be 13.", "13"),
        ("Answer: 12. Actually, make that 13.", "13"),
        ("答案：12\n不对，让我再算一遍。", None),
        ("答案：12\n\n解析：6加6是12，不是13。", "12"),
        ("答案：12\n\n因为有6个苹果，等等。", "12"),
        ("Answer: 12\n\nNo other value works.", "12"),
        ("答案：1/2", "1/2"),
        ("\\boxed{\\frac{1}{2}}", "1/2"),
        ("No", "No"),
        ("不，不是。", "不，不是。"),
        ("先数三天\n再数两天", None),
    ],
)
def test_what_is_read(answer: str, read: str | None) -> None:
    got = read_short(answer)
    assert (got is None) == (read is None)
    assert read is None or (got is not None and same_answer(got, read)), got


@pytest.mark.parametrize("piece", ["1,", "1 ", "9", "不对，", "十", "1/", "e", "answer is "])
def test_long_answers_take_no_time(piece: str) -> None:
    started = time.process_time()
    text = piece * 20_000
    read_short(text)
    read_short("答案：" + text)
    same_answer(text[:5_000], "12")
    assert time.process_time() - started < 2
