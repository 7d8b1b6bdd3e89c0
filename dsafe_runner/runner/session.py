"""The gate during one session: plans by suite file, one run per suite.

The controller measures and leaves each run in its folder (`run_folder`); xdist workers load it from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dsafe_runner.errors import ConfigError, Mistake
from dsafe_runner.plan import Check, Plan, make_plan
from dsafe_runner.records import as_json
from dsafe_runner.runner.events import Listener
from dsafe_runner.runner.measured import Run
from dsafe_runner.runner.run_folder import read_run, write_run
from dsafe_runner.suite.load import load_suite
from dsafe_runner.verdicts.power import power_sentence
from dsafe_runner.verdicts.results import Decided


@dataclass
class GateSession:
    """Plans and runs of a session.

    reports  the folder that run folders are made in
    stamp    UTC time of the session's start; run folders are `<stamp>-<suite>`
    store    the response store
    replay   folder of a run measured elsewhere, which is decided instead of measuring here
    """

    reports: Path
    stamp: str
    store: Path
    replay: Path | None = None
    required: dict[Path, bool] = field(default_factory=dict)
    _plans: dict[Path, Plan] = field(default_factory=dict)
    _runs: dict[Path, Run] = field(default_factory=dict)
    _servers: set[str] = field(default_factory=set)

    def plan(self, path: Path) -> Plan:
        """The plan of a suite file, made once.

        Raises:
            ConfigError: mistakes in the file, or another suite of this session has its name, and so its run folder:
                a worker would decide one suite on the scores of the other.
        """
        if path not in self._plans:
            plan = make_plan(load_suite(path))
            name = plan.loaded.suite.suite
            for other in self._plans.values():
                # casefold: there are file systems on which Demo and demo are one folder
                if other.loaded.suite.suite.casefold() == name.casefold():
                    what = f"{other.loaded.path} is a suite named {other.loaded.suite.suite} too"
                    raise ConfigError([Mistake(*plan.loaded.where("suite"), what, "give each suite a name of its own")])
            self._plans[path] = plan
        return self._plans[path]

    def folder(self, path: Path) -> Path:
        """The run folder of a suite."""
        return self.reports / f"{self.stamp}-{self.plan(path).loaded.suite.suite}"

    def measure(self, path: Path, checks: Iterable[Check], listener: Listener | None, required: bool) -> Run:
        """Measure what the checks of one suite need, once, and leave it where workers find it."""
        # collection needs plans only; what engines and stores import is paid for when something is measured
        from dsafe_runner.runner.run import measure

        folder = self.folder(path)
        self.required[path] = required
        run = measure(
            self.plan(path),
            checks,
            store=self.store,
            folder=folder,
            listener=listener,
            download=required,
            replay=self.replay,
        )
        self._servers |= run.servers
        run.fail_gone(self.plan(path), self._servers)
        if not required:
            run.gate_whole()
        write_run(folder, run, required)
        self._runs[path] = run
        return run

    @property
    def runs(self) -> Mapping[Path, Run]:
        """What has been measured in this process."""
        return self._runs

    def run(self, path: Path) -> Run:
        """The run of a suite; in a worker, read from its folder.

        Raises:
            EvidenceError: the suite was never measured.
        """
        if path not in self._runs:
            self._runs[path], self.required[path] = read_run(self.folder(path), self.plan(path).loaded.sha256)
        return self._runs[path]

    def require_evidence(self, path: Path, check: Check) -> None:
        """Make sure a check can be decided.

        Raises:
            EvidenceError: a measurement failed, or was never made.
            UnavailableError: something is not on this machine.
        """
        self.run(path).require(check)

    def decide(self, path: Path, check: Check) -> Decided:
        """Decide one check; what it counts as after waivers."""
        return self.run(path).decide(self.plan(path), check)

    def record(self, path: Path, decided: Decided) -> dict[str, Any]:
        """A decided check with all that reports need, as JSON types."""
        check = decided.check
        suite = self.plan(path).loaded.suite
        return {
            "suite": suite.suite,
            "folder": str(self.folder(path)),
            "stage": suite.models[check.model].stage if check.model in suite.models else "other",
            "where": f"{check.where[0]}:{check.where[1]}",
            "model": check.model,
            "benchmark": check.benchmark,
            "slice": check.slice,
            "metric": check.metric,
            "rule": check.rule.value,
            "limit": check.limit,
            "versus": check.versus,
            "role": check.role,
            "result": decided.result.value,
            "line": decided.line,
            **as_json(decided.verdict),
            "foresight": power_sentence(self.plan(path), check),
        }
