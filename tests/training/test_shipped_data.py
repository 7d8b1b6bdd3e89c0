"""The training rows that ship: their shape, their number, none twice, every category, every number recomputed."""

from __future__ import annotations

import ast
import json
import operator
import re
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import pytest

from dsafe_runner.benchmarks.taxonomy import CATEGORIES
from dsafe_runner.contamination import Index, Item, read_rows
from dsafe_runner.training.recipe_data import Source
from dsafe_runner.training.sources import read_source

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "recipes" / "data"
LEAST = {"safety": 310, "benign": 105, "reasoning": 210}
LETTER = {"safety": "s", "benign": "b", "reasoning": "r"}
BOXED = re.compile(r"\\boxed\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


def rows_of(kind):
    return [json.loads(line) for line in (DATA / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()]


def every_row():
    return [row for kind in LEAST for row in rows_of(kind)]


def value(expression):
    """The value of an arithmetic expression, exact where it has no root; decimals are read as they are written."""

    def of(node):
        match node:
            case ast.Constant():
                return Fraction(ast.get_source_segment(expression, node))
            case ast.UnaryOp(op=ast.USub()):
                return -of(node.operand)
            case ast.BinOp():
                return OPERATORS[type(node.op)](of(node.left), of(node.right))
            case ast.Call(func=ast.Name(id="round"), args=[number, digits]):
                return round(of(number), int(of(digits)))
        raise ValueError(f"not arithmetic: {expression}")

    return of(ast.parse(expression, mode="eval").body)


@pytest.mark.parametrize("kind", LEAST)
def test_rows_have_the_shape_that_the_mixture_reads(kind):
    rows = rows_of(kind)
    assert len(rows) >= LEAST[kind]
    assert [row["id"] for row in rows] == [f"{LETTER[kind]}-{n:03d}" for n in range(1, len(rows) + 1)]
    wanted = {"area", "category"} if kind == "safety" else {"topic"}
    for row in rows:
        keys = {"id", "kind", "messages", "thinking", "answer"} | wanted
        assert row.keys() - {"check"} == keys, row["id"]
        assert row["kind"] == kind
        roles = [m["role"] for m in row["messages"]]
        assert roles == (["user", "assistant"] * len(roles))[: len(roles)], row["id"]
        assert roles[-1] == "user"
        for text in (row["thinking"], row["answer"], *(m["content"] for m in row["messages"])):
            assert text == text.strip() != "", row["id"]
            assert "think>" not in text, row["id"]
    read = read_source(Source(path=f"{DATA}/{kind}.jsonl", kind=kind), DATA / "sft.yaml").rows
    assert [row.id for row in read] == [row["id"] for row in rows]
    assert all(row.thinking for row in read)


def test_safety_rows_cover_every_category_alike():
    rows = rows_of("safety")
    count = Counter(f"{row['area']}.{row['category']}" for row in rows)
    assert count == {category.slice: len(rows) // len(CATEGORIES) for category in CATEGORIES}
    assert min(count.values()) >= 10
    several = sum(len(row["messages"]) > 1 for row in rows) / len(rows)
    assert 0.12 <= several <= 0.2


def test_no_prompt_stands_twice_and_no_two_answers_share_half():
    rows = every_row()
    prompts = Counter("\n".join(m["content"] for m in row["messages"]) for row in rows)
    assert prompts.most_common(1)[0][1] == 1
    shingles, holders = {}, defaultdict(list)
    for row in rows:
        text = re.sub(r"\W", "", row["answer"])
        shingles[row["id"]] = {text[i : i + 12] for i in range(len(text) - 11)}
        for shingle in shingles[row["id"]]:
            holders[shingle].append(row["id"])
    shared = Counter(pair for ids in holders.values() for pair in combinations(ids, 2))
    for (one, other), number in shared.items():
        assert number <= 0.5 * min(len(shingles[one]), len(shingles[other])), (one, other)


def test_numbers_are_what_their_expressions_give():
    rows = rows_of("reasoning")
    checked = [row for row in rows if "check" in row]
    assert len(checked) >= 150
    for row in rows:
        assert len(BOXED.findall(row["answer"])) <= 1, row["id"]
    for row in checked:
        (boxed,) = BOXED.findall(row["answer"])
        assert float(value(row["check"])) == pytest.approx(float(Fraction(boxed)), rel=1e-12), row["id"]
    assert value("1/3 + 0.1*2 - 7//2 + round(2/3, 2)") == Fraction(1, 3) + Fraction(1, 5) - 3 + Fraction(67, 100)


def test_shipped_rows_hold_no_question_that_judges_are_held_against():
    items = []
    for name, key in (("calibration", "question"), ("rules_labelled", "prompt")):
        path = ROOT / "dsafe_runner" / "judges" / "data" / f"{name}.jsonl"
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        items += [Item(name, str(n), row[key]) for n, row in enumerate(rows)]
    shipped = [row for kind in LEAST for row in read_rows(DATA / f"{kind}.jsonl")]
    assert Index(items).overlaps(shipped) == []
