"""What the docs name is there: links, files of the package, recipes, verbs and the rooms of the house."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dsafe_runner.cli import main

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "dsafe_runner"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "perf").glob("*.md")])


def named(pattern: str) -> set[tuple[str, str]]:
    """(page, what a pattern's first group found there)."""
    return {
        (str(page.relative_to(ROOT)), found)
        for page in PAGES
        for found in re.findall(pattern, page.read_text(encoding="utf-8"))
    }


def test_links_lead_somewhere():
    links = named(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)")
    assert len(links) > 20
    assert [(page, link) for page, link in sorted(links) if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_python_files_are_there():
    files = named(r"`(?:python )?([a-z_0-9]+(?:/[a-z_0-9]+)+\.py)`")
    assert len(files) > 20
    ours = {(page, file) for page, file in files if not file.startswith("lcb_runner/")}  # LiveCodeBench's own
    absent = [(page, file) for page, file in ours if not any((base / file).is_file() for base in (PACKAGE, ROOT))]
    assert sorted(absent) == []


def test_recipes_and_their_data_are_there():
    files = named(r"\b(recipes/[A-Za-z0-9_./-]+\.(?:yaml|json|jsonl))\b")
    assert len(files) > 5
    assert sorted((page, file) for page, file in files if not (ROOT / file).is_file()) == []


def test_every_room_stands_in_the_architecture():
    house = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").split("## The way of one check")[0]
    rooms = [path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"]
    modules = [path.name for path in PACKAGE.glob("*.py") if not path.name.startswith("__")]
    assert [room for room in (*(f"{name}/" for name in rooms), *modules) if room not in house] == []


def test_verbs_in_the_docs_are_verbs(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    verbs = set(re.findall(r"^    (\w+) ", capsys.readouterr().out, re.MULTILINE))
    used = {(page, verb) for page, verb in named(r"(?:`|\$ )dsafe ([a-z]+)\b")}
    assert {"init", "check", "measure"} <= verbs
    assert sorted((page, verb) for page, verb in used if verb not in verbs) == []
