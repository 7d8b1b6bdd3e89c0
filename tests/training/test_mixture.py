"""Mixtures: what is read, what counts as the same, what is drawn, and what the manifest says."""

from __future__ import annotations

import hashlib
import json
import random

import pytest

from dsafe_runner.errors import DataError, TrainingError, UnavailableError
from dsafe_runner.records import Message
from dsafe_runner.training.mixture import mix
from dsafe_runner.training.recipe_data import Mixture, Source
from dsafe_runner.training.sources import TrainingRow, read_source, split_reply

WORDS = "公司员工在会议上提出方案时遇到很多困难我们需要先了解规定再认真执行并且向负责人报告每一步的结果和原因".strip()


def line(number, kind="safety", **other):
    rng = random.Random(f"{kind}/{number}")
    prompt = "".join(rng.choices(WORDS, k=40)) + f"第{number}题"
    row = {
        "id": f"{kind[0]}-{number}",
        "kind": kind,
        "area": "rights",
        "category": f"c{number % 2}",
        "messages": [{"role": "user", "content": prompt}],
        "thinking": f"想{number}",
        "answer": f"答{number}",
    }
    return {**row, **other}


@pytest.fixture
def write(tmp_path):
    def made(name, rows):
        path = tmp_path / name
        path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
        return path

    return made


@pytest.fixture
def three(write, tmp_path):
    """60 safety, 120 reasoning and 20 benign rows, and a recipe's place."""
    for kind, count in (("safety", 60), ("reasoning", 120), ("benign", 20)):
        write(f"{kind}.jsonl", [line(n, kind) for n in range(count)])
    return tmp_path / "recipe.yaml"


def mixture(*sources, **other):
    return Mixture.model_validate({"use": "mixture", "sources": list(sources), **other})


def of(kind, **other):
    return {"path": f"./{kind}.jsonl", "kind": kind, **other}


ALL = (of("safety"), of("reasoning"), of("benign"))


def test_all_rows_with_hashes_shares_and_areas(three, tmp_path):
    made = mix(mixture(*ALL), three, seed=1)
    assert len(made.train) == 200
    assert made.warnings == []
    manifest = made.manifest
    assert [s["rows"] for s in manifest["sources"]] == [60, 120, 20]
    raw = (tmp_path / "safety.jsonl").read_bytes()
    assert manifest["sources"][0]["sha256"] == hashlib.sha256(raw).hexdigest()
    assert manifest["kinds"]["reasoning"] == {"rows": 120, "share": 0.6}
    assert manifest["areas"] == {"rights": {"c0": 100, "c1": 100}}
    json.dumps(manifest)


def test_the_seed_alone_decides(three):
    data = mixture(of("safety", rows=30), of("reasoning"), holdout=0.1)
    first, again, other = (mix(data, three, seed=s) for s in (1, 1, 2))
    assert first == again
    assert first.manifest["sha256"] != other.manifest["sha256"]
    assert {r.id for r in first.train} != {r.id for r in other.train}


def test_a_row_keeps_its_rank_when_the_source_grows(three, write):
    few = mix(mixture(of("safety", rows=20)), three, seed=1)
    write("safety.jsonl", [line(n) for n in range(60)] + [line(n) for n in range(100, 110)])
    more = mix(mixture(of("safety", rows=30)), three, seed=1)
    assert {r.id for r in few.train} - {r.id for r in more.train} == set()


def test_weights_share_out_the_rows(three):
    made = mix(
        mixture(of("safety", weight=3.0), of("reasoning", weight=6.0), of("benign", weight=1.0), rows=100), three, 1
    )
    assert [v["rows"] for v in made.manifest["kinds"].values()] == [30, 60, 10]


def test_repeats_count_in_the_shares(three):
    made = mix(mixture(of("safety", rows=50), of("benign", repeat=2)), three, 1)
    assert made.manifest["kinds"]["benign"] == {"rows": 40, "share": 0.4444}
    assert len(made.train) == 90


def test_more_rows_than_there_are_is_an_error(three):
    with pytest.raises(TrainingError, match=r"\./benign\.jsonl: 21 rows are asked for, 20 are left"):
        mix(mixture(of("benign", rows=21)), three, 1)


