"""Ways to a green build without evidence, and to a traceback for what is no bug, that were tried and are closed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dsafe_runner.benchmarks.registry import open_benchmark
from dsafe_runner.cli import main
from dsafe_runner.runner.store import Store

MODELS = Path(__file__).parents[2] / "recipes/tiny/models"


@pytest.mark.parametrize("mode", [[], ["-n2"]])
def test_xfail_does_not_excuse_a_check(project, mode):
    project.makeconftest(
        """
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items:
                item.add_marker(pytest.mark.xfail)
        """
    )
    result = project.runpytest_subprocess("-p", "dsafe_runner.plugin", "suites", *mode)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ERROR: a check that did not pass was reported as if it had*"])


def test_a_plugin_that_turns_inconclusive_into_passed_is_found_out(gate, project, rewrite):
    rewrite("policy: {uncertainty: none, max_no_answer: 1.0}", "policy: {uncertainty: none, max_no_answer: 0.0}")
    rewrite("max_tokens: 96, temperature: 0.0", "max_tokens: 3, temperature: 0.0")
    project.makeconftest(
        """
        import pytest

        @pytest.hookimpl(wrapper=True, tryfirst=True)
        def pytest_runtest_makereport():
            report = yield
            report.outcome = "passed"
            return report
        """
    )
    assert gate("suites", "-k", "safe and overall and min and not wrong").ret == pytest.ExitCode.TESTS_FAILED


def test_every_response_missing_is_no_pass(gate, rewrite):
    """Every prompt is longer than the context: engines run, and not one answer comes back."""
    rewrite("threads: 1", "threads: 1, context_length: 16")
    rewrite("max_no_answer: 1.0}", "max_no_answer: 1.0, max_missing: 1.0}")
    rewrite("acc, model: safe, min: 0.5", "acc, model: safe, min: 0.01")
    result = gate("suites", "-k", "mcq and overall and min")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["INCONCLUSIVE safe::mcq/overall*12 answers are missing*"])


def test_a_stray_yaml_is_found_from_inside_the_folder(project, monkeypatch):
    """Without an ini file suites/ itself becomes the root."""
    (project.path / "pytest.ini").unlink()
    (project.path / "suites/forgotten.yaml").write_text("suite: forgotten\n")
    monkeypatch.chdir(project.path / "suites")
    result = project.runpytest_inprocess("-p", "dsafe_runner.plugin", "--rootdir=.")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*forgotten.yaml:1:1: *rename it to forgotten.safety.yaml*"])


def test_several_responses_of_a_greedy_model_are_one(gate, rewrite):
    rewrite("path: mcq.jsonl, sampling: {max_tokens: 96, temperature: 0.0}", "path: mcq.jsonl, samples: 3")
    result = gate("suites")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["suites/demo.safety.yaml:11:*samples: 3, but base is greedy*add a temperature*"])


@pytest.mark.parametrize("mode", [[], ["-n2"]])
def test_a_reports_folder_that_cannot_be_written_is_one_line(project, mode):
    (project.path / "occupied").write_text("")
    result = project.runpytest_subprocess("-p", "dsafe_runner.plugin", "suites", "--dsafe-reports", "occupied", *mode)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *events.jsonl: cannot be written (Not a directory)*"])
    assert "INTERNALERROR" not in str(result.stdout)


def test_a_report_that_cannot_be_written_turns_a_green_run_red(project):
    """The disk is full at the very end, when every check has passed."""
    project.makeconftest(
        """
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_teardown(item):
            (folder,) = item.config.rootpath.glob("reports/*")
            (folder / "verdicts.json").mkdir(exist_ok=True)
        """
    )
    result = project.runpytest_subprocess("-p", "dsafe_runner.plugin", "suites", "-k", "safe and mcq")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["ERROR: *verdicts.json: cannot be written*"])


def test_a_damaged_store_is_one_line(gate, project):
    with Store(project.path / ".dsafe/store.sqlite") as store:
        store._run("UPDATE responses SET body = '{'")
    result = gate("suites")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *store.sqlite: a row is damaged*"])


def test_the_checkpoints_own_code_is_another_model(gate, rewrite):
    rewrite("stage: safe, engine: local", "stage: safe, engine: local, trust_remote_code: true")
    result = gate("suites", "-k", "safe and mcq and overall and min")
    result.stdout.fnmatch_lines(["dsafe: safe on cpu: 12 responses to ask, *"])


def test_a_short_free_answer_stays_in_the_store(gate, project, rewrite):
    """What a model wrote after `Answer:` is its text, whatever the benchmark thinks of it."""
    with (project.path / "suites/ask.jsonl").open("w") as file:
        for sample in open_benchmark("tiny/refusal").samples()[::15]:
            row = {"kind": "short", "id": sample.id, "prompt": sample.messages[0].content, "answer": "x"}
            file.write(json.dumps(row) + "\n")
    rewrite("use: tiny/refusal, judge: rules", "use: custom, path: ask.jsonl")
    limit = "ask, metric: acc, model: safe, versus: base, max_drop: 0}"
    rewrite("ask, metric: rr-1, model: [base, safe], min: 0.5}", limit)
    result = gate("suites", "-k", "safe and ask")
    assert result.ret == 0
    lines = [line for f in project.path.glob("reports/*/scores/*.jsonl") for line in f.read_text().splitlines()[1:]]
    assert [score[2] for line in lines for score in json.loads(line)["scores"]] == [None] * 24


def test_a_chat_template_that_quotes_the_prompt_is_not_repeated(gate, project, repoint):
    shutil.copytree(MODELS / "base", project.path / "quoting")
    template = project.path / "quoting/chat_template.jinja"
    refusal = "{% if messages[0].content|length > 3 %}{{ raise_exception(messages[0].content) }}{% endif %}"
    template.write_text(refusal + template.read_text())
    repoint("safe", "../quoting")
    result = gate("suites", "-k", "safe and mcq and overall and min")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["dsafe: warning: safe: no response to *: the prompt was refused, with a reason*"])
    prompt = json.loads((project.path / "suites/mcq.jsonl").read_text().splitlines()[0])["messages"][0]["content"]
    told = str(result.stdout) + "".join(f.read_text() for f in project.path.glob("reports/*/*") if f.is_file())
    assert prompt.splitlines()[0][:8] not in told


def test_measuring_without_pytest_says_when_responses_are_missing(project, rewrite, capsys):
    """The questions with options are longer than the context."""
    rewrite("threads: 1", "threads: 1, context_length: 16")
    assert main(["measure", "suites/demo.safety.yaml", "--model", "base"]) == 4
    assert "not measured: base: no response to 12 requests" in capsys.readouterr().err


@pytest.mark.parametrize(
    "hook",
    [
        "def pytest_collection_modifyitems(items): items[:] = [i for i in items if 'wrong' not in i.nodeid]",
        "@pytest.hookimpl(trylast=True)\n"
        "def pytest_collection_modifyitems(items): items[:] = [i for i in items if 'wrong' not in i.nodeid]",
        "@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
        "def pytest_collection_modifyitems(items):\n"
        "    yield\n"
        "    items[:] = [i for i in items if 'wrong' not in i.nodeid]",
        "def pytest_collection_finish(session):\n"
        "    session.items[:] = [i for i in session.items if 'wrong' not in i.nodeid]",
    ],
    ids=["plain", "last", "wrapper", "at the finish"],
)
def test_checks_that_a_conftest_takes_away_in_silence_are_an_error(gate, project, hook):
    (project.path / "conftest.py").write_text(f"import pytest\n\n\n{hook}\n")
    result = gate("suites")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*demo.safety.yaml:1:1: 1 of its checks were taken away*wrong/overall*"])


def test_checks_that_are_taken_away_in_a_worker_are_an_error(project):
    (project.path / "conftest.py").write_text(
        "def pytest_collection_modifyitems(items): items[:] = [i for i in items if 'wrong' not in i.nodeid]\n"
    )
    result = project.runpytest_subprocess("-p", "dsafe_runner.plugin", "suites", "-n2")
    assert result.ret in (1, 2)
    result.stdout.fnmatch_lines(["*demo.safety.yaml:1:1: 1 of its checks were taken away*"])


def test_a_conftest_that_says_what_it_deselects_may(gate, project):
    (project.path / "conftest.py").write_text(
        "def pytest_collection_modifyitems(config, items):\n"
        "    gone = [i for i in items if 'wrong' in i.nodeid]\n"
        "    items[:] = [i for i in items if 'wrong' not in i.nodeid]\n"
        "    config.hook.pytest_deselected(items=gone)\n"
    )
    result = gate("suites")
    assert result.ret == 0
    assert result.parseoutcomes()["deselected"] == 1
