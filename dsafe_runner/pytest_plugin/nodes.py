"""Suite files as pytest nodes: SuiteFile -> ModelNode -> CheckItem.

A check's item only looks up what the measure phase found and decides; it never measures. Imports of the suite loader
are deferred to collection, so that loading the plugin costs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dsafe_runner.plan import Check, Plan

GATE: pytest.StashKey[Any] = pytest.StashKey()
"""The session's plans and runs (a measure.session.GateSession, made on first use), on the config."""


class CheckFailed(Exception):
    """The check is outside its limit, or its waiver does not hold."""


class CheckInconclusive(Exception):
    """There is not enough evidence to decide."""


class CheckWaived(Exception):
    """The check is outside its limit and somebody has taken responsibility for it."""


class SuiteFile(pytest.File):
    """A `*.safety.yaml`."""

    def collect(self) -> Iterator[ModelNode]:
        """One node per model that has checks. Any mistake in the suite is a collection error of one line each."""
        plan = self.config.stash[GATE].plan(self.path)
        from dsafe_runner.plan import require_checks

        for model in dict.fromkeys(check.model for check in require_checks(plan).checks):
            yield ModelNode.from_parent(self, name=model, plan=plan)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Our own errors are their message; a traceback is reserved for bugs."""
        from dsafe_runner.errors import DsafeError

        if isinstance(excinfo.value, DsafeError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


class StrayFile(pytest.File):
    """A YAML file under suites/ that is no suite: left alone it would be a gate nobody runs."""

    def __init__(self, *, why: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.why = why

    def collect(self) -> Iterable[pytest.Item]:
        """Always an error.

        Raises:
            CollectError: saying what to do with the file.
        """
        raise self.CollectError(f"{shown(self.path)}:1:1: {self.why}")


class ModelNode(pytest.Collector):
    """All checks of one model."""

    def __init__(self, *, plan: Plan, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan = plan

    def collect(self) -> Iterator[CheckItem]:
        """One item per check, in suite order."""
        for check in self.plan.checks:
            if check.model == self.name:
                # the id is passed, not derived: pytest 9.2 parses the brackets of a derived one and breaks --lf
                # (pytest#15045)
                yield CheckItem.from_parent(
                    self, name=check.name, nodeid=f"{self.nodeid}::{check.name}", check=check, plan=self.plan
                )


class CheckItem(pytest.Item):
    """One check."""

    def __init__(self, *, check: Check, plan: Plan, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check
        self.plan = plan
        self.left_out = False
        self.add_marker(
            pytest.mark.safety(model=check.model, benchmark=check.benchmark, category=check.slice, metric=check.metric)
        )

    def reportinfo(self) -> tuple[Path, int, str]:
        """The YAML line of the limit (0-based), so that an editor jumps to it."""
        return self.path, self.check.where[1] - 1, self.check.id

    def setup(self) -> None:
        """Look up the measurements. What is not on this machine leaves the check out where the suite may be left out.

        Raises:
            EvidenceError: a measurement failed or was never made.
            UnavailableError: something is not here, and the suite must be decided.
        """
        from dsafe_runner.errors import UnavailableError

        gate = self.config.stash[GATE]
        try:
            gate.require_evidence(self.path, self.check)
        except UnavailableError as error:
            if gate.required[self.path]:
                raise
            self.left_out = True
            pytest.skip(f"NOT GATED: {error}")

    def runtest(self) -> None:
        """Decide, and leave the verdict on the report."""
        from dsafe_runner.verdicts.waivers import Result

        gate = self.config.stash[GATE]
        decided = gate.decide(self.path, self.check)
        verdict, result = decided.verdict, decided.result
        record = gate.record(self.path, decided)
        self.user_properties.append(("dsafe", json.dumps(record, ensure_ascii=False)))
        if (estimate := verdict.estimate) is not None:
            self.user_properties.extend(
                [
                    ("result", result.value),
                    ("metric", self.check.metric),
                    ("k", estimate.k),
                    ("n", estimate.n),
                    # where answers are missing there is no value, only from where to where it could be
                    *([] if estimate.value is None else [("value", estimate.value)]),
                    ("least", estimate.least),
                    ("most", estimate.most),
                    ("low", estimate.low),
                    ("high", estimate.high),
                    ("limit", self.check.limit),
                    ("rule", self.check.rule.value),
                    ("missing", estimate.missing),
                    *((f"missing: {cause}", count) for cause, count in estimate.gaps.items()),
                    ("role", self.check.role),
                    ("confidence", self.check.confidence),
                    ("p", verdict.details.get("p")),
                    ("foresight", record["foresight"]),
                ]
            )
        # the numbers come first: pytest cuts its summary lines at the right
        text = f"{decided.line} [{self.check.where[0]}:{self.check.where[1]}]"
        if result is Result.FAILED:
            raise CheckFailed(text)
        if result is Result.INCONCLUSIVE:
            raise CheckInconclusive(text)
        if result is Result.WAIVED:
            raise CheckWaived(text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """One line for everything said on purpose."""
        from dsafe_runner.errors import DsafeError

        if isinstance(excinfo.value, (CheckFailed, CheckInconclusive, CheckWaived, DsafeError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


def shown(path: Path) -> str:
    """A path as messages print it: relative to the working directory where it lies below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
