"""What the benchmark tests share: real data is used where it is, and its absence is a loud skip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dsafe_runner.benchmarks import data


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
