"""No suite lies unseen: what a run would not gate is named, or left out in the open."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from recorded_suite import write_recorded


@pytest.fixture
def looks(recorded):
    """Collect only: everything about files is known before anything is measured."""
    write_recorded(recorded.path / "suites")

    def run(*arguments: str) -> pytest.RunResult:
        return recorded(*(arguments or ("suites",)), "--collect-only", "-q")

    run.path = recorded.path
    return run


def _named(result: pytest.RunResult) -> list[str]:
    """The files that collection errors name; none where the run was not stopped by them."""
    if result.ret != pytest.ExitCode.INTERRUPTED:
        return []
    # the short summary says it once more, behind ERROR
    told = [line for line in result.outlines if ":1:1: " in line and not line.startswith("ERROR ")]
    return sorted({line.split(":1:1: ")[0] for line in told})


@pytest.mark.parametrize(
    "place",
    [
        "dist/bad.safety.yaml",
        "build/x/bad.safety.yaml",
        ".hidden/bad.safety.yaml",
        "BAD.SAFETY.YAML",
        "Bad.Safety.Yml",
        "bad.safety.yml",
        "_darcs2/dist/bad.safety.yml",
        "own/bad.safety.yaml",
    ],
)
def test_a_suite_that_pytest_does_not_enter_is_an_error(looks, place):
    (looks.path / "pytest.ini").write_text("[pytest]\nnorecursedirs = own dist build .*\n")
    path = looks.path / "suites" / place
    write_recorded(path.parent, "bad").rename(path)
    if path.parent == looks.path / "suites":
        write_recorded(path.parent)
    assert _named(looks()) == [f"suites/{place}"]


@pytest.mark.parametrize("arguments", [["suites"], ["."], [], ["--rootdir=.", "suites", "-k", "nosuch"]])
def test_however_pytest_is_told_where_to_look(looks, recorded, arguments):
    (looks.path / "pytest.ini").write_text("[pytest]\ntestpaths = suites\n")
    write_recorded(looks.path / "suites/dist", "bad")
    assert recorded(*arguments, "--collect-only").ret == pytest.ExitCode.INTERRUPTED


@pytest.mark.parametrize("mode", [[], ["-n2"]])
def test_nothing_is_measured_and_nothing_green(recorded, pytester, mode):
    write_recorded(recorded.path / "suites")
    write_recorded(recorded.path / "suites/dist", "bad")
    result = pytester.runpytest_subprocess("-p", "dsafe_runner.plugin", "suites", *mode)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["suites/dist/bad.safety.yaml:1:1: *"])
    assert not (recorded.path / "reports").exists()


def test_a_conftest_hides_no_suite(looks):
    write_recorded(looks.path / "suites/more", "more")
    (looks.path / "suites/conftest.py").write_text('collect_ignore = ["more"]\n')
    assert _named(looks()) == ["suites/more/more.safety.yaml"]


@pytest.mark.parametrize(
    "option", ["--ignore=suites/dist", "--ignore=suites/dist/bad.safety.yaml", "--ignore-glob=*bad*"]
)
def test_what_the_command_line_leaves_out_is_told(looks, option):
    write_recorded(looks.path / "suites/dist", "bad")
    result = looks("suites", option)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["left out by --ignore: suites/dist/bad.safety.yaml"])


def test_what_is_deselected_is_told(looks):
    result = looks("suites", "--deselect=suites/rec.safety.yaml::dist::mcq/overall[acc-min]")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["left out by --deselect: suites/rec.safety.yaml::dist*"])


def test_other_peoples_files_are_left_alone(looks):
    places = ("venv/lib", "node_modules", "lib/site-packages", "vendor/repo", ".dsafe", "reports/20260101T000000Z-x")
    for place in places:
        write_recorded(looks.path / "suites" / place / "dist", "theirs")
    (looks.path / "suites/venv/pyvenv.cfg").write_text("")
    (looks.path / "suites/vendor/repo/.git").mkdir()
    (looks.path / "suites/reports/20260101T000000Z-x/run.json").write_text("{}")
    assert looks().ret == 0


def test_links_that_lead_in_a_circle_end(looks):
    (looks.path / "suites/dist").mkdir()
    (looks.path / "suites/dist/again").symlink_to(looks.path / "suites")
    (looks.path / "suites/dist/self").symlink_to(looks.path / "suites/dist")
    assert looks().ret == 0


def test_a_link_to_a_folder_is_looked_into(looks):
    write_recorded(looks.path / "elsewhere", "bad")
    (looks.path / "suites/build").symlink_to(looks.path / "elsewhere")
    assert _named(looks()) == ["suites/build/bad.safety.yaml"]


@pytest.mark.parametrize("name", ["gone.safety.yaml", "gone.fragment.yaml", "gone.yml", "gone"])
def test_a_link_to_nothing_is_an_error(looks, name):
    (looks.path / "suites" / name).symlink_to(looks.path / "nowhere")
    assert _named(looks()) == [f"suites/{name}"]


def test_files_that_a_suite_names_are_no_stray_files(looks):
    suite = looks.path / "suites/rec.safety.yaml"
    suite.write_text(suite.read_text().replace("./safe.jsonl", "./models/safe/safe.jsonl"))
    for place in ("models/safe", "templates"):
        (looks.path / "suites" / place).mkdir(parents=True)
    (looks.path / "suites/safe.jsonl").rename(looks.path / "suites/models/safe/safe.jsonl")
    template = Path(__file__).parents[2] / "dsafe_runner/judges/templates/chisafetybench.yaml"
    shutil.copy(template, looks.path / "suites/templates/ours.yaml")
    judge = "judges:\n  ours: {kind: llm, template: ./templates/ours.yaml, path: m, engine: srv}\nbenchmarks:"
    text = suite.read_text().replace("benchmarks:", judge)
    suite.write_text(
        text.replace("engines:\n", "engines:\n  srv: {backend: openai, base_urls: ['http://127.0.0.1:9/v1']}\n")
    )
    assert looks().ret == 0
    assert looks("suites/templates", "suites/rec.safety.yaml").ret == 0
    shutil.copy(template, looks.path / "suites/templates/other.yaml")
    assert _named(looks()) == ["suites/templates/other.yaml"]


PART = "thresholds:\n  - {benchmark: mcq, metric: acc, model: safe, per: [overall], max: 0.99}\n"


def test_a_fragment_that_nothing_includes_is_an_error(looks):
    (looks.path / "suites/part.fragment.yaml").write_text(PART)
    assert _named(looks()) == ["suites/part.fragment.yaml"]
    (looks.path / "suites/part.fragment.yaml").write_text("judges: {other: {kind: rules}}\n")
    assert looks().ret == 0


def test_a_fragment_included_from_another_folder_is_fine(looks):
    (looks.path / "parts/suites").mkdir(parents=True)
    suite = looks.path / "suites/rec.safety.yaml"
    head, thresholds = suite.read_text().split("thresholds:\n")
    (looks.path / "parts/suites/part.fragment.yaml").write_text("thresholds:\n" + thresholds)
    suite.write_text(head + "include: ../parts/suites/part.fragment.yaml\n")
    assert looks("suites", "parts").ret == 0
    assert looks("parts").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_fragment_may_be_left_out_by_the_ini(looks, monkeypatch):
    (looks.path / "suites/part.fragment.yaml").write_text(PART)
    (looks.path / "pytest.ini").write_text("[pytest]\ndsafe_may_be_absent = suites/*.fragment.yaml\n")
    result = looks()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["NOT GATED, allowed by dsafe_may_be_absent*: suites/part.fragment.yaml"])
    monkeypatch.setenv("CI", "true")
    assert _named(looks()) == ["suites/part.fragment.yaml"]


def test_a_whole_suite_that_is_called_a_fragment_is_an_error(looks):
    shutil.copy(looks.path / "suites/rec.safety.yaml", looks.path / "suites/bad.fragment.yaml")
    result = looks()
    assert _named(result) == ["suites/bad.fragment.yaml"]
    result.stdout.fnmatch_lines(["*rename it to bad.safety.yaml*"])


def test_suites_in_capitals_are_suites(looks):
    (looks.path / "suites").rename(looks.path / "Suites")
    (looks.path / "Suites/forgotten.yaml").write_text("suite: forgotten\n")
    assert _named(looks("Suites")) == ["Suites/forgotten.yaml"]


def test_patterns_of_names_with_a_folder_in_them_are_refused(looks):
    write_recorded(looks.path / "gates", "bad")
    (looks.path / "pytest.ini").write_text("[pytest]\ndsafe_suites = gates/*.yaml\n")
    result = looks("gates")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *pytest.ini: dsafe_suites: 'gates/?.yaml'*gates/bad.safety.yaml*"])


@pytest.mark.parametrize("patterns", ["*.gate", "*.gate.yaml", ""])
def test_other_patterns_hide_no_suite(looks, patterns):
    (looks.path / "pytest.ini").write_text(f"[pytest]\ndsafe_suites = {patterns}\n")
    assert _named(looks()) == ["suites/rec.safety.yaml"]
