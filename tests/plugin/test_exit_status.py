"""What the exit status of a run says, and what may not weaken it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from recorded_suite import write_recorded

ROOT = Path(__file__).parents[2]


def _ini(folder: Path, text: str) -> None:
    (folder / "pytest.ini").write_text(f"[pytest]\n{text}\n")


def _without_models(path: Path, *models: str) -> None:
    for model in models:
        (path.parent / f"{model}.jsonl").unlink()


def test_an_absent_suite_in_a_folder_is_not_gated_and_not_green(recorded):
    write_recorded(recorded.path / "suites/here", "here")
    _without_models(write_recorded(recorded.path / "suites/gone", "gone"), "safe", "dist")
    result = recorded("suites")
    assert result.ret == 4
    result.stdout.fnmatch_lines(["NOT GATED", "*suites/gone/gone.safety.yaml must be gated*dsafe_may_be_absent*"])
    result.stdout.fnmatch_lines(["4 checks: 2 passed, 2 not gated"])


@pytest.mark.parametrize("pattern", ["suites/gone/*", "suites/gone", "suites/gone/gone.safety.yaml", "*/gone.*"])
def test_absence_that_is_allowed_is_green_and_shown_last(recorded, pattern):
    write_recorded(recorded.path / "suites/here", "here")
    _without_models(write_recorded(recorded.path / "suites/gone", "gone"), "safe", "dist")
    _ini(recorded.path, f"dsafe_may_be_absent = {pattern}")
    for quiet in ([], ["-qq"]):
        result = recorded("suites", *quiet)
        assert result.ret == 0
        result.stdout.fnmatch_lines(["NOT GATED, allowed by dsafe_may_be_absent*suites/gone/gone*, 2 checks"])


@pytest.mark.parametrize(("ci", "option"), [("yes", []), ("on", []), ("", ["--dsafe-require"])])
def test_nothing_may_be_absent_where_the_gate_must_hold(recorded, monkeypatch, ci, option):
    write_recorded(recorded.path / "suites/here", "here")
    _without_models(write_recorded(recorded.path / "suites/gone", "gone"), "safe", "dist")
    _ini(recorded.path, "dsafe_may_be_absent = suites/gone")
    monkeypatch.setenv("CI", ci)
    result = recorded("suites", *option)
    assert result.ret == 1
    assert result.parseoutcomes() == {"passed": 2, "errors": 2}


@pytest.mark.parametrize("ci", ["false", "0", "no"])
def test_ci_that_says_no_is_a_laptop(recorded, monkeypatch, ci):
    write_recorded(recorded.path / "suites/here", "here")
    _without_models(write_recorded(recorded.path / "suites/gone", "gone"), "safe", "dist")
    monkeypatch.setenv("CI", ci)
    assert recorded("suites").ret == 4


def test_a_suite_that_is_named_must_be_gated(recorded):
    path = write_recorded(recorded.path / "suites/gone", "gone")
    _without_models(path, "safe", "dist")
    _ini(recorded.path, "dsafe_may_be_absent = suites/gone")
    result = recorded(str(path))
    assert result.ret == 1
    assert result.parseoutcomes() == {"errors": 2}


def test_nothing_but_allowed_absence_is_no_evidence(recorded):
    _without_models(write_recorded(recorded.path / "suites/gone", "gone"), "safe", "dist")
    _ini(recorded.path, "dsafe_may_be_absent = suites")
    assert recorded("suites").ret == 4


def test_a_failure_comes_before_what_is_not_gated(recorded):
    write_recorded(recorded.path / "suites/here", "here", letter="B")
    _without_models(write_recorded(recorded.path / "suites/gone", "gone"), "safe", "dist")
    assert recorded("suites").ret == 1


@pytest.mark.parametrize("mode", [[], ["-n1"]])
def test_a_suite_is_gated_whole(recorded, pytester, mode):
    _without_models(write_recorded(recorded.path / "suites/half", "half"), "dist")
    _ini(recorded.path, "dsafe_may_be_absent = suites")
    result = pytester.runpytest_subprocess("-p", "dsafe_runner.plugin", "suites", *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["ERROR dist::mcq*dist.jsonl*safe could be measured, and a suite is gated whole"])
    result.stdout.fnmatch_lines(["2 checks: 1 passed, 1 in error"])


def test_data_that_is_absent_beside_a_measured_model_is_an_error(recorded, monkeypatch):
    path = write_recorded(recorded.path / "suites/half", "half")
    text = path.read_text().replace("thresholds:\n", "  other: {use: math-500}\nthresholds:\n")
    path.write_text(text + "  - {benchmark: other, metric: pass@1, model: safe, min: 0.7}\n")
    monkeypatch.setenv("DSAFE_DATA", str(recorded.path / "no-data"))
    _ini(recorded.path, "dsafe_may_be_absent = suites")
    result = recorded("suites")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["3 checks: 2 passed, 1 in error"])


def _few(folder: Path) -> Path:
    """37 of 40 is no proof of 0.9."""
    path = write_recorded(folder, "few", limit=0.9)
    log = folder / "dist.jsonl"
    log.write_text(log.read_text().replace('"A"', '"B"', 3))
    path.write_text(path.read_text() + "policy: {on_inconclusive: skip}\n")
    return path


def test_skipped_inconclusive_checks_are_counted_as_undecided(recorded):
    _few(recorded.path / "suites")
    result = recorded("suites")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["INCONCLUSIVE dist::mcq*", "2 checks: 1 passed, 1 UNDECIDED"])


@pytest.mark.parametrize("mode", [[], ["-n1"]])
@pytest.mark.parametrize(("ci", "option"), [("true", []), ("", ["--dsafe-require"])])
def test_inconclusive_checks_block_where_the_gate_must_hold(recorded, pytester, monkeypatch, ci, option, mode):
    _few(recorded.path / "suites")
    monkeypatch.setenv("CI", ci)
    result = pytester.runpytest_subprocess("-p", "dsafe_runner.plugin", "suites", *option, *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["2 checks: 1 passed, 1 inconclusive"])


@pytest.mark.parametrize("name", ["dsafe-recorder", "dsafe-xdist"])
def test_no_part_of_the_plugin_can_be_left_out_by_name(recorded, name):
    write_recorded(recorded.path / "suites", letter="B")
    assert recorded("suites", "-p", f"no:{name}").ret == 1


@pytest.mark.parametrize("module", ["dsafe_runner", "dsafe_runner.cli"])
def test_the_command_as_a_module_never_ends_in_silence(module, tmp_path):
    def ends(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False, cwd=ROOT
        )
        return done.returncode, done.stdout + done.stderr

    for arguments in ([], ["nosuch"], ["check", str(tmp_path / "gone.safety.yaml")]):
        code, said = ends(*arguments)
        assert code != 0
        assert said
    code, said = ends("--help")
    assert code == 0
    for verb in ("init", "check", "measure", "judge", "baseline", "sheet", "data", "train", "overlap", "doctor"):
        assert verb in said
    path = write_recorded(tmp_path / "suites")
    assert ends("check", str(path))[0] == 0