def test_held_out_rows_are_never_trained_on(three):
    made = mix(mixture(of("safety"), of("benign", repeat=3), holdout=0.1), three, 1)
    assert len(made.held_out) == 8
    assert not {r.id for r in made.held_out} & {r.id for r in made.train}
    assert {r.kind for r in made.held_out} == {"safety", "benign"}


def test_the_same_prompt_counts_once_the_first_source_keeps_it(three, write):
    again = [line(0, thinking="别的", answer="别的"), line(1), line(200)]
    again[1]["messages"] = [{"role": "user", "content": " ".join(line(1)["messages"][0]["content"]) + "！"}]
    write("more.jsonl", again)
    made = mix(mixture(of("safety"), {"path": "./more.jsonl", "kind": "safety"}), three, 1)
    assert made.manifest["sources"][1] | {"sha256": ""} == {
        "name": "./more.jsonl",
        "kind": "safety",
        "revision": None,
        "sha256": "",
        "rows": 3,
        "equal": 2,
        "similar": 0,
        "taken": 1,
        "repeat": 1,
    }


def test_similar_prompts_count_once_unless_only_equal_ones_should(three, write):
    pytest.importorskip("rensa", reason="near-duplicates need rensa: pip install 'dsafe-runner[train]'")
    base = line(0)["messages"][0]["content"] * 2
    changed = base.replace(base[10:12], "别样", 1)
    write("safety.jsonl", [line(n, messages=[{"role": "user", "content": c}]) for n, c in enumerate((base, changed))])
    assert mix(mixture(of("safety")), three, 1).manifest["sources"][0]["similar"] == 1
    assert len(mix(mixture(of("safety"), near_duplicates=None), three, 1).train) == 2
    assert len(mix(mixture(of("safety"), near_duplicates=0.99), three, 1).train) == 2


def test_warns_outside_the_ranges_of_the_literature(three, write):
    write("safety.jsonl", [line(n, thinking="" if n < 4 else "想") for n in range(60)])
    found = mix(mixture(of("safety"), of("reasoning", rows=40), of("benign", rows=4)), three, 1).warnings
    assert len(found) == 3
    assert found[0].startswith("38% of the rows are reasoning; under 50%")
    assert found[1].startswith("4% of the rows are benign look-alikes; 5% to 10%")
    assert found[2].startswith("4 of 60 safety rows have no thinking")


@pytest.mark.parametrize(
    ("row", "columns", "expected"),
    [
        (
            {
                "messages": [
                    {"role": "user", "content": "问"},
                    {"role": "assistant", "content": "<think>\n想</think>\n答"},
                ]
            },
            None,
            ("问", "想", "答"),
        ),
        ({"q": "问", "response": "想\n</think>\n答"}, {"prompt": "q", "response": "response"}, ("问", "想", "答")),
        ({"q": "问", "a": "答", "cot": " 想 "}, {"prompt": "q", "answer": "a", "thinking": "cot"}, ("问", "想", "答")),
        (
            {"conversations": [{"from": "human", "value": "问"}, {"from": "gpt", "value": "答"}]},
            {"messages": "conversations"},
            ("问", "", "答"),
        ),
    ],
)
def test_rows_of_other_shapes(write, tmp_path, row, columns, expected):
    write("x.jsonl", [row])
    source = Source.model_validate({"path": "./x.jsonl", "kind": "safety", "columns": columns})
    (found,) = read_source(source, tmp_path / "r.yaml").rows
    assert (found.messages[-1].content, found.thinking, found.answer) == expected


def test_earlier_turns_stay(write, tmp_path):
    turns = [("system", "你是助手"), ("user", "一"), ("assistant", "二"), ("user", "三")]
    write("x.jsonl", [line(0, messages=[{"role": r, "content": c} for r, c in turns])])
    (found,) = read_source(Source(path="./x.jsonl", kind="safety"), tmp_path / "r.yaml").rows
    assert [(m.role, m.content) for m in found.messages] == turns


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([], "holds no rows"),
        ([line(0, kind="benign")], r"x\.jsonl:1: the row is of kind 'benign', its source of kind 'safety'"),
        ([line(0), line(1, answer=" ")], r"x\.jsonl:2: the row has no answer"),
        ([line(0, answer=3)], "no text in 'answer'"),
        ([line(0, messages="问")], "no list of turns"),
        ([line(0, messages=[{"role": "tool", "content": "x"}])], "a turn needs a role"),
        ([line(0, messages=[{"role": "assistant", "content": "x"}], answer="y")], "does not end with a user turn"),
        ([["x"]], "not a JSON object"),
    ],
)
def test_rows_that_are_not_of_the_shape_are_named_by_their_line(write, tmp_path, rows, what):
    write("x.jsonl", rows)
    with pytest.raises(DataError, match=what):
        read_source(Source(path="./x.jsonl", kind="safety"), tmp_path / "r.yaml")


