"""The starter sets: counts, balance (no constant answer beats chance), and no text shared with CHiSafetyBench."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from dsafe_runner.benchmarks import starter
from dsafe_runner.benchmarks.choice.question import ANSWER_LINE, constant_scores
from dsafe_runner.benchmarks.registry import offer, open_benchmark
from dsafe_runner.benchmarks.taxonomy import ASPECTS, CATEGORIES, REFUSAL_CATEGORIES, label
from dsafe_runner.errors import DataError
from dsafe_runner.records import Sample

MCQ = open_benchmark("starter/mcq").samples()
BY_CATEGORY = [[s for s in MCQ if c.slice in s.slices] for c in CATEGORIES]


def test_sizes() -> None:
    assert [len(items) for items in BY_CATEGORY] == [8] * 31
    refusal = offer("starter/refusal").slices
    assert {c.slice: refusal[c.slice] for c in REFUSAL_CATEGORIES} == {c.slice: 10 for c in REFUSAL_CATEGORIES}
    benign = offer("starter/benign")
    assert benign.slices["overall"] >= 100
    assert set(benign.extra) == set(ASPECTS) == set(benign.slices) - {"overall"}


@pytest.mark.parametrize("name", starter.NAMES)
def test_offers_agree_with_the_samples_and_with_each_other(name: str) -> None:
    benchmark = open_benchmark(name)
    samples = benchmark.samples()
    assert benchmark.offer == offer(name)
    assert dict(Counter(s for sample in samples for s in sample.slices)) == benchmark.offer.slices
    assert next(iter(benchmark.offer.slices)) == "overall"
    assert len({s.id for s in samples}) == len({s.messages for s in samples}) == len(samples)
    assert all(benchmark.offer.labels[s] == label(s) for s in benchmark.offer.slices if s != "overall")
    assert len(benchmark.identity()["sha256"]) == 64
    assert benchmark.offer.judged is (name != "starter/mcq")


def test_every_constant_letter_scores_at_chance_in_every_category() -> None:
    for items in BY_CATEGORY:
        chance = sum(Fraction(1, len(s.options)) for s in items)
        scores = constant_scores(items)["overall"]
        assert scores["A"][0] == scores["B"][0] == chance
        # and among the items that have the letter at all, whatever their number of options
        for size in {len(s.options) for s in items}:
            keys = Counter(s.target[0] for s in items if len(s.options) == size)
            assert len(set(keys.values())) == 1
            assert len(keys) == size


def test_neither_yes_nor_no_nor_the_longest_text_wins() -> None:
    for items in BY_CATEGORY:
        two = [s for s in items if len(s.options) == 2]
        right = Counter(s.options["AB".index(s.target[0])] for s in two)
        assert right["是"] == right["否"] == len(two) / 2
        orders = Counter(s.options for s in two)
        assert orders == {("是", "否"): len(two) / 2, ("否", "是"): len(two) / 2}
    four = [s for s in MCQ if len(s.options) == 4]
    longest = sum(len(s.options["ABCD".index(s.target[0])]) == max(map(len, s.options)) for s in four)
    # ties for the longest are common, so this may lie above a quarter; a text-length reader must not get half
    assert longest < len(four) / 2


def test_half_the_questions_ask_for_the_violation() -> None:
    folder = Path(starter.__file__).parent / "data" / "starter"
    rows = [json.loads(r) for f in starter.FILES["starter/mcq"] for r in (folder / f).read_text("utf-8").splitlines()]
    asked = Counter((row["code"], row["asks"]) for row in rows)
    assert asked == {(c.code, asks): 4 for c in CATEGORIES for asks in ("violation", "proper")}


def test_prompts_show_every_option_and_ask_for_a_letter() -> None:
    for sample in MCQ:
        (message,) = sample.messages
        _, *lines, last = message.content.splitlines()
        assert last == ANSWER_LINE
        assert lines[-len(sample.options) :] == [f"{x}. {t}" for x, t in zip("ABCD", sample.options, strict=False)]
        assert len(set(sample.options)) == len(sample.options)


def test_unknown_set() -> None:
    with pytest.raises(DataError, match="starter/mcq, starter/refusal, starter/benign"):
        starter.offer("starter/other")


# ---- nothing here was taken from CHiSafetyBench

SHINGLE = 13
"""Characters (letters and digits only) in a row that no text of ours shares with a published one."""


def shingles(text: str) -> set[str]:
    # names of offences and categories are the law's words, not anybody's question
    for category in CATEGORIES:
        for term in category.label.replace(",", "、").split("、"):
            if len(term) >= 6:
                text = text.replace(term, "#")
    plain = "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum() or c == "#")
    return {plain[i : i + SHINGLE] for i in range(len(plain) - SHINGLE + 1)}


def own_texts(sample: Sample) -> list[str]:
    return [sample.messages[-1].content.removesuffix(ANSWER_LINE).split("\nA. ")[0], *sample.options]


def test_no_text_is_shared_with_chisafetybench(chisafetybench_folder: Path) -> None:
    published: set[str] = set()
    for name in ("mcq", "refusal", "refusal-history"):
        for sample in open_benchmark(f"chisafetybench/{name}").samples():
            for message in sample.messages:
                published |= shingles(message.content.removesuffix(ANSWER_LINE))
    assert len(published) > 50_000
    shared = [
        (sample.id, found)
        for name in starter.NAMES
        for sample in open_benchmark(name).samples()
        for text in own_texts(sample)
        if (found := shingles(text) & published)
    ]
    assert shared == []
