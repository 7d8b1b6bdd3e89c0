"""What the benchmark tests share: real data is used where it is, and its absence is a loud skip."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsafe_runner.benchmarks import data


@pytest.fixture(scope="session")
def chisafetybench_folder() -> Path:
    folder = data.data_dir() / "chisafetybench"
    # a fetch that failed leaves an empty folder; a wrong file is no reason to skip
    if not all((data.data_dir() / source.path).exists() for source in data.SOURCES):
        pytest.skip("needs CHiSafetyBench under DSAFE_DATA")
    return folder
