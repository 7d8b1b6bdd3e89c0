"""What became of the selected checks, gathered in the controller, and the end of the run that follows from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dsafe_runner.pytest_plugin.exit_status import MAY_BE_ABSENT, allowed, exit_status, undecided
from dsafe_runner.pytest_plugin.nodes import GATE
from dsafe_runner.pytest_plugin.unseen import survey

SELECTED: pytest.StashKey[set[str]] = pytest.StashKey()
"""Ids of the checks that pytest was asked to run."""


class Recorder:
    """Collects verdicts from reports, which reach the controller from workers too, and ends the run with them.

    is_suite  tells the node ids of suites
    """

    def __init__(self, config: pytest.Config, is_suite: Callable[[str], bool]) -> None:
        self.config = config
        self.is_suite = is_suite
        self.records: dict[str, dict[str, Any]] = {}
        self.not_gated: dict[str, list[str]] = {}
        self.errors: dict[str, str] = {}
        self.problems: list[str] = []

    @property
    def left_out(self) -> list[str]:
        """Ids of the checks that were not gated."""
        return [nodeid for ids in self.not_gated.values() for nodeid in ids]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the verdict of a check, or why there is none; by id, as a check may be run twice (`--dist each`)."""
        for name, value in report.user_properties:
            if name == "dsafe" and report.when == "call":
                self.records[report.nodeid] = json.loads(str(value))
        if getattr(report, "dsafe", None) == "not-gated" and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: NOT GATED: ")
            self.not_gated.setdefault(reason, []).append(report.nodeid)
        if report.failed and getattr(report, "dsafe", None) is None and self.is_suite(report.nodeid):
            self.errors[report.nodeid] = report.longreprtext.strip().splitlines()[-1]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the run folders; a session that left a selected check undecided must not be green."""
        gate, selected = self.config.stash[GATE], self.config.stash[SELECTED]
        if not selected:
            return
        status = exit_status(self.config, gate, selected, self.records, self.left_out, self.errors, exitstatus)
        if status == pytest.ExitCode.TESTS_FAILED != exitstatus:
            # xfail, or a plugin that rewrites outcomes: only a waiver excuses a check
            self.problems.append("a check that did not pass was reported as if it had; waive it in the suite instead")
        session.exitstatus = status
        from dsafe_runner.errors import DsafeError
        from dsafe_runner.report.run_folder import write_folders

        try:
            write_folders(
                gate, self.config.rootpath, list(self.records.values()), self.not_gated, self.errors, int(status)
            )
        except DsafeError as error:
            self.problems.append(str(error))
            session.exitstatus = status or pytest.ExitCode.USAGE_ERROR

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The safety gate's own section."""
        selected = self.config.stash[SELECTED]
        for problem in self.problems:
            terminalreporter.write_line(f"ERROR: {problem}", red=True)
        told = survey(self.config, None).told if self._may_leave_out() else []
        if selected:
            self._summarise(terminalreporter)
        for line in told:
            terminalreporter.write_line(line, yellow=True)

    def _may_leave_out(self) -> bool:
        option = self.config.option
        said = [getattr(option, name, None) for name in ("ignore", "ignore_glob", "deselect")]
        return any(said) or bool(self.config.getini(MAY_BE_ABSENT))

    def _summarise(self, terminalreporter: Any) -> None:
        gate, selected, option = self.config.stash[GATE], self.config.stash[SELECTED], self.config.option
        absent = allowed(self.config, self.left_out)
        if option.verbose >= -1 and not getattr(option, "no_summary", False):
            from dsafe_runner.report.terminal import write_summary

            records = list(self.records.values())
            skipped = sum(undecided(self.config, gate, record) for record in records)
            write_summary(terminalreporter, gate, records, self.not_gated, self.errors, len(selected), skipped, absent)
        for file, pattern in absent.items():
            if pattern is not None:
                count = sum(nodeid.startswith(f"{file}::") for nodeid in self.left_out)
                line = f"NOT GATED, allowed by dsafe_may_be_absent ({pattern}): {file}, {count} checks"
                terminalreporter.write_line(line, yellow=True)
