"""The house: imports run one way, modules stay small, names say what they hold, nothing is unfinished."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "dsafe_runner"
FLOORS = [
    {"errors", "records"},
    {"vocabulary"},
    {"files", "config", "statistics"},
    {"sandbox"},
    {"engines", "contamination"},
    {"judges", "benchmarks"},
    {"suite"},
    {"plan"},
    {"verdicts"},
    {"runner"},
    {"report"},
    {"pytest_plugin", "commands", "plugin", "cli", "__main__"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
TRAINING_MAY_USE = {"errors", "records", "vocabulary", "config", "files", "benchmarks", "contamination", "training"}

MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Rooms a module imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "dsafe_runner" else [f"dsafe_runner.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("dsafe_runner.")}
    return found - {"__version__"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downwards(path):
    here = room(path)
    if here == "__init__":
        return
    for other in imports(path) - {here}:
        if here == "training":
            assert other in TRAINING_MAY_USE, f"training must not know {other}"
        elif other == "training":
            assert here in ("cli", "commands"), f"{here} must not know training"
        else:
            assert other in FLOOR, f"{other} stands on no floor"
            assert FLOOR[other] < FLOOR[here] or {here, other} <= FLOORS[-1], f"{here} must not import {other}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_are_small_and_say_what_they_are(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 350
    assert path.stem not in {"utils", "util", "common", "helpers", "misc", "types"}
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "a module starts with its purpose"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_assert_in_library_code(path):
    """pytest rewrites asserts of plugins it imports, and -O drops them: real exceptions only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]


def test_one_tree_of_exceptions():
    """Every exception class outside errors.py is one of pytest's outcomes, or private to its module."""
    # ScalarError and SourceError never leave config/: they become Mistakes with their places
    allowed = {"CheckFailed", "CheckInconclusive", "CheckWaived", "ScalarError", "SourceError"}
    for path in MODULES:
        if path.name == "errors.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            bases = map(ast.unparse, node.bases) if isinstance(node, ast.ClassDef) else ()
            if any(re.search(r"(Error|Exception)$", base) for base in bases):
                assert node.name in allowed or node.name.startswith("_"), f"{path.name}: {node.name}"
