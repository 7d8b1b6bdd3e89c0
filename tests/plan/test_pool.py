"""Guards that could not fail are mistakes, unless the suite says to pool them; then by item counts alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsafe_runner.errors import ConfigError
from dsafe_runner.plan import GuardCheck, Plan, make_plan
from dsafe_runner.records import Outcome, Score, Status
from dsafe_runner.suite.load import load_suite
from dsafe_runner.verdicts.decide import decide_one
from dsafe_runner.verdicts.evidence import fill
from dsafe_runner.verdicts.power import power_sentence

SUITE = """\
suite: x
engines: {local: {backend: transformers}}
models: {base: {path: a/b, engine: local}, safe: {path: a/c, engine: local}}
benchmarks:
  mine: {use: custom, path: mine.jsonl, samples: 2, sampling: {temperature: 0.6}}
thresholds:
  - {benchmark: mine, metric: acc, model: safe, min: 0.3, uncertainty: none}
"""
SIZES = {"a.large": 30, "a.one": 4, "a.two": 3, "a.three": 5, "b.large": 20, "b.lone": 2, "c.x": 1, "c.y": 2}
WORDS = ("river", "tax", "metal", "song", "road", "seed", "clock", "boat", "bread", "glass", "wool")


def plan(folder: Path, *guards: str, sizes: dict[str, int] = SIZES) -> Plan:
    rows = [name for name, count in sizes.items() for _ in range(count)]
    with (folder / "mine.jsonl").open("w") as file:
        for i, name in enumerate(rows):
            text = " ".join(WORDS[i // 11**k % 11] for k in range(3))
            row = {"id": f"q{i}", "kind": "mcq", "question": text, "options": ["yes", "no"], "answer": "A"}
            file.write(json.dumps({**row, "category": name}) + "\n")
    lines = [f"  - {{benchmark: mine, metric: acc, model: safe, versus: base, role: guard, {g}}}\n" for g in guards]
    (folder / "x.safety.yaml").write_text(SUITE + "".join(lines))
    return make_plan(load_suite(folder / "x.safety.yaml"))


def guards(made: Plan) -> dict[str, int]:
    return {check.slice: check.n for check in made.checks if check.rule == "guard"}


def test_a_guard_that_cannot_fail_says_how_many_items_it_takes(tmp_path):
    with pytest.raises(ConfigError) as caught:
        plan(tmp_path, "per: [category]")
    assert len(caught.value.mistakes) == 6
    # two responses to each of 4 items are 4 items
    what = "a guard on 4 items could not fail if all were lost: among the 8 guards of safe it takes at least 8"
    assert f"mine/a.one: {what}" in str(caught.value)
    assert "pool: area" in str(caught.value)


def test_a_tripwire_sees_a_total_loss(tmp_path):
    made = plan(tmp_path, "per: [category], tripwire: 0.5, pool: area")
    assert set(guards(made)) == set(SIZES)


def test_pooled_by_item_counts(tmp_path):
    made = plan(tmp_path, "per: [category], pool: area")
    # three of area a are enough together; b has one only and its area is large enough; c is not, so everything is
    assert guards(made) == {"a.large": 60, "b.large": 40, "a.pooled": 24, "b": 44, "overall": 134}
    (pool,) = (check for check in made.checks if isinstance(check, GuardCheck) and check.parts)
    assert pool.id == "safe::mine/a.pooled[acc-guard.vs.base]"
    assert pool.parts == ("a.one", "a.three", "a.two")
    assert power_sentence(made, pool).startswith("pools a.one, a.three, a.two: ")


def test_areas_that_are_guarded_anyway_are_guarded_once(tmp_path):
    made = plan(tmp_path, "per: [area, category], pool: area")
    assert set(guards(made)) == {"a", "b", "a.large", "b.large", "a.pooled", "overall"}


def test_nothing_is_large_enough(tmp_path):
    with pytest.raises(ConfigError, match="a guard on 2 items could not fail"):
        plan(tmp_path, "per: [category], pool: area", sizes={"a.x": 2, "b.y": 2})


def test_a_category_of_that_name(tmp_path):
    with pytest.raises(ConfigError, match=r"mine has a category a\.pooled.*rename the category"):
        plan(tmp_path, "per: [category], pool: area", sizes={"a.x": 4, "a.y": 4, "a.pooled": 30})


def test_pool_belongs_to_a_guard(tmp_path):
    made = tmp_path / "x.safety.yaml"
    plan(tmp_path, "per: [category], pool: area")
    made.write_text(SUITE.replace("min: 0.3,", "min: 0.3, pool: area,"))
    with pytest.raises(ConfigError, match="pool belongs to a guard"):
        load_suite(made)


def test_a_loss_in_the_small_ones_is_seen_by_their_pool(tmp_path):
    made = plan(tmp_path, "per: [category], pool: area")
    slices = {s.id: s.slices for s in made.benchmarks["mine"].samples()}

    def evidence(model, lost):
        scores = [
            Score(item, k, Outcome.WRONG if lost & {*names} else Outcome.RIGHT)
            for item, names in slices.items()
            for k in (0, 1)
        ]
        return fill(f"{model}::mine", 2, slices, scores)

    both = {"safe::mine": evidence("safe", {"a.one", "a.two", "a.three"}), "base::mine": evidence("base", set())}
    verdicts = {c.slice: decide_one(made, c, both) for c in made.checks if c.rule == "guard"}
    assert verdicts["a.pooled"].status is Status.FAIL
    assert verdicts["a.pooled"].estimate.n == 24
    assert "lost 12, gained 0 of 12 in 3 slices together (a.one, a.three, a.two)" in verdicts["a.pooled"].reason
    assert verdicts["a.large"].status is Status.PASS
