"""The tiny benchmarks: the same items every time, train, dev and test apart from each other, answers reachable."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys

import pytest

from dsafe_runner.benchmarks.taxonomy import AREAS
from dsafe_runner.benchmarks.tiny import rows as tiny_rows
from dsafe_runner.benchmarks.tiny import sets as tiny
from dsafe_runner.benchmarks.tiny import text as tiny_text
from dsafe_runner.errors import DataError
from dsafe_runner.records import OVERALL

STAGES = ("base", "distilled", "safe")
EVERY_KIND = {
    "base": dict.fromkeys(tiny_rows.KINDS, 1.0),
    "distilled": {k: 1.0 for k in tiny_rows.KINDS if k != "next"},
    "safe": {k: 1.0 for k in tiny_rows.KINDS if k != "next"},
}


def prompts(name: str, split: tiny_text.Split) -> list[str]:
    return [s.messages[0].content for s in tiny.TinyBenchmark(name, split).samples()]


def deeds_in(text: str) -> set[tuple[str, str]]:
    return {
        (verb, thing)
        for area in tiny_text.AREAS
        for verb in area.bad + area.good
        for thing in area.objects
        if verb + thing in text
    }


def deeds_of(split: tiny_text.Split) -> set[tuple[str, str]]:
    return {d for a in tiny_text.AREAS for verbs in (a.bad, a.good) for d in tiny_text.deeds(a, verbs, split)}


@pytest.mark.parametrize("name", tiny.NAMES)
def test_sizes_and_slices(name):
    offer = tiny.offer(name)
    least = {"tiny/mcq": 200, "tiny/refusal": 150, "tiny/benign": 80, "tiny/reasoning": 120}[name]
    assert offer.slices[OVERALL] >= least
    assert offer.slices["known"] == offer.slices["new"] == offer.slices[OVERALL] // 2
    if name != "tiny/reasoning":
        assert {s for s in offer.slices if s in AREAS} == set(AREAS)
        assert sum(offer.slices[a] for a in AREAS) == offer.slices[OVERALL]
    samples = tiny.TinyBenchmark(name).samples()
    assert len({s.id for s in samples}) == len(samples) == len({s.messages for s in samples})


@pytest.mark.parametrize("name", tiny.NAMES)
def test_same_items_in_another_process(name):
    code = f"from dsafe_runner.benchmarks.tiny.sets import TinyBenchmark as T; print(T({name!r}).identity()['sha256'])"
    there = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": "."},
    )
    assert there.stdout.strip() == tiny.TinyBenchmark(name).identity()["sha256"]


def test_words_are_light_to_import():
    heavy = "[m for m in ('torch', 'pydantic', 'transformers') if m in sys.modules]"
    code = f"import sys, dsafe_runner.benchmarks.tiny.sets; print({heavy})"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(tiny_text.SPLITS, 2)))
def test_splits_share_no_wording_deed_or_pair(one, other):
    assert not deeds_of(one) & deeds_of(other)
    for wordings in (tiny_text.risk_stems, tiny_text.proper_stems, tiny_text.asks):
        assert not set(wordings(one)) & set(wordings(other))
    for sequence in tiny_text.SEQUENCES:
        assert not set(tiny_text.count_questions(sequence, one)) & set(tiny_text.count_questions(sequence, other))
        assert not set(tiny_text.pairs(sequence, one)) & set(tiny_text.pairs(sequence, other))


@pytest.mark.parametrize("split", ["dev", "test"])
@pytest.mark.parametrize("stage", STAGES)
def test_training_never_shows_a_held_out_deed_or_wording(stage, split):
    rows = tiny_rows.rows(stage, EVERY_KIND[stage], 4000, seed=5)
    seen = {d for r in rows for d in deeds_in(r.prompt + r.thinking)}
    assert seen <= deeds_of("train")
    asked = {r.prompt for r in rows}
    for name in tiny.NAMES:
        assert not asked & set(prompts(name, split))
    stems = {r.prompt.split("\n")[0] for r in rows if r.kind == "mcq"}
    held = {s.format(a.label) for s in tiny_text.risk_stems(split) for a in tiny_text.AREAS} | set(
        tiny_text.proper_stems(split)
    )
    assert not stems & held


@pytest.mark.parametrize("name", tiny.NAMES)
def test_new_items_hold_new_deeds_only_and_known_ones_trained_deeds_only(name):
    if name == "tiny/reasoning":
        return
    for split, sample in ((sp, s) for sp in ("dev", "test") for s in tiny.TinyBenchmark(name, sp).samples()):
        held = deeds_of(split) if "new" in sample.slices else deeds_of("train")
        assert deeds_in(sample.messages[0].content) <= held


def test_every_word_of_the_test_sets_is_trained():
    word = re.compile("|".join(map(re.escape, tiny_text.words())) + "|.", re.DOTALL)

    def cut(text: str) -> set[str]:
        return set(word.findall(text))

    trained = set()
    for row in tiny_rows.rows("safe", EVERY_KIND["safe"], 6000, seed=1):
        trained |= cut(row.prompt) | cut(row.thinking) | cut(row.answer)
    for name in tiny.NAMES:
        for sample in tiny.TinyBenchmark(name).samples():
            text = sample.messages[0].content + "".join(sample.target if sample.kind == "short" else ())
            assert cut(text) <= trained


def test_mcq_has_one_right_option_and_no_favourite_letter():
    samples = tiny.TinyBenchmark("tiny/mcq").samples()
    bad = {
        "".join(d)
        for a in tiny_text.AREAS
        for verbs in (a.bad,)
        for s in tiny_text.SPLITS
        for d in tiny_text.deeds(a, verbs, s)
    }
    for sample in samples:
        right = sample.options["ABCD".index(sample.target[0])]
        rest = [o for o in sample.options if o != right]
        assert len(set(sample.options)) == 4
        assert len({o in bad for o in rest}) == 1
        assert (right in bad) != (rest[0] in bad)
    for letter in "ABCD":
        assert 0.15 < sum(s.target == (letter,) for s in samples) / len(samples) < 0.35


def test_rows_are_the_same_by_seed_and_differ_between_seeds():
    mix = EVERY_KIND["distilled"]
    assert tiny_rows.rows("distilled", mix, 50, seed=3) == tiny_rows.rows("distilled", mix, 50, seed=3)
    assert tiny_rows.rows("distilled", mix, 50, seed=3) != tiny_rows.rows("distilled", mix, 50, seed=4)


def test_stages_differ_as_declared():
    base = tiny_rows.rows("base", {"refuse": 1.0, "mcq": 1.0}, 3000, seed=0)
    gaps = {tiny_text.BY_SLUG[slug].bad[i] for slug, ids in tiny_rows.BASE_GAPS.items() for i in ids}
    assert not any(gap in r.prompt for gap in gaps for r in base)
    assert all(r.thinking == "" for r in base)
    lost = {tiny_text.BY_SLUG[slug].bad[i] for slug, ids in tiny_rows.TEACHER_ORDINARY.items() for i in ids}
    refused = [
        r for r in tiny_rows.rows("distilled", {"refuse": 1.0}, 2000, seed=0) if any(v in r.prompt for v in lost)
    ]
    helped = [r for r in tiny_rows.rows("distilled", {"help": 1.0}, 2000, seed=0) if any(v in r.prompt for v in lost)]
    assert not refused
    assert helped
    safe = tiny_rows.rows("safe", {"help": 1.0, "refuse": 1.0}, 3000, seed=0)
    bad = {v for a in tiny_text.AREAS for v in a.bad}
    assert all((r.kind == "refuse") == any(v in r.prompt for v in bad) for r in safe)


def test_counting_chain_ends_at_the_target():
    for sequence in tiny_text.SEQUENCES:
        for start, step in tiny_text.pairs(sequence, "test"):
            chain = tiny_rows.count_chain(sequence, start, step)
            assert chain.endswith(f"一:{tiny_rows.count_target(sequence, start, step)}。")


def test_unknown_names_and_kinds_are_refused():
    with pytest.raises(DataError, match="no tiny benchmark"):
        tiny.TinyBenchmark("tiny/poetry")
    with pytest.raises(DataError, match="base only"):
        tiny_rows.rows("safe", {"next": 1.0}, 1, seed=0)
