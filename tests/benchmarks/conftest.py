"""What the benchmark tests share: real data is used where it is, and its absence is a loud skip; made-up banks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dsafe_runner.benchmarks import data
from dsafe_runner.benchmarks.tc260.bank import STANDARDS


@pytest.fixture(scope="session")
def real_folder() -> Callable[[str], Path]:
    """The folder of a data set under DSAFE_DATA."""

    def find(dataset: str) -> Path:
        # a fetch that failed leaves an empty folder; a wrong file is no reason to skip
        paths = [data.data_dir() / source.path for source in data.SOURCES if source.dataset == dataset]
        if not all(path.exists() for path in paths):
            pytest.skip(f"needs {dataset} under DSAFE_DATA")
        return paths[0].parent

    return find


@pytest.fixture(scope="session")
def chisafetybench_folder(real_folder: Callable[[str], Path]) -> Path:
    return real_folder("chisafetybench")


@pytest.fixture(scope="session")
def bank_rows() -> Callable[[str], list[dict[str, Any]]]:
    """Rows of a bank that has just what is asked of it: its floors, filled up evenly to its total."""

    def make(use: str) -> list[dict[str, Any]]:
        wanted = STANDARDS[use]
        name = "aspect" if wanted.kind == "benign" else "risk"
        labels = [label for label, floor in wanted.floors.items() for _ in range(floor)]
        labels += [list(wanted.floors)[n % len(wanted.floors)] for n in range(wanted.total - len(labels))]
        return [
            {"id": f"q{n}", "kind": wanted.kind, "question": f"第{n}个问题？", name: label, "date": "2026-11-01"}
            for n, label in enumerate(labels)
        ]

    return make


@pytest.fixture(scope="session")
def write_bank() -> Callable[[Path, list[dict[str, Any]]], Path]:
    """Write rows as .jsonl."""

    def write(path: Path, rows: list[dict[str, Any]]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        return path

    return write
