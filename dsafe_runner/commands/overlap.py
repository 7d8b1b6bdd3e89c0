"""`dsafe overlap`: which training samples, or items of another suite, stand in a suite's benchmarks; ids, no texts."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from dsafe_runner.contamination import Item, Row, compare, items_of, read_rows, spelt_out
from dsafe_runner.errors import ExitCode, UsageError

CHECKPOINT = "DSAFE_CHECKPOINT"
"""Development suites take their candidate from it (`select` in a recipe); its items do not depend on it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What stands after `dsafe overlap`."""
    parser.add_argument(
        "what", type=Path, nargs="+", metavar="RECIPE|FILE|SUITE", help="a recipe, a .jsonl file, or another suite"
    )
    parser.add_argument("--suite", type=Path, required=True, metavar="SUITE")


def run(arguments: argparse.Namespace) -> int:
    """0 nothing overlaps, 1 something does. UnavailableError: a benchmark's data is absent; nothing is said then."""
    items = suite_items(arguments.suite)
    made = compare((row for what in arguments.what for row in _rows(what)), items)
    for one in made.found:
        print(f"{one.where}: {one.row} overlaps {one.benchmark} item {one.item} ({one.share:.0%})")
    benchmarks = len({item.benchmark for item in items})
    print(
        f"{made.k} of {made.samples} samples overlap with {made.items} items of {benchmarks} benchmarks of "
        f"{arguments.suite}"
    )
    return ExitCode.FINDINGS if made.found else ExitCode.FINE


def suite_items(path: Path) -> list[Item]:
    """The items of all benchmarks of a suite."""
    from dsafe_runner.plan import outline
    from dsafe_runner.suite.load import load_suite

    plan = outline(load_suite(path, {CHECKPOINT: ".", **os.environ}))
    return [item for name, benchmark in plan.benchmarks.items() for item in items_of(name, benchmark.samples())]


def _rows(path: Path) -> Iterator[Row]:
    if path.name.endswith(".safety.yaml"):
        parts: dict[tuple[str, str], list[str]] = {}
        for item in suite_items(path):
            parts.setdefault((item.benchmark, item.id), []).append(item.text)
        for (benchmark, name), texts in parts.items():
            yield Row(name, f"{path}::{benchmark}", tuple(texts))
    elif path.suffix in (".yaml", ".yml"):
        yield from recipe_texts(path)
    elif path.suffix == ".jsonl":
        yield from read_rows(path)
    else:
        raise UsageError(f"{path}: give a recipe (.yaml), rows (.jsonl) or a suite (.safety.yaml)")


def recipe_texts(path: Path) -> Iterable[Row]:
    """Every row a recipe may train on or look at, each once."""
    from dsafe_runner.training.recipe import load_recipe
    from dsafe_runner.training.rows import recipe_rows

    recipe = load_recipe(path).value
    rows = recipe_rows(recipe, path, recipe.seed)
    seen = dict.fromkeys([*rows.train, *rows.held_out])
    for number, row in enumerate(seen, 1):
        turns = [m.content for m in row.messages]
        whole = [" ".join(turns)] if len(turns) > 1 else []
        yield Row(row.id or str(number), str(path), spelt_out([*turns, row.thinking, row.answer, *whole]))
