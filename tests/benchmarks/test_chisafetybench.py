"""CHiSafetyBench: every published item is read, every category mapped, every key fits; absence is said."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from dsafe_runner.benchmarks import data
from dsafe_runner.benchmarks.base import Benchmark
from dsafe_runner.benchmarks.chisafetybench import answer_key
from dsafe_runner.benchmarks.chisafetybench import sets as chisafetybench
from dsafe_runner.benchmarks.choice.question import ANSWER_LINE, clean, constant_scores, read_options
from dsafe_runner.benchmarks.registry import offer, open_benchmark
from dsafe_runner.benchmarks.taxonomy import AREAS, CATEGORIES, REFUSAL_CATEGORIES
from dsafe_runner.errors import DataError, UnavailableError
from dsafe_runner.records import Sample

MCQ, REFUSAL, HISTORY = chisafetybench.NAMES


@pytest.fixture(scope="module")
def mcq(chisafetybench_folder: Path) -> dict[str, Sample]:
    return {sample.id: sample for sample in open_benchmark(MCQ).samples()}


@pytest.fixture(scope="module")
def published(chisafetybench_folder: Path) -> list[dict[str, str]]:
    blocks = json.loads((chisafetybench_folder / "mcq.json").read_text())
    return [row for block in blocks for row in block["infos"]]


def counted(benchmark: Benchmark) -> Counter[str]:
    return Counter(name for sample in benchmark.samples() for name in sample.slices)


# ---- the options of a question, in the shapes that occur (texts are ours)


@pytest.mark.parametrize(
    ("question", "stem", "options"),
    [
        ("天是蓝的吗？\xa0\nA. 是\xa0\nB. 否", "天是蓝的吗？", ("是", "否")),
        ("判断：\nA .是\nB .否", "判断：", ("是", "否")),
        ("  选哪个()\n\nA、甲 B、乙\nC、丙\nD、丁 \n", "选哪个()", ("甲", "乙", "丙", "丁")),
        ("选哪个。 \nA．甲\nB．乙", "选哪个。", ("甲", "乙")),
        ("错误的是（）\nA.甲\nB.乙\nC丙说\nD.丁", "错误的是（）", ("甲", "乙", "丙说", "丁")),
        ("评价：\n这句话。                   A. 是\nB. 否", "评价：\n这句话。", ("是", "否")),
        ("A公司卖鞋，\nB. Go也卖鞋。\nC公司？\nA. 是\nB. 否", "A公司卖鞋，\nB. Go也卖鞋。\nC公司？", ("是", "否")),
        ("哪些？\n1.甲\n2.乙\nA. 1、2\nB. 2", "哪些？\n1.甲\n2.乙", ("1、2", "2")),
    ],
)
def test_options_are_read_in_every_shape(question: str, stem: str, options: tuple[str, ...]) -> None:
    assert read_options(clean(question)) == (stem, options)


@pytest.mark.parametrize(
    "question", ["没有选项", "只有一个\nA. 是", "A. 是\nB. 否", "空的？\nA.\nB. 否", "倒的？\nB. 否\nA. 是"]
)
def test_a_question_without_options_is_an_error(question: str) -> None:
    with pytest.raises(DataError, match="options"):
        read_options(clean(question))


# ---- the published multiple-choice set


def test_all_1567_items_are_read(mcq: dict[str, Sample], published: list[dict[str, str]]) -> None:
    assert list(mcq) == [str(row["id"]) for row in published] == [str(i) for i in range(1, 1568)]
    assert Counter(len(s.options) for s in mcq.values()) == {2: 1186, 3: 42, 4: 339}
    assert Counter(s.options for s in mcq.values()).most_common(1) == [(("是", "否"), 1167)]
    for row in published:
        sample = mcq[str(row["id"])]
        (message,) = sample.messages
        # the whole question is asked, nothing but white space changed, and our line follows
        assert message.content.endswith("\n" + ANSWER_LINE)
        asked = message.content.removesuffix(ANSWER_LINE)
        assert re.sub(r"\s+", "", asked) == re.sub(r"\s+", "", row["question"])
        assert "\xa0" not in asked
        assert all(text and "\n" not in text for text in sample.options)


def test_options_stand_in_the_question_in_their_order(mcq: dict[str, Sample]) -> None:
    for sample in mcq.values():
        asked = sample.messages[0].content
        marks = [
            re.search(rf"\s{letter}\s*[.．、]?\s*{re.escape(text)}\s", asked)
            for letter, text in zip("ABCD", sample.options, strict=False)
        ]
        assert all(marks), sample.id
        assert all(a.start() < b.start() for a, b in pairwise(marks)), sample.id


def test_the_odd_items(mcq: dict[str, Sample]) -> None:
    assert len(mcq["302"].options) == 4
    assert len(mcq["584"].options) == 4
    assert len(mcq["618"].options) == 4
    assert mcq["1070"].options == mcq["1101"].options == ("是", "否")
    # the one item whose options repeat a text: an answer by text alone is ambiguous there
    assert [s.id for s in mcq.values() if len(set(s.options)) < len(s.options)] == ["636"]
    assert {s.id: s.target for s in mcq.values() if len(s.target) > 1} == {"258": ("A", "B", "D"), "322": ("C", "D")}


def test_32_spellings_are_31_categories(published: list[dict[str, str]]) -> None:
    spellings = {row["category"] for row in published}
    assert len(spellings) == 32
    assert {chisafetybench.SPELLINGS[s] for s in spellings} == set(CATEGORIES)


def test_the_files_own_areas_are_those_of_the_taxonomy(chisafetybench_folder: Path) -> None:
    by_label = {label: area for area, (_, label) in AREAS.items()}
    for block in json.loads((chisafetybench_folder / "mcq.json").read_text()):
        areas = {chisafetybench.SPELLINGS[row["category"]].area for row in block["infos"]}
        assert areas == {by_label[block["category"]]}


def test_duplicates_are_kept_and_keyed_alike(mcq: dict[str, Sample], published: list[dict[str, str]]) -> None:
    same: dict[str, list[str]] = {}
    for row in published:
        same.setdefault(re.sub(r"\s+", "", row["question"]), []).append(str(row["id"]))
    pairs = [tuple(ids) for ids in same.values() if len(ids) > 1]
    assert pairs == [("309", "580"), ("426", "564"), ("522", "620"), ("555", "1518"), ("560", "1424"), ("799", "800")]
    for variant in answer_key.VARIANTS:
        letters = answer_key.load_key(variant).letters
        assert all(letters[int(a)] == letters[int(b)] for a, b in pairs)


# ---- the offers table, known without data


@pytest.mark.parametrize("name", chisafetybench.NAMES)
def test_the_offers_table_is_what_the_files_hold(name: str, chisafetybench_folder: Path) -> None:
    assert offer(name).slices == counted(open_benchmark(name))


def test_offers_without_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path))
    known = {name: offer(name) for name in chisafetybench.NAMES}
    assert [known[n].slices["overall"] for n in (MCQ, REFUSAL, HISTORY)] == [1567, 462, 101]
    assert [known[n].judged for n in (MCQ, REFUSAL, HISTORY)] == [False, True, True]
    assert known[MCQ].extra == ("uncontested",)
    assert known[MCQ].slices["uncontested"] == 1464
    assert [known[REFUSAL].slices[a] for a in ("discrimination", "core-values")] == [196, 266]
    assert [known[HISTORY].slices[a] for a in ("discrimination", "core-values")] == [49, 52]
    for name in (REFUSAL, HISTORY):
        assert [s for s in known[name].slices if "." in s] == [c.slice for c in REFUSAL_CATEGORIES]
        assert known[name].metrics == ("rr-1", "rr-2", "hr", "think-hr")
    assert len([s for s in known[MCQ].slices if "." in s]) == 31
    assert known[MCQ].labels["discrimination.age"] == "年龄歧视"
    benchmark = open_benchmark(MCQ)
    assert benchmark.identity()["sha256"] == data.CHISAFETYBENCH_MCQ.sha256
    with pytest.raises(UnavailableError, match="dsafe data fetch chisafetybench"):
        benchmark.samples()


def test_changed_data_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chisafetybench_folder: Path) -> None:
    changed = tmp_path / "chisafetybench"
    changed.mkdir()
    (changed / "mcq.json").write_bytes((chisafetybench_folder / "mcq.json").read_bytes() + b"\n")
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="not the published file"):
        open_benchmark(MCQ).samples()


# ---- the answer key


def test_the_shipped_key_belongs_to_the_published_questions(published: list[dict[str, str]]) -> None:
    shipped = answer_key.shipped_rows()
    assert {int(r["id"]): answer_key.question_hash(r["question"]) for r in published} == {
        i: row.question_sha256_16 for i, row in shipped.items()
    }


def test_the_shipped_key_holds_no_question_text() -> None:
    path = Path(answer_key.__file__).parents[1] / "data" / "chisafetybench_key.tsv"
    assert path.read_text("utf-8").isascii()
    assert Counter(row.status for row in answer_key.shipped_rows().values()) == {
        "agreed": 1201,
        "agreed-3": 263,
        "contested": 103,
    }


def test_key_variants_differ_only_where_they_say(mcq: dict[str, Sample]) -> None:
    keys = {name: answer_key.load_key(name).letters for name in answer_key.VARIANTS}
    discrimination = {i for i, s in mcq.items() if "discrimination" in s.slices}
    uncontested = {i for i, s in mcq.items() if "uncontested" in s.slices}
    for i, sample in mcq.items():
        letters = {name: key[int(i)] for name, key in keys.items()}
        assert "".join(sample.target) == letters["consensus"]
        assert all(set(v) <= set("ABCD"[: len(sample.options)]) for v in letters.values())
        assert letters["positive-reading"] == ("A" if i in discrimination else letters["consensus"])
        if i in uncontested:
            assert letters["literal"] == letters["consensus"]
    assert len({answer_key.load_key(name).sha256 for name in keys}) == 3


@pytest.mark.parametrize("variant", answer_key.VARIANTS)
def test_identity_says_whose_key_it_is(variant: str) -> None:
    said = open_benchmark(MCQ, key=variant).identity()
    assert said["key"].startswith(f"{variant} (ours; none is published)")
    assert said["key_sha256"] == answer_key.load_key(variant).sha256


def test_constant_answers(mcq: dict[str, Sample]) -> None:
    scores = constant_scores(mcq.values())
    assert scores["overall"] == {"A": (1011, 1567), "B": (356, 1567)}
    assert scores["commercial"]["A"] == (251, 254)
    assert scores["discrimination"] == {"A": (279, 460), "B": (181, 460)}
    positive = constant_scores(open_benchmark(MCQ, key="positive-reading").samples())
    assert positive["discrimination"] == {"A": (460, 460), "B": (0, 460)}


# ---- a key of the user's


def user_key(folder: Path, **changes: str) -> Path:
    rows = {str(i): letters for i, letters in answer_key.load_key("consensus").letters.items()} | changes
    path = folder / "mine.tsv"
    path.write_text("\ufeffnote\tanswer\tid\n" + "".join(f"x\t{a.lower()}\t{i}\n" for i, a in rows.items()), "utf-8")
    return path


def test_a_users_key_is_used_and_named(tmp_path: Path, chisafetybench_folder: Path) -> None:
    benchmark = open_benchmark(MCQ, key=str(user_key(tmp_path, **{"1": "B", "322": "DC"})))
    targets = {s.id: s.target for s in benchmark.samples()}
    assert targets["1"] == ("B",)
    assert targets["322"] == ("C", "D")
    assert benchmark.identity()["key"] == "mine.tsv (the user's)"
    assert counted(benchmark) == offer(MCQ).slices


def test_a_users_key_with_mistakes_reports_them_all(tmp_path: Path) -> None:
    path = tmp_path / "mine.tsv"
    path.write_text("id\tanswer\n1\tA\n1\tB\n2\tE\n9999\tA\nx\tA\n3\t\n4\tAA\n")
    with pytest.raises(DataError) as caught:
        open_benchmark(MCQ, key=str(path))
    lines = str(caught.value).splitlines()
    assert [line.removeprefix(f"{path}:").split(":")[0] for line in lines[:-1]] == ["3", "4", "5", "6", "7", "8"]
    # ids whose letters are wrong are not reported as missing as well
    assert "1563 of 1567 ids have no answer: 5, 6, 7" in lines[-1]


def test_many_mistakes_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "mine.tsv"
    path.write_text("id\tanswer\n" + "".join(f"{i}\tZ\n" for i in range(1, 1568)))
    with pytest.raises(DataError) as caught:
        open_benchmark(MCQ, key=str(path))
    assert len(str(caught.value).splitlines()) == answer_key.MAX_MISTAKES + 1
    assert str(caught.value).endswith("and 1547 more")


def test_a_letter_the_item_does_not_have_names_the_item(tmp_path: Path, chisafetybench_folder: Path) -> None:
    with pytest.raises(DataError, match=r"ids 1, 2$"):
        open_benchmark(MCQ, key=str(user_key(tmp_path, **{"1": "C", "2": "D"}))).samples()


@pytest.mark.parametrize(
    ("key", "error", "said"),
    [
        ("consensu", DataError, "did you mean 'consensus'"),
        ("zzz", DataError, "use consensus, literal, positive-reading, or the path"),
        ("./gone.tsv", UnavailableError, "is not there"),
    ],
)
def test_a_key_that_is_not_there(key: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        open_benchmark(MCQ, key=key)


def test_a_key_file_without_header_or_not_text(tmp_path: Path) -> None:
    path = tmp_path / "k.tsv"
    for content in (b"", b"1\tA\n", b"id,answer\n1,A\n"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=":1: the header must name"):
            open_benchmark(MCQ, key=str(path))
    path.write_bytes(b"id\tanswer\n1\t\xff\n")
    with pytest.raises(DataError, match="UTF-8"):
        open_benchmark(MCQ, key=str(path))


def test_refusal_sets_have_no_key() -> None:
    with pytest.raises(DataError, match="takes no `key`"):
        open_benchmark(REFUSAL, key="literal")


# ---- the refusal sets


def test_refusal_items(chisafetybench_folder: Path) -> None:
    samples = open_benchmark(REFUSAL).samples()
    assert [s.id for s in samples] == [str(i) for i in range(1, 463)]
    assert all([m.role for m in s.messages] == ["user"] and s.messages[0].content for s in samples)
    by_id = {s.id: s for s in samples}
    # an exact duplicate, kept for the denominator
    assert by_id["59"].messages == by_id["60"].messages
    assert {s.kind for s in samples} == {"refusal"}


def test_history_items_are_whole_conversations(chisafetybench_folder: Path) -> None:
    benchmark = open_benchmark(HISTORY)
    samples = benchmark.samples()
    assert len({s.id for s in samples}) == 101
    for sample in samples:
        roles = [m.role for m in sample.messages]
        # the published system turn, 1-7 pairs, then the question
        assert roles == ["system", *["user", "assistant"] * ((len(roles) - 2) // 2), "user"]
        assert 1 <= (len(roles) - 2) // 2 <= 7
        assert all(m.content.strip() for m in sample.messages)
    assert "system turn included" in benchmark.identity()["prompt"]


def test_the_system_turn_is_a_switch(chisafetybench_folder: Path) -> None:
    kept, dropped = (open_benchmark(HISTORY, system_turn=said) for said in ("keep", "drop"))
    assert [s.messages for s in kept.samples()] == [s.messages for s in open_benchmark(HISTORY).samples()]
    for whole, rest in zip(kept.samples(), dropped.samples(), strict=True):
        assert (rest.id, rest.slices, rest.messages) == (whole.id, whole.slices, whole.messages[1:])
        assert {m.role for m in rest.messages} == {"user", "assistant"}
    assert (kept.identity()["system_turn"], dropped.identity()["system_turn"]) == ("keep", "drop")
    assert "left out" in dropped.identity()["prompt"]


@pytest.mark.parametrize(("use", "said"), [(REFUSAL, "drop"), (MCQ, "keep"), (HISTORY, "remove")])
def test_a_system_turn_that_is_none(use: str, said: str) -> None:
    with pytest.raises(DataError, match="system_turn"):
        open_benchmark(use, system_turn=said)


def test_judged_sets_do_not_grade_themselves(chisafetybench_folder: Path) -> None:
    from dsafe_runner.records import Response

    benchmark = open_benchmark(REFUSAL)
    sample = benchmark.samples()[0]
    with pytest.raises(DataError, match="judge"):
        benchmark.grade(sample, Response(key="k", sample_id=sample.id, k=0, answer="不"))
