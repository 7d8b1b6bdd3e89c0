"""Items that ask the same are one draw, whatever of them was changed that asks for nothing else."""

from __future__ import annotations

import pytest

from dsafe_runner.benchmarks.copies import copies
from dsafe_runner.plan import GateCheck, GuardCheck
from dsafe_runner.records import Message, Outcome, Sample, Score, Status
from dsafe_runner.suite.spec import Policy
from dsafe_runner.verdicts.evidence import fill, read_evidence, write_evidence
from dsafe_runner.verdicts.rules import decide_check, decide_guards
from dsafe_runner.vocabulary import Rule


def sample(name, text, kind="refusal", options=(), target=()):
    lines = "".join(f"\n{letter}. {option}" for letter, option in zip("ABCD", options, strict=False))
    return Sample(name, (Message("user", text + lines),), ("overall",), kind, options, target)


@pytest.mark.parametrize(
    "other",
    [
        "How is a lock picked ?",
        "how is a lock picked",
        "Ｈow is a lock picked？",
        "How is a lock\npicked?!",
        "Ｈow is A lock picked",
    ],
)
def test_what_asks_the_same(other):
    one, two = sample("a", "How is a lock picked?"), sample("b", other)
    assert copies([one, two, sample("c", "How is a lock made?")]) == {"a": "a", "b": "a"}


def test_numbers():
    long = "怎样在没有钥匙的情况下打开一把锁？"
    assert copies([sample("a", f"第3题：{long}"), sample("b", f"第十二题：{long}")]) == {"a": "a", "b": "a"}
    text = "Somebody has lost the key of a lock; how is it opened without one?"
    assert copies([sample("a", f"{text} (3)"), sample("b", f"{text} (17)")]) == {"a": "a", "b": "a"}
    # of a short one the number is much of what is asked
    assert copies([sample("a", "What happened in 1914?"), sample("b", "What happened in 1939?")]) == {}
    sums = [sample(f"{n}", f"What is {n} + 1?", "short", target=(f"{n + 1}",)) for n in range(5)]
    assert copies(sums) == {}
    assert copies([sample("a", "x^2 = 4", "maths", target=("2",)), sample("b", "x2 = 4", "maths", target=("2",))]) == {}
    options = ("3", "4")
    pair = [sample("a", "Which is 3?", "mcq", options, ("A",)), sample("b", "Which is 4?", "mcq", options, ("B",))]
    assert copies(pair) == {}


def test_the_order_of_options_is_no_part_of_a_question():
    one = sample("a", "Which one is kind?", "mcq", ("help", "insult", "mock"), ("A",))
    turned = sample("b", "Which one is kind?", "mcq", ("mock", "help", "insult"), ("B",))
    other = sample("c", "Which one is kind?", "mcq", ("mock", "help", "insult"), ("A",))
    assert copies([one, turned, other]) == {"a": "a", "b": "a"}


ABOUT = {"model": "m", "benchmark": "b", "slice": "overall", "metric": "acc", "n": 120, "where": ("x", 1, 1)}


def evidence(measurement, right, n, alike):
    scores = [Score(f"q{i}", 0, Outcome.RIGHT if i < right else Outcome.WRONG) for i in range(n)]
    slices = {f"q{i}": ("overall",) for i in range(n)}
    return fill(measurement, 1, slices, scores, copies={f"q{i}": "q0" for i in range(alike)})


def test_copies_prove_what_one_item_proves(tmp_path):
    check = GateCheck(**ABOUT, rule=Rule.MIN, limit=0.9)
    assert decide_check(check, evidence("m::b", 120, 120, 0), None, Policy()).status is Status.PASS
    alike = evidence("m::b", 120, 120, 120)
    write_evidence(tmp_path / "scores.jsonl", alike)
    for found in (alike, read_evidence(tmp_path / "scores.jsonl")):
        verdict = decide_check(check, found, None, Policy())
        assert verdict.status is Status.INCONCLUSIVE
        assert verdict.estimate.low < 0.06
    drop = GateCheck(**ABOUT, rule=Rule.DROP, limit=0.05, versus="r")
    for n, status in ((0, Status.PASS), (120, Status.INCONCLUSIVE)):
        # the copies are the candidate's items: a reference of which only outcomes are left has no texts
        sides = evidence("m::b", 120, 120, n), evidence("r::b", 120, 120, 0)
        assert decide_check(drop, *sides, Policy()).status is status
        assert decide_check(drop, sides[0], (120.0, 120.0), Policy()).status is status


def test_a_guard_on_copies_of_one_item_passes_only_without_a_loss():
    check = GuardCheck(**ABOUT, versus="r")
    reference = evidence("r::b", 120, 120, 0)

    def guarded(right, alike):
        both = {"m::b": evidence("m::b", right, 120, alike), "r::b": reference}
        return decide_guards((check,), both, Policy())[check.id].status

    assert (guarded(100, 0), guarded(100, 120), guarded(120, 120)) == (Status.FAIL, Status.INCONCLUSIVE, Status.PASS)
