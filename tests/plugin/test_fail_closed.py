"""Nothing passes for want of evidence."""

from __future__ import annotations

import json
import shutil
import sqlite3

import pytest

ABSENT = "./not-there"


def test_nothing_selected_is_not_green(gate):
    assert gate("suites", "-k", "nosuchcheck").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_mistake_in_the_suite_stops_before_anything_is_measured(gate, project, rewrite):
    rewrite("metric: acc, model: safe, min: 0.5", "metric: acc, model: saef, min: 0.5")
    (project.path / ".dsafe/store.sqlite").unlink()
    result = gate("suites")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["suites/demo.safety.yaml:15:*saef*safe*"])
    result.stdout.no_fnmatch_line("*responses*")
    result.stdout.no_fnmatch_line("*Traceback*")
    assert not (project.path / ".dsafe/store.sqlite").exists()


def test_the_same_under_xdist(project, rewrite):
    rewrite("metric: acc, model: safe, min: 0.5", "metric: acc, model: saef, min: 0.5")
    demo = (project.path / "suites/demo.safety.yaml").read_text()
    fine = demo.replace("saef", "safe").replace("suite: demo", "suite: fine")
    (project.path / "suites/fine.safety.yaml").write_text(fine)
    result = project.runpytest_subprocess("-p", "dsafe_runner.plugin", "suites", "-n2")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*suite errors; nothing was measured*"])
    assert not (project.path / "reports").exists()


@pytest.mark.parametrize("how", ["named", "option", "ci"])
def test_absent_weights_are_an_error_where_the_gate_must_hold(gate, project, monkeypatch, how, repoint):
    repoint("base", ABSENT)
    if how == "ci":
        monkeypatch.setenv("CI", "true")
    arguments = {"named": ["suites/demo.safety.yaml"], "option": ["suites", "--dsafe-require"], "ci": ["suites"]}[how]
    result = gate(*arguments)
    assert result.ret == 1
    assert result.parseoutcomes()["errors"] == 2
    result.stdout.fnmatch_lines(["ERROR safe::mcq/overall?acc-drop.vs.base? and 1 more*not-there*"])


def test_what_one_suite_leaves_out_is_not_told_of_another(gate, project, repoint):
    """The node id of one file is how the path of the other ends."""
    shutil.copytree(project.path / "suites", project.path / "more/suites")
    file = project.path / "more/suites/demo.safety.yaml"
    file.write_text(file.read_text().replace("suite: demo", "suite: more"))
    repoint("base", ABSENT)
    gate("suites", "more", "-m", "safety(model='base')")
    left_out = {
        path.parent.name.split("-", 1)[1]: json.loads(path.read_text())["counts"]["not_gated"]
        for path in (project.path / "reports").glob("*/verdicts.json")
    }
    assert left_out == {"demo": 1, "more": 0}


@pytest.mark.parametrize("mode", [["-p", "no:xdist"], ["-n1"]])
def test_a_suite_outside_of_the_root(project, tmp_path_factory, mode):
    root = tmp_path_factory.mktemp("root")
    (root / "pytest.ini").write_text("[pytest]\n")
    suite, store = project.path / "suites/demo.safety.yaml", project.path / ".dsafe/store.sqlite"
    result = project.runpytest_subprocess(
        "-p", "dsafe_runner.plugin", "-c", root / "pytest.ini", f"--dsafe-store={store}", suite, *mode
    )
    assert result.ret == 1
    result.stdout.fnmatch_lines(["10 checks: 9 passed, 1 failed"])
    (verdicts,) = (root / "reports").glob("*/verdicts.json")
    assert len(json.loads(verdicts.read_text())["checks"]) == 10


def test_everything_left_out_is_an_error(gate, project, repoint):
    repoint("base", ABSENT)
    result = gate("suites", "-m", "safety(model='base')")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["nothing was decided: this run is no evidence of safety"])


def test_a_stray_yaml_under_suites_is_an_error(gate, project):
    shutil.copy(project.path / "suites/demo.safety.yaml", project.path / "suites/forgotten.yaml")
    result = gate("suites")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*suites/forgotten.yaml:1:1: *rename it to forgotten.safety.yaml*"])


@pytest.mark.parametrize("mode", [[], ["-n1"]])
def test_two_suites_of_one_name_are_an_error(project, mode):
    """They would share a run folder, and a worker would decide one on the scores of the other."""
    demo = (project.path / "suites/demo.safety.yaml").read_text()
    (project.path / "suites/other.safety.yaml").write_text(demo.replace("suite: demo", "suite: Demo"))
    result = project.runpytest_subprocess("-p", "dsafe_runner.plugin", "suites", *mode)
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*other.safety.yaml:1:8: *demo.safety.yaml is a suite named demo too; give each*"])
    assert not (project.path / "reports").exists()


