"""However the plugin is loaded, it is loaded once, and it stays light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("how", ["-p", "conftest", "both"])
def test_registered_once(project, how):
    if how in ("conftest", "both"):
        project.makeconftest('pytest_plugins = ["dsafe_runner.plugin"]')
    flags = ["-p", "dsafe_runner.plugin"] if how in ("-p", "both") else []
    result = project.runpytest_subprocess(*flags, "suites", "--collect-only", "-q")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*::safe::mcq/overall?acc-min?"])


def test_without_xdist(project):
    result = project.runpytest_subprocess("-p", "dsafe_runner.plugin", "-p", "no:xdist", "suites")
    assert result.ret == 1
    assert result.parseoutcomes()["failed"] == 1


@pytest.mark.parametrize(
    "dist",
    ["load", pytest.param("loadscope", marks=pytest.mark.slow), pytest.param("worksteal", marks=pytest.mark.slow)],
)
def test_xdist_measures_once_in_the_controller(project, dist):
    (project.path / ".dsafe/store.sqlite").rename(project.path / "old.sqlite")
    (project.path / ".dsafe/store.sqlite-wal").unlink(missing_ok=True)
    result = project.runpytest_subprocess(
        "-p", "dsafe_runner.plugin", "suites", "-n2", "--dist", dist, "-m", "safety(benchmark='ask', model='safe')"
    )
    assert result.ret == 0
    assert sum("responses to ask" in line for line in result.outlines) == 1
    result.stdout.fnmatch_lines(["1 checks: 1 passed"])


@pytest.mark.parametrize("arguments", [["-n2"], []])
def test_same_verdicts_serial_and_xdist(project, arguments):
    result = project.runpytest_subprocess("-p", "dsafe_runner.plugin", "suites", *arguments)
    result.stdout.fnmatch_lines(["10 checks: 9 passed, 1 failed"])


def test_importing_the_plugin_brings_in_nothing_heavy():
    code = (
        "import pytest, sys; before = set(sys.modules); import dsafe_runner.plugin; "
        "new = {m.split('.')[0] for m in set(sys.modules) - before}; "
        "heavy = {'torch', 'pydantic', 'rich', 'transformers', 'ruamel', 'numpy', 'xdist', 'httpx', 'httpx2'}; "
        "print(sorted(new & heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_pytest_run_without_suites_loads_nothing_heavy_either(pytester):
    pytester.makepyfile(
        """
        import sys

        def test_it():
            heavy = {"torch", "pydantic", "transformers", "ruamel"} & set(sys.modules)
            assert not heavy
        """
    )
    result = pytester.runpytest_subprocess("-p", "dsafe_runner.plugin")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*safety gate*")
