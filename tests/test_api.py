"""The public API: its names, in any order of imports, and its page, whose code is run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dsafe_runner

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "recorded"))

import material  # noqa: E402
import scenarios  # noqa: E402

ACC = "benchmark: mcq, metric: acc, model: safe"


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """The suite that the page speaks of: one limit is not kept, two are; and one with a limit that says nothing."""
    texts = {
        "demo": scenarios.suite(f"{ACC}, min: 0.9", f"{ACC}, per: [area], min: 0.5"),
        "wrong": scenarios.suite(f"{ACC}, min: 0.0"),
    }
    (tmp_path / "suites").mkdir()
    for name, text in texts.items():
        (tmp_path / f"suites/{name}.safety.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "suites/mcq.jsonl").write_text(material.mcq(160), encoding="utf-8")
    (tmp_path / "suites/safe.jsonl").write_text(material.letters(160, 130), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CI", "")
    return tmp_path


def python(code: str, folder: Path = ROOT) -> str:
    """What a fresh interpreter prints."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_code_of_the_page_runs_and_says_what_the_page_says(project, capsys):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/api.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 5
    exec(compile("\n".join(blocks), "docs/api.md", "exec"), {})
    said = capsys.readouterr().out
    assert "<Results not ok: 2 passed, 1 failed>" in said
    assert "safe::mcq/overall[acc-min]: failed: acc 0.812 < 0.9" in said
    assert "suites/wrong.safety.yaml:" in said


def test_a_waived_check_is_waived_here_too(project):
    path = project / "suites/demo.safety.yaml"
    waiver = '  - {check: "safe::mcq/overall[acc-min]", reason: known, owner: li, permanent: true, value: 0.8}\n'
    path.write_text(path.read_text(encoding="utf-8") + "waivers:\n" + waiver, encoding="utf-8")
    plan = dsafe_runner.make_plan(dsafe_runner.load_suite(path))
    results = dsafe_runner.decide(plan, dsafe_runner.measure(plan, folder=project / "reports/one"))
    assert results.ok
    assert results.exit_status == 0
    assert results["safe::mcq/overall[acc-min]"].result is dsafe_runner.Result.WAIVED


def test_what_was_not_measured_is_an_error_and_nothing_is_ok(project):
    plan = dsafe_runner.make_plan(dsafe_runner.load_suite("suites/demo.safety.yaml"))
    results = dsafe_runner.decide(plan, dsafe_runner.Run())
    assert {one.result for one in results.values()} == {dsafe_runner.Result.ERROR}
    assert not results
    assert results.exit_status == 1
    assert dsafe_runner.decide(plan, dsafe_runner.Run(), []).exit_status == 4


@pytest.mark.parametrize(
    "first",
    [
        "import dsafe_runner.runner.run",
        "import dsafe_runner.plan.make, dsafe_runner.suite.load",
        "import dsafe_runner.plugin",
        "from dsafe_runner import *",
    ],
)
def test_names_are_the_same_in_any_order_of_imports(first):
    python(
        f"{first}\nimport dsafe_runner as d\n"
        "assert all(callable(getattr(d, n)) for n in ('load_suite', 'make_plan', 'measure', 'decide'))\n"
        "assert set(d.__all__) <= set(dir(d))\n"
        "assert all(getattr(d, n) is not None for n in d.__all__)\n"
        "scope = {}; exec('from dsafe_runner import *', scope); assert set(d.__all__) <= set(scope)"
    )


def test_importing_the_package_imports_nothing_heavy():
    heavy = "{'torch', 'transformers', 'pydantic', 'rich', 'ruamel.yaml'}"
    assert python(f"import sys, dsafe_runner, dsafe_runner.plugin; print({heavy} & set(sys.modules))") == "set()\n"


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'decidee'"):
        _ = dsafe_runner.decidee


@pytest.mark.slow
def test_a_script_is_typed(tmp_path):
    script = tmp_path / "notebook.py"
    script.write_text(
        "from dsafe_runner import Plan, Results, Run, decide, load_suite, make_plan, measure\n"
        "plan: Plan = make_plan(load_suite('x'))\n"
        "run: Run = measure(plan)\n"
        "results: Results = decide(plan, run)\n"
        "reveal_type(load_suite)\n"
        "reveal_type(results['x'].estimate)\n"
        "import dsafe_runner\ndsafe_runner.decidee\n"
    )
    env = {**os.environ, "MYPYPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", ROOT / "pyproject.toml", script],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout
    assert "LoadedSuite" in said.split("notebook.py:6")[0]
    assert 'Revealed type is "dsafe_runner.records.Estimate | None"' in said.replace(
        "Union[dsafe_runner.records.Estimate, None]", "dsafe_runner.records.Estimate | None"
    )
    assert 'has no attribute "decidee"' in said
    assert "Found 1 error" in said
