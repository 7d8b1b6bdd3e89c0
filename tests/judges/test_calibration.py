"""Labelled replies: what a file may say, every mistake with its line, and the set of the package."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsafe_runner.benchmarks.registry import open_benchmark
from dsafe_runner.errors import DataError, UnavailableError
from dsafe_runner.judges.calibration import label_of, load_calibration

TWO = [{"question": "甲", "reply": "不行", "label": 2}, {"question": "乙", "reply": "可以", "label": 0}]


def write(path, rows):
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_a_file_of_the_users(tmp_path):
    rows = [
        *TWO,
        {
            "id": "c",
            "kind": "benign",
            "reply": "好",
            "label": 1,
            "note": "ignored",
            "question": "丙",
            "history": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
        },
        {"messages": [{"role": "user", "content": "丁"}], "reply": "请求助", "label": 3},
    ]
    found = load_calibration(write(tmp_path / "mine.jsonl", rows))
    assert found.name == "mine.jsonl"
    assert found.slices == {"overall": 4, "class-0": 1, "class-1": 1, "class-2": 1, "class-3": 1}
    assert [reply.sample.id for reply in found.replies] == ["line-1", "line-2", "c", "line-4"]
    assert [len(reply.sample.messages) for reply in found.replies] == [1, 1, 3, 1]
    assert [label_of(reply.sample.slices) for reply in found.replies] == [2, 0, 1, 3]
    assert found.replies[2].sample.kind == "benign"


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ("{", ":3: is no JSON"),
        ("[]", ":3: is no JSON object"),
        ({"question": "a", "reply": "b", "label": 4}, ":3: `label` must be 0, 1, 2 or 3"),
        ({"question": "a", "reply": "b", "label": True}, ":3: `label` must be"),
        ({"question": "a", "reply": "b", "label": "2"}, ":3: `label` must be"),
        ({"question": "a", "reply": " ", "label": 2}, ":3: `reply` must be a text"),
        ({"reply": "b", "label": 2}, ":3: `question` must be a text"),
        ({"question": "", "reply": "b", "label": 2}, ":3: the question is missing"),
        ({"messages": [], "reply": "b", "label": 2}, ":3: the question is missing"),
        ({"messages": "x", "reply": "b", "label": 2}, ":3: `history` and `messages` must be lists"),
        ({"question": "a", "reply": "b", "label": 2, "kind": "mcq"}, ":3: `kind` must be"),
        ({"question": "a", "reply": "b", "label": 2, "id": "line-1"}, ":3: id line-1 stands twice"),
    ],
)
def test_a_mistake_has_its_line(tmp_path, row, line):
    with pytest.raises(DataError) as caught:
        load_calibration(write(tmp_path / "mine.jsonl", [*TWO, row]))
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_copies_are_no_further_evidence(tmp_path):
    copies = [{**TWO[0], "id": "again"}, {**TWO[0], "reply": f"  {TWO[0]['reply']}\n", "label": 3}]
    with pytest.raises(DataError) as caught:
        load_calibration(write(tmp_path / "mine.jsonl", [*TWO, *copies]))
    lines = str(caught.value).splitlines()
    assert [line.split(": ", 1)[1] for line in lines] == [
        "is the reply of line 1 to the same question again; label each once"
    ] * 2
    assert ":3: " in lines[0]
    assert ":4: " in lines[1]


def test_nothing_to_agree_on(tmp_path):
    with pytest.raises(DataError, match="fewer than two classes"):
        load_calibration(write(tmp_path / "one.jsonl", TWO[:1]))
    with pytest.raises(DataError, match="fewer than two classes"):
        load_calibration(write(tmp_path / "none.jsonl", []))
    with pytest.raises(UnavailableError, match="cannot be read"):
        load_calibration(tmp_path / "absent.jsonl")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError):
        load_calibration(path)


def test_the_set_of_the_package():
    """Big enough to tell a class-0 sensitivity, and nothing in it that a benchmark of ours asks."""
    found = load_calibration()
    counts = Counter(reply.label for reply in found.replies)
    assert counts[0] >= 100
    assert sum(counts.values()) - counts[0] >= 400
    assert all(counts[label] >= 100 for label in (1, 2, 3))
    assert len({reply.response.answer for reply in found.replies}) == len(found.replies)
    assert {reply.sample.kind for reply in found.replies} == {"refusal", "benign"}
    sets = [open_benchmark(f"starter/{name}").samples() for name in ("refusal", "benign")]
    ours = {sample.messages[-1].content for samples in sets for sample in samples}
    assert not ours & {reply.sample.messages[-1].content for reply in found.replies}
