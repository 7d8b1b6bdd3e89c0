"""The house: imports run one way, modules stay small, names say what they hold, nothing is unfinished."""

from __future__ import annotations

import ast
import re
from pathlib import Path

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

NAMES_OF_NOTHING = {"utils", "util", "common", "helpers", "misc", "types"}

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


def short(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def upward(here: str, other: str) -> str | None:
    """What is wrong with the import of a room by another, if anything."""
    if here == "training":
        return None if other in TRAINING_MAY_USE else f"training must not know {other}"
    if other == "training":
        return None if here in ("cli", "commands") else f"{here} must not know training"
    if other not in FLOOR:
        return f"{other} stands on no floor"
    if here not in FLOOR:
        return f"{here} stands on no floor"
    below = FLOOR[other] < FLOOR[here] or {here, other} <= FLOORS[-1]
    return None if below else f"{here} must not import {other}"


def test_imports_run_downwards():
    offenders = [
        f"{short(path)}: {wrong}"
        for path in MODULES
        if (here := room(path)) != "__init__"
        for other in sorted(imports(path) - {here})
        if (wrong := upward(here, other))
    ]
    assert not offenders, "\n".join(offenders)


def test_modules_are_small():
    lengths = {short(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert not {name: lines for name, lines in lengths.items() if lines > 350}


def test_modules_are_named_for_what_they_hold():
    assert not [short(path) for path in MODULES if path.stem in NAMES_OF_NOTHING]


def test_a_module_starts_with_its_purpose():
    texts = {short(path): path.read_text(encoding="utf-8") for path in MODULES}
    assert not [name for name, text in texts.items() if text.strip() and not ast.get_docstring(ast.parse(text))]


def test_no_assert_in_library_code():
    """pytest rewrites asserts of plugins it imports, and -O drops them: real exceptions only."""
    offenders = [
        f"{short(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert)
    ]
    assert not offenders


def test_one_tree_of_exceptions():
    """Every exception class outside errors.py is one of pytest's outcomes, or private to its module."""
    # ScalarError and SourceError never leave config/: they become Mistakes with their places
    allowed = {"CheckFailed", "CheckInconclusive", "CheckWaived", "ScalarError", "SourceError"}
    offenders = [
        f"{short(path)}: {node.name}"
        for path in MODULES
        if path.name != "errors.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(re.search(r"(Error|Exception)$", ast.unparse(base)) for base in node.bases)
        and not (node.name in allowed or node.name.startswith("_"))
    ]
    assert not offenders