def test_parquet_and_a_hub_data_set_give_the_same_rows(write, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow: pip install 'dsafe-runner[train]'")
    pytest.importorskip("datasets", reason="needs datasets: pip install 'dsafe-runner[train]'")
    import pyarrow

    rows = [line(n) for n in range(3)]
    write("x.jsonl", rows)
    (tmp_path / "set").mkdir()
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "x.parquet")
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "set" / "train.parquet")
    revision = "0" * 40  # a local folder stands for the hub here; it has no revisions
    sources = [
        Source(path="./x.jsonl", kind="safety"),
        Source(path="./x.parquet", kind="safety"),
        Source(hub=str(tmp_path / "set"), revision=revision, kind="safety"),
    ]
    read = [read_source(s, tmp_path / "r.yaml").rows for s in sources]
    texts = [[(r.messages, r.thinking, r.answer, r.id) for r in rows] for rows in read]
    assert texts[0] == texts[1] == texts[2]


def test_what_is_not_there_is_unavailable(tmp_path):
    with pytest.raises(UnavailableError, match="cannot be read"):
        read_source(Source(path="./absent.jsonl", kind="safety"), tmp_path / "r.yaml")


@pytest.mark.parametrize(
    ("reply", "halves"),
    [
        ("<think>\n想\n</think>\n\n答", ("想", "答")),
        ("想</think>答", ("想", "答")),
        ("答", ("", "答")),
        ("<think>\n\n</think>\n\n答", ("", "答")),
    ],
)
def test_replies_split_where_the_thinking_ends(reply, halves):
    assert split_reply(reply) == halves


@pytest.mark.parametrize(
    "texts",
    [
        ("计算 7+4", "计算 7-4", "计算 7*4", "计算 7/4"),
        ("Solve $y^2-5y+6=0$ for y.", "Solve $y^2+5y-6=0$ for y."),
        ("若 m>n 则成立吗？", "若 m<n 则成立吗？", "若 m=n 则成立吗？"),
        ("求 |-8| 的值", "求 |8| 的值"),
        ("把 2.75 约到整数", "把 275 约到整数", "把 27.5 约到整数"),
        ("求在[2,5)上的最大值", "求在(2,5]上的最大值"),
        (r"化简 $\frac{a}{b}$", r"化简 $\sqrt{a}{b}$"),
        (
            "一辆货车从甲地开往乙地，前两小时每小时行驶六十千米，后来遇上大雨，每小时只能行驶四十千米，又开了三小时才到，"
            "问甲乙两地相距多少千米？" * 2,
            "一辆货车从甲地开往乙地，前两小时每小时行驶七十千米，后来遇上大雨，每小时只能行驶四十千米，又开了三小时才到，"
            "问甲乙两地相距多少千米？" * 2,
        ),
    ],
)
def test_problems_that_differ_in_numbers_or_signs_are_kept(texts):
    pytest.importorskip("rensa", reason="needs rensa")
    from dsafe_runner.training.dedup import deduplicate

    rows = [
        TrainingRow(str(n), f"f:{n}", "reasoning", (Message("user", text),), "想", "答") for n, text in enumerate(texts)
    ]
    assert deduplicate(rows, 0.85).kept == list(range(len(texts)))


def test_a_problem_that_is_only_spaced_otherwise_counts_once():
    from dsafe_runner.training.dedup import deduplicate

    texts = ("Solve y^2 - 5y + 6 = 0, for Y.", "solve ｙ^2-5y+6=0 for y", "Solve: y^2-5y+6=0 for y ?")
    rows = [
        TrainingRow(str(n), f"f:{n}", "reasoning", (Message("user", text),), "想", "答") for n, text in enumerate(texts)
    ]
    assert deduplicate(rows, None).exact == {1: 0, 2: 0}
