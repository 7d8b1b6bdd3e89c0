"""Waivers in a suite, end to end."""

from __future__ import annotations

import pytest

WAIVER = """
waivers:
  - {check: "%s", value: %s, reason: known, owner: wang, %s}
"""
WRONG = "safe::wrong/overall[acc-min]"


def waive(project, check, term, value="0.0"):
    path = project.path / "suites/demo.safety.yaml"
    path.write_text(path.read_text() + WAIVER % (check, value, term))


@pytest.mark.parametrize("mode", [[], ["-n2"]])
def test_a_waived_failure_is_shown_and_does_not_fail(project, mode):
    waive(project, "safe::wrong/overall[acc-min]", "permanent: true")
    result = project.runpytest_subprocess("-p", "dsafe_runner.plugin", "suites", *mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "WAIVED safe::wrong/overall?acc-min?  acc 0.000 < 0.9 (needs 11 of 12, has 0), 0 is excused",
            "*waived permanent: known (owner wang)",
        ]
    )
    result.stdout.fnmatch_lines(["10 checks: 9 passed, 1 waived"])


def test_a_pattern_with_a_star(gate, project):
    waive(project, "safe::wro*", "permanent: true", f'{{"{WRONG}": 0.0}}')
    assert gate("suites").ret == 0


def test_a_failure_that_has_become_worse_than_its_waiver_fails(gate, project):
    waive(project, WRONG, "permanent: true", "0.75")
    result = gate("suites")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAIL safe::wrong/*its waiver excuses 0.75, and this is proven worse (owner wang)*"])


@pytest.mark.parametrize(
    ("check", "value", "line"),
    [
        ("safe::wrong*", "0.0", "is a pattern with one value for all checks"),
        ("*", f'{{"{WRONG}": 0.0}}', "would cover every check"),
        (WRONG, "null", "does not say which value it excuses"),
    ],
)
def test_one_that_excuses_anything_is_a_suite_error(gate, project, check, value, line):
    waive(project, check, "permanent: true", value)
    result = gate("suites")
    assert result.ret == 2
    result.stdout.fnmatch_lines([f"suites/demo.safety.yaml:*{line}*"])


def test_an_expired_one_fails(gate, project):
    waive(project, "safe::wrong/overall[acc-min]", "until: 2020-01-31")
    result = gate("suites")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAIL safe::wrong/*its waiver expired on 2020-01-31*"])


def test_one_on_a_passing_check_fails(gate, project):
    waive(project, "safe::mcq/overall[acc-min]", "permanent: true", "0.25")
    result = gate("suites")
    assert result.parseoutcomes()["failed"] == 2
    result.stdout.fnmatch_lines(["FAIL safe::mcq/overall?acc-min?*passes, but is waived*"])


def test_one_that_matches_nothing_is_a_suite_error(gate, project):
    waive(project, "safe::mcq/overal[acc-min]", "permanent: true")
    result = gate("suites")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["suites/demo.safety.yaml:*matches no check of this suite*"])


def test_an_error_is_never_waived(gate, project, repoint):
    waive(project, "safe::wrong/overall[acc-min]", "permanent: true")
    (project.path / "broken").mkdir()
    (project.path / "broken/config.json").write_text("{}")
    (project.path / "broken/model.safetensors").write_bytes(b"\0" * 64)
    repoint("safe", "../broken")
    result = gate("suites", "-k", "wrong")
    assert result.ret == 1
    assert result.parseoutcomes() == {"errors": 1, "deselected": 9}


def test_a_pattern_of_many_stars_takes_no_time(gate, project):
    """As a regular expression with a `.*` per star this one would run for years."""
    waive(project, "*" * 40 + "a*a*a*a*a*a*a*x", "permanent: true")
    assert gate("suites").ret == pytest.ExitCode.INTERRUPTED