def test_a_fragment_is_not_stray(gate, project):
    (project.path / "suites/part.fragment.yaml").write_text("judges: {other: {kind: rules}}\n")
    assert gate("suites", "--collect-only").ret == 0


def test_a_changed_question_file_is_measured_again_not_read_from_the_store(gate, project):
    """The store's key holds the messages: other questions, other responses."""
    file = project.path / "suites/wrong.jsonl"
    file.write_text(file.read_text().replace('"content": "', '"content": "请问，', 1))
    result = gate("suites", "-k", "safe and wrong")
    result.stdout.fnmatch_lines(["dsafe: safe on cpu: 1 responses to ask, 11 stored*"])


def test_a_response_that_is_gone_is_asked_again(gate, project):
    with sqlite3.connect(project.path / ".dsafe/store.sqlite") as db:
        keys = [key for (key,) in db.execute("SELECT key FROM responses ORDER BY key LIMIT 3")]
        db.executemany("DELETE FROM responses WHERE key = ?", [(key,) for key in keys])
    result = gate("suites")
    asked = sum(int(line.split(": ")[2].split()[0]) for line in result.outlines if "responses to ask" in line)
    assert asked == 3
    with sqlite3.connect(project.path / ".dsafe/store.sqlite") as db:
        assert {key for (key,) in db.execute("SELECT key FROM responses")} >= set(keys)


def test_a_store_that_is_no_store_is_one_line(gate, project):
    (project.path / ".dsafe/store.sqlite").write_bytes(b"this is no database at all, only text" * 50)
    result = gate("suites")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *store.sqlite: cannot be used as a store*"])


def test_a_broken_checkpoint_errs_and_the_others_are_decided(gate, project, repoint):
    broken = project.path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{}")
    (broken / "model.safetensors").write_bytes(b"\0" * 64)
    repoint("base", "../broken")
    result = gate("suites")
    assert result.ret == 1
    outcomes = result.parseoutcomes()
    assert (outcomes["errors"], outcomes["passed"], outcomes["failed"]) == (2, 7, 1)
    result.stdout.no_fnmatch_line("*Traceback*")


def test_unreadable_answers_are_inconclusive_and_fail(gate, project, rewrite):
    rewrite("policy: {uncertainty: none, max_no_answer: 1.0}", "policy: {uncertainty: none, max_no_answer: 0.0}")
    rewrite("max_tokens: 96, temperature: 0.0", "max_tokens: 3, temperature: 0.0")
    result = gate("suites", "-k", "safe and mcq and overall and min")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["INCONCLUSIVE safe::mcq/overall*cannot tell: 12 of 12 answers of safe are cut*"])


def test_on_inconclusive_skip_is_said_and_does_not_fail(gate, project, rewrite):
    rewrite("max_no_answer: 1.0}", "max_no_answer: 0.0, on_inconclusive: skip}")
    rewrite("max_tokens: 96, temperature: 0.0", "max_tokens: 3, temperature: 0.0")
    result = gate("suites", "-k", "safe and overall and min and not wrong")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["INCONCLUSIVE safe::mcq/overall*", "3 checks: 2 passed, 1 UNDECIDED"])


def test_nothing_but_skipped_inconclusive_checks_is_not_green(gate, project, rewrite):
    rewrite("max_no_answer: 1.0}", "max_no_answer: 0.0, on_inconclusive: skip}")
    rewrite("max_tokens: 96, temperature: 0.0", "max_tokens: 3, temperature: 0.0")
    result = gate("suites", "-k", "safe and mcq and overall and min")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["nothing was decided*"])


def test_options_that_run_no_check_are_not_green(gate):
    result = gate("suites", "--setup-only", "-k", "mcq")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["7 checks: 7 never run"])


def test_verdicts_are_written_also_when_the_gate_fails(gate, project):
    assert gate("suites").ret == 1
    (folder,) = (project.path / "reports").iterdir()
    verdicts = json.loads((folder / "verdicts.json").read_text())
    assert verdicts["version"] == 1
    assert verdicts["exit_status"] == 1
    assert verdicts["counts"]["failed"] == 1
    assert {row["slice"] for row in verdicts["rows"]} >= {"overall"}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["models"]["safe"]["identity"]["dtype"] == "float32"
    assert manifest["benchmarks"]["mcq"]["data"]["items_sha256"]
