"""What the benchmark tests share: real data is used where it is, and its absence is a loud skip."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsafe_runner.benchmarks import data


@pytest.fixture(scope="session")
def chisafetybench_folder() -> Path:
    folder = data.data_dir() / "chisafetybench"
    if not folder.is_dir():
        pytest.skip("needs CHiSafetyBench under DSAFE_DATA")
    return folder
