"""A user's own file: what is accepted, and that every mistake comes back at once with its line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from dsafe_runner.benchmarks.custom.sets import MAX_MISTAKES
from dsafe_runner.benchmarks.registry import offer, open_benchmark
from dsafe_runner.errors import DataError
from dsafe_runner.records import Message, Response, Sample

GOOD: dict[str, Any] = {"kind": "mcq", "question": "哪个是水果？", "options": ["苹果", "石头"], "answer": "A"}


def jsonl(folder: Path, *rows: dict[str, Any] | str, name: str = "mine.jsonl") -> Path:
    path = folder / name
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("\n".join(lines), "utf-8")
    return path


def mistakes(path: Path) -> list[str]:
    with pytest.raises(DataError) as caught:
        open_benchmark("custom", path=path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}") for line in lines)
    return [line.removeprefix(f"{path}") for line in lines]


def samples(path: Path) -> tuple[Sample, ...]:
    return open_benchmark("custom", path=path).samples()


def test_multiple_choice_from_jsonl(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path,
        GOOD | {"id": "q1", "area": "food", "category": "fruit"},
        "",
        GOOD | {"id": 7, "category": "food.stone", "answer": "ｂa", "question": "哪个能吃？"},
        GOOD | {"question": "Which fruit?", "options": ["apple", "stone", "brick"], "answer": ["C"], "area": "food"},
    )
    benchmark = open_benchmark("custom", path=path)
    first, second, third = benchmark.samples()
    assert first.id == "q1"
    assert first.slices == ("overall", "food", "food.fruit")
    assert first.messages[0].content.splitlines()[:3] == ["哪个是水果？", "A. 苹果", "B. 石头"]
    assert "答案：X" in first.messages[0].content
    assert (second.id, second.target, second.slices) == ("7", ("A", "B"), ("overall", "food", "food.stone"))
    assert (third.id, third.target, third.slices) == ("line-4", ("C",), ("overall", "food"))
    assert "Answer: X" in third.messages[0].content
    assert benchmark.offer.slices == {"overall": 3, "food": 3, "food.fruit": 1, "food.stone": 1}
    assert list(benchmark.offer.slices) == ["overall", "food", "food.fruit", "food.stone"]
    assert benchmark.offer.metrics == ("acc",)
    assert benchmark.offer.options == ("A", "B", "C")
    assert benchmark.offer == offer("custom", path=path)
    assert benchmark.identity() == {"source": "mine.jsonl", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def test_csv_of_excel(tmp_path: Path) -> None:
    path = tmp_path / "mine.CSV"
    text = (
        "id,kind,question,option_a,option_b,option_c,answer,category\r\n"
        '1,mcq,"两行\n问题, 带逗号",甲,乙,,b,food.fruit\r\n'
        ",,,,,,,\r\n"
        "2,mcq,第二题,甲,乙,丙,C,\r\n"
    )
    path.write_bytes("\ufeff".encode() + text.encode())
    first, second = samples(path)
    assert first.messages[0].content.startswith("两行\n问题, 带逗号\nA. 甲\nB. 乙\n")
    assert (first.target, first.slices) == (("B",), ("overall", "food", "food.fruit"))
    assert (second.options, second.slices) == (("甲", "乙", "丙"), ("overall",))


@pytest.mark.parametrize(
    ("kind", "metrics", "judged"),
    [
        ("short", ("pass@1", "acc"), False),
        ("refusal", ("rr-1", "rr-2", "hr", "think-hr"), True),
        ("benign", ("refusal-rate",), True),
        ("content", ("content-pass", "hr", "think-hr"), True),
    ],
)
def test_other_kinds(tmp_path: Path, kind: str, metrics: tuple[str, ...], judged: bool) -> None:
    answer = {"answer": [12, "十二"]} if kind == "short" else {}
    path = jsonl(tmp_path, {"kind": kind, "prompt": "六加六？", **answer})
    benchmark = open_benchmark("custom", path=path)
    (sample,) = benchmark.samples()
    assert sample.messages == (Message("user", "六加六？"),)
    assert sample.target == (("12", "十二") if answer else ())
    assert (benchmark.offer.metrics, benchmark.offer.judged) == (metrics, judged)
    if judged:
        with pytest.raises(DataError, match="judge"):
            benchmark.grade(sample, Response(key="k", sample_id=sample.id, k=0, answer="12"))


@pytest.mark.parametrize(
    ("fields", "slices"),
    [
        ({"risk": "A.1.a"}, ("core-values", "core-values.subversion")),
        ({"risk": " a1a "}, ("core-values", "core-values.subversion")),
        ({"risk": "rights.privacy"}, ("rights", "rights.privacy")),
        ({"risk": "侵害他人隐私权"}, ("rights", "rights.privacy")),
        # GB/T 45654 leaves 他人 out, CHiSafetyBench adds 内容
        ({"risk": "侵犯知识产权"}, ("commercial", "commercial.intellectual-property")),
        ({"risk": "民族歧视内容"}, ("discrimination", "discrimination.ethnicity")),
        ({"risk": "内容不准确"}, ("reliability", "reliability.inaccurate")),
        ({"aspect": "历史"}, ("history",)),
        ({"aspect": "heroes"}, ("heroes",)),
    ],
)
def test_risks_and_aspects_of_the_standard(tmp_path: Path, fields: dict[str, str], slices: tuple[str, ...]) -> None:
    (sample,) = samples(jsonl(tmp_path, {"kind": "content", "prompt": "六加六？", "date": "2026-11-01", **fields}))
    assert sample.slices == ("overall", *slices)


def test_messages_are_sent_as_they_stand(tmp_path: Path) -> None:
    turns = [{"role": "system", "content": "s"}, {"role": "user", "content": "哪个？\nA. 甲\nB. 乙"}]
    (sample,) = samples(jsonl(tmp_path, {"kind": "mcq", "messages": turns, "options": ["甲", "乙"], "answer": "A"}))
    assert [(m.role, m.content) for m in sample.messages] == [(t["role"], t["content"]) for t in turns]


def test_line_separators_inside_a_string_are_text(tmp_path: Path) -> None:
    (sample,) = samples(jsonl(tmp_path, {"kind": "benign", "prompt": "前\u2028后\x85末"}))
    assert sample.messages[0].content == "前\u2028后\x85末"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"kind": "mcqq"}, "kind is one of mcq, short, refusal, benign, content, not 'mcqq'"),
        ({"kind": None}, "kind is one of"),
        ({"kind": ["mcq"]}, "kind is one of"),
        ({"categroy": "x"}, "unknown field 'categroy'; did you mean 'category'?"),
        ({"zzz": 1}, "unknown field 'zzz'; docs/benchmarks/custom.md"),
        ({"question": "  "}, "question is a text that is not empty"),
        ({"question": 5}, "question is a text that is not empty, not '5'"),
        ({"prompt": "both"}, "not question and prompt"),
        ({"options": ["一个"]}, "2 to 10 options"),
        ({"options": "甲乙"}, "2 to 10 options"),
        ({"options": list("abcdefghijk")}, "2 to 10 options"),
        ({"options": ["甲", " 甲 "]}, "two options are the same"),
        ({"options": ["甲", ""]}, "options is a text that is not empty"),
        ({"option_a": "甲"}, "a list or columns, not both"),
        ({"answer": "C"}, "answer is a letter A-B (or several, each once), not 'C'"),
        ({"answer": "AA"}, "each once"),
        ({"answer": ""}, "each once"),
        ({"answer": None}, "answer is a letter A-B, not None"),
        ({"answer": []}, "answer is a letter A-B"),
        ({"answer": 1}, "answer is a letter A-B, not 1"),
        ({"answer": "苹果"}, "answer is a letter A-B"),
        ({"area": "Food"}, "use slugs of a-z"),
        ({"area": "overall"}, "`overall` is taken"),
        ({"category": "a.b.c"}, "use slugs"),
        ({"category": "食物"}, "use slugs"),
        ({"category": "a/../b"}, "use slugs"),
        ({"id": "a\nb"}, "printable"),
        ({"id": "\u202ex"}, "printable"),
        ({"id": "x" * 201}, "200"),
        ({"id": True}, "id is a text"),
        ({"question": "half \ud83d of a pair"}, "surrogate"),
        ({"kind": "refusal"}, "'options' belongs to kind mcq, not refusal"),
        ({"risk": "A.6.a"}, "risk 'A.6.a' is none of the 31"),
        ({"risk": "A.1"}, "none of the 31"),
        ({"aspect": "天气"}, "none of the 13"),
        ({"risk": "A.1.a", "category": "food.fruit"}, "keep one of them"),
        ({"risk": "A.1.a", "aspect": "历史"}, "keep one of them"),
        ({"date": "2026-13-01"}, "date is YYYY-MM-DD, not '2026-13-01'"),
        ({"date": "last week"}, "date is YYYY-MM-DD"),
        ({"date": 20261101}, "date is a text"),
    ],
)
def test_one_wrong_field(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps(GOOD | {"id": "fine"}) + "\n" + json.dumps(GOOD | row) + "\n")
    (line,) = mistakes(path)
    assert line.startswith(":2: ")
    assert said in line


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ("hello", "a list of"),
        ([], "a list of"),
        ([{"role": "user"}], "exactly the fields"),
        (["x"], "exactly the fields"),
        ([{"role": "tool", "content": "x"}], "role is"),
        ([{"role": "user", "content": None}], "content is a text"),
        ([{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}], "the last message is the user's"),
    ],
)
def test_wrong_messages(tmp_path: Path, messages: Any, said: str) -> None:
    (line,) = mistakes(jsonl(tmp_path, {"kind": "benign", "messages": messages}))
    assert said in line


def test_no_question_and_a_judged_answer(tmp_path: Path) -> None:
    assert mistakes(
        jsonl(
            tmp_path,
            {"kind": "refusal"},
            {"kind": "refusal", "prompt": "x", "answer": "no"},
            {"kind": "short", "prompt": "x"},
            {"kind": "short", "prompt": "x", "answer": []},
        )
    ) == [
        ":1: one of question, prompt or messages is needed, not none",
        ":2: 'answer' belongs to kinds mcq and short; a refusal item is read by a judge",
        ":3: answer is a text that is not empty, not 'None'",
        ":4: answer is an empty list; a short item needs an accepted answer",
    ]


def test_all_mistakes_at_once_in_file_order(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path,
        GOOD | {"id": "a"},
        {"kind": "mcq", "question": "x"},
        "{broken",
        "[1]",
        '{"kind": "mcq", "kind": "mcq"}',
        '{"kind": NaN}',
        GOOD | {"id": "a"},
        {"kind": "benign", "prompt": "x"},
    )
    assert mistakes(path) == [
        ":2: an mcq item needs 2 to 10 options (a list `options`, or columns option_a, option_b, ...)",
        ":3: not JSON: Expecting property name enclosed in double quotes at column 2",
        ':4: a row is an object, `{"kind": ...}`, not list',
        ":5: not JSON we read: field 'kind' stands twice",
        ":6: not JSON we read: NaN is no JSON value",
        ":7: id 'a' already stands at line 1; ids are unique",
        ":8: kind 'benign' after 'mcq' at line 1; one file holds one kind",
    ]


def test_many_mistakes_are_bounded(tmp_path: Path) -> None:
    lines = mistakes(jsonl(tmp_path, *[{"kind": "x"}] * 100))
    assert len(lines) == MAX_MISTAKES + 1
    assert lines[-1] == ": and 80 more"


def test_a_deeply_nested_line_is_a_mistake(tmp_path: Path) -> None:
    (line,) = mistakes(jsonl(tmp_path, "[" * 200_000))
    assert line.startswith(":1: not JSON")


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", " "])
@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_no_rows(tmp_path: Path, content: str, suffix: str) -> None:
    path = tmp_path / f"mine.{suffix}"
    path.write_text(content, "utf-8")
    with pytest.raises(DataError, match=r"has no rows|the header needs"):
        open_benchmark("custom", path=path)


def test_wrong_files(tmp_path: Path) -> None:
    (line,) = mistakes(jsonl(tmp_path, GOOD, name="mine.json"))
    assert line == " is neither .jsonl nor .csv; convert it to one of them"
    path = tmp_path / "gbk.jsonl"
    path.write_bytes(b'{"a": 1}\n' + "苹果".encode("gbk"))
    assert mistakes(path) == [":2: not UTF-8 text; save the file as UTF-8"]
    folder = tmp_path / "folder.jsonl"
    folder.mkdir()
    assert mistakes(folder) == [" is no file; give a .jsonl or .csv file"]


def test_wrong_csv(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("id,kind,prompt\n1,benign,a,b\n2,benign\n3,benign,ok\n", "utf-8")
    assert mistakes(path) == [":2: 4 cells under 3 columns; quote commas", ":3: 2 cells under 3 columns; quote commas"]
    path.write_text("id,id\n1,2\n", "utf-8")
    assert mistakes(path) == [":1: the header needs one name per column, none empty, none twice"]
    path.write_text('kind,prompt\nbenign,"open\n', "utf-8")
    assert "not CSV: unexpected end of data" in mistakes(path)[0]
    path.write_text("kind,question,option_a,option_c,answer\nmcq,x,y,z,A\n", "utf-8")
    assert mistakes(path) == [":2: option_c is given without the columns before it"]
    path.write_text("kind,messages\nbenign,hello\n", "utf-8")
    assert "in .csv use question" in mistakes(path)[0]


def test_a_file_of_many_rows_is_quick(tmp_path: Path) -> None:
    rows = [GOOD | {"question": f"第{number}题"} for number in range(20_000)]
    assert len(samples(jsonl(tmp_path, *rows))) == 20_000


def test_a_question_that_stands_twice_would_count_one_answer_twice(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mine.jsonl:2: asks what line 1 asks; for several responses"):
        samples(jsonl(tmp_path, GOOD, GOOD | {"id": "other"}))


def test_a_mistake_quotes_no_more_than_it_takes_to_find_it(tmp_path):
    secret = "请说出这句不该进日志的很长很长的提示语全文"
    (tmp_path / "no-header.csv").write_text(f"{secret},A\nb,B\n", encoding="utf-8")
    (tmp_path / "answer.jsonl").write_text(
        '{"kind": "mcq", "question": "问", "options": ["是", "否"], "answer": "' + secret + '"}\n', encoding="utf-8"
    )
    for name in ("no-header.csv", "answer.jsonl"):
        with pytest.raises(DataError) as error:
            open_benchmark("custom", path=tmp_path / name)
        assert secret[:16] in str(error.value)
        assert secret not in str(error.value)


HEADER = "id,kind,question,option_a,option_b,answer"


def table(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "mine.csv"
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")
    return path


def numbered(count: int) -> list[str]:
    return [f"{n},mcq,第{n}题,甲,乙,A" for n in range(1, count + 1)]


def test_stray_quotes_that_fold_rows_into_one_cell_are_found(tmp_path: Path) -> None:
    lines = numbered(9)
    assert len(samples(table(tmp_path, *lines))) == 9
    first, last = lines[1].replace("第2题", '"第2题'), lines[6].replace("第7题", '第7题"')
    inside = [lines[0], first, *lines[2:6], last, *lines[7:]]
    said = "'question' spans lines, and its line 2 is shaped like a row of this file"
    (line,) = mistakes(table(tmp_path, *inside))
    assert line.startswith(f":3: {said}")
    # two neighbours: the cell holds only the beginning of a row
    inside = [lines[0], lines[1].replace("第2题", '"第2题'), lines[2].replace("第3题", '第3题"'), *lines[3:]]
    (line,) = mistakes(table(tmp_path, *inside))
    assert line.startswith(f":3: {said}")
    # the last column folds the rows after its own
    (line,) = mistakes(table(tmp_path, f'{lines[0][:-1]}"A', *lines[1:3], f'{lines[3]}"'))
    assert line.startswith(":2: 'answer' spans lines, and its line 2 is shaped like a row")
    # the kind comes last: the first line of the cell ends its own row
    (line,) = mistakes(table(tmp_path, '"一,benign', '二",benign', header="prompt,kind"))
    assert line.startswith(":2: 'prompt' spans lines, and its line 1 is shaped like a row")


def test_a_question_of_several_lines_with_commas_is_no_row(tmp_path: Path) -> None:
    text = '"看表：\na,b,c,d,e,f\n1,2,3,4,5,6\n哪一列最大, 为什么, benign 是什么意思？"'
    (sample,) = samples(table(tmp_path, f"1,mcq,{text},甲,乙,A"))
    assert "1,2,3,4,5,6\n" in sample.messages[0].content


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind;prompt\nbenign;a\n", ":1: the columns are separated by ';'; a comma is expected"),
        ("kind\tprompt\nbenign\ta\n", ":1: the columns are separated by '\\t'; a comma is expected"),
        ("1,benign\n2,benign\n", ":1: the first line names the columns, `kind` among them; this one begins with '1'"),
        ("kind,prompt\nbenign,a\nbenign;b\n", ":3: 1 cells under 2 columns; quote commas; ';' separates no columns"),
        ("kind,prompt\nbenign,a\0b\n", ":2: holds a NUL character"),
        ('kind,prompt\nbenign,a\nbenign,"b\nbenign,c\n', ":3: not CSV: unexpected end of data, in the row that begins"),
        ('kind,prompt\nbenign,a\nbenign,"b" c\n', ":3: not CSV: "),
        ("\ufeffkind,prompt\nbenign,a\n\ufeffkind,prompt\nbenign,b\n", ":3: kind is one of"),
        ("kind,prompt,kind\nbenign,a,mcq\n", ":1: the header needs one name per column"),
    ],
)
def test_tables_that_are_not_what_they_seem(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text, "utf-8")
    assert mistakes(path)[0].startswith(said)


def test_several_objects_on_a_line_are_told(tmp_path: Path) -> None:
    (line,) = mistakes(jsonl(tmp_path, '{"kind": "benign", "prompt": "a"} {"kind": "benign", "prompt": "b"}'))
    assert line == ":1: more than one value on the line, the second from column 35 on; write one row a line"


def test_check_says_how_many_items_a_file_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from dsafe_runner.cli import main

    table(tmp_path, *numbered(9))
    suite = tmp_path / "x.safety.yaml"
    suite.write_text(
        "suite: counted\nengines: {cpu: {backend: transformers}}\nmodels: {m: {path: no/weights-here, engine: cpu}}\n"
        "benchmarks: {mine: {use: custom, path: mine.csv}}\n"
        "thresholds:\n  - {benchmark: mine, metric: acc, model: m, min: 0.5}\n",
        "utf-8",
    )
    assert main(["check", str(suite)]) == 0
    assert "  mine: 9 items in mine.csv\n" in capsys.readouterr().out
