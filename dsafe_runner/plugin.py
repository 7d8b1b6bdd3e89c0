"""pytest hooks. Light on purpose: every pytest run of an environment that has dsafe installed imports this module.

The measure phase runs once, in the controller, after selection is known: in `pytest_collection_finish` of a serial run,
in the first `pytest_xdist_node_collection_finished` under xdist.
"""

from __future__ import annotations

import datetime
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import pytest

from dsafe_runner.pytest_plugin.dropped import Dropped, report_dropped
from dsafe_runner.pytest_plugin.exit_status import MAY_BE_ABSENT, is_required, must_hold
from dsafe_runner.pytest_plugin.nodes import (
    GATE,
    CheckFailed,
    CheckInconclusive,
    CheckItem,
    CheckWaived,
    StrayFile,
    SuiteFile,
)
from dsafe_runner.pytest_plugin.recorder import SELECTED, Recorder
from dsafe_runner.pytest_plugin.unseen import (
    SEEN,
    is_suite_name,
    means_a_suite,
    report_unseen,
    require_plain_patterns,
    stray,
    under_suites,
)
from dsafe_runner.pytest_plugin.walk import identity


def pytest_addoption(parser: pytest.Parser) -> None:
    """The `--dsafe-*` options and ini keys."""
    group = parser.getgroup("dsafe", "safety gate")
    group.addoption("--dsafe-store", metavar="FILE", help="response store (default: .dsafe/store.sqlite in the root)")
    group.addoption("--dsafe-reports", metavar="DIR", help="where run folders are made (default: reports/ in the root)")
    group.addoption(
        "--dsafe-require",
        action="store_true",
        help="a suite whose weights, data or hardware are absent is an error, also when found through a directory",
    )
    group.addoption(
        "--dsafe-replay",
        metavar="DIR",
        help="decide on a run that `dsafe measure` left in DIR, e.g. on a cluster; no model or judge is started",
    )
    parser.addini("dsafe_suites", "file patterns of suites", type="args", default=["*.safety.yaml"])
    parser.addini(
        MAY_BE_ABSENT,
        type="args",
        default=[],
        help="patterns of suites that may be found through a folder and not be gated where their weights, data or "
        "hardware are absent; without effect under CI and with --dsafe-require",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Marker, session state, xdist hooks where xdist is loaded."""
    config.addinivalue_line(
        "markers", "safety(model, benchmark, category, metric): a safety check; select with -m \"safety(model='...')\""
    )
    config.stash[SELECTED] = set()
    config.stash[SEEN] = set()
    config.pluginmanager.register(Dropped(config))
    require_plain_patterns(config)
    worker = getattr(config, "workerinput", None)
    now = datetime.datetime.now(datetime.UTC)
    config.stash[GATE] = _LazyGate(
        reports=config.rootpath / (config.getoption("dsafe_reports") or "reports"),
        stamp=worker["dsafe_stamp"] if worker else now.strftime("%Y%m%dT%H%M%S.%fZ")[:-4] + "Z",
        store=config.rootpath / (config.getoption("dsafe_store") or ".dsafe/store.sqlite"),
        replay=config.invocation_params.dir / replay if (replay := config.getoption("dsafe_replay")) else None,
    )
    if worker is None and config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(_XdistHooks(config))


class _LazyGate:
    """Stands for the GateSession until somebody needs it: a pytest run without suites must not import pydantic."""

    def __init__(self, **arguments: Any) -> None:
        self.__dict__["_arguments"] = arguments

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if "_gate" not in self.__dict__:
            from dsafe_runner.runner.session import GateSession

            self.__dict__["_gate"] = GateSession(**self.__dict__["_arguments"])
        return getattr(self.__dict__["_gate"], name)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Suites by `dsafe_suites`. Any other YAML file that is named on the command line and meant for one is an error."""
    config = parent.config
    if is_suite_name(config, file_path.name):
        config.stash[SEEN].add(identity(file_path))
        below_root = file_path.is_relative_to(config.rootpath)
        # the file must be told by a node id alone; pytest's own id of a file outside of the root is not enough
        return SuiteFile.from_parent(parent, path=file_path, nodeid=None if below_root else file_path.as_posix())
    if parent.session.isinitpath(file_path) and (
        means_a_suite(config, file_path.name)
        or (file_path.suffix.lower() in (".yaml", ".yml") and under_suites(config, file_path))
    ):
        config.stash[SEEN].add(identity(file_path))
        return StrayFile.from_parent(parent, path=file_path, why=stray(file_path))
    return None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session) -> Generator[None, None, None]:
    """What pytest did not see, before anything is selected; under xdist workers send the errors to the controller."""
    report_unseen(session)
    yield
    report_dropped(session)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Serial runs: measure what has been selected."""
    # once more: a wrapper of a conftest ends after ours
    report_dropped(session)
    if hasattr(session.config, "workerinput"):
        return
    _measure_phase(session, [item.nodeid for item in session.items if isinstance(item, CheckItem)])


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """With -v: what each check can tell, before anything is measured."""
    checks = [item for item in items if isinstance(item, CheckItem)]
    if not checks or config.option.verbose < 1:
        return []
    from dsafe_runner.verdicts.power import power_sentence

    return [f"  {item.check.id}  {power_sentence(item.plan, item.check)}" for item in checks]


class _XdistHooks:
    """The controller's side of xdist; its own collection hooks never fire."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_configure_node(self, node: Any) -> None:
        """Workers write and read under the controller's stamp."""
        node.workerinput["dsafe_stamp"] = self.config.stash[GATE].stamp

    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """All workers collect the same ids; the first one to finish starts the measure phase."""
        session = self.config.pluginmanager.getplugin("session")
        _measure_phase(session, [i for i in ids if _is_suite_id(self.config, i)])


def _is_suite_id(config: pytest.Config, nodeid: str) -> bool:
    return is_suite_name(config, nodeid.split("::", 1)[0].rsplit("/", 1)[-1])


def _measure_phase(session: pytest.Session, ids: Iterable[str]) -> None:
    """Measure once for the selected checks; a suite error stops everything before any model is started."""
    config = session.config
    selected = set(ids)
    if not selected or config.stash[SELECTED] or config.option.collectonly:
        return
    config.stash[SELECTED] = selected
    by_file: dict[Path, set[str]] = {}
    for nodeid in selected:
        file, check = nodeid.split("::", 1)
        by_file.setdefault(config.rootpath / file, set()).add(check)
    # neither pytest nor xdist stops this hook after collection errors
    if session.testsfailed and not config.option.continue_on_collection_errors:
        pytest.exit("suite errors; nothing was measured", returncode=2)
    from dsafe_runner.errors import DsafeError
    from dsafe_runner.report.progress import line_of

    gate = config.stash[GATE]
    reporter = config.pluginmanager.getplugin("terminalreporter")

    said: set[str] = set()

    def listen(event: dict[str, Any]) -> None:
        line = line_of(event)
        # one reason can stop many measurements; it is told once
        if line and line not in said and reporter is not None and config.option.verbose > -2:
            said.add(line)
            reporter.write_line(line)

    if reporter is not None:
        reporter.ensure_newline()
    for path, wanted in sorted(by_file.items()):
        try:
            plan = gate.plan(path)
            checks = [check for check in plan.checks if check.id in wanted]
            gate.measure(path, checks, listen, is_required(config, path))
        except DsafeError as error:
            raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Give INCONCLUSIVE and WAIVED categories of their own; both survive the trip from a worker."""
    report = yield
    if not isinstance(item, CheckItem):
        return report
    marked: Any = report
    error = call.excinfo.value if call.excinfo else None
    if report.failed and call.when == "setup" and type(error).__module__ == "dsafe_runner.errors":
        # pytest asks an item for its own words only about the call; a missing measurement deserves no traceback either
        report.longrepr = str(error)
    if item.left_out and call.when == "setup":
        marked.dsafe = "not-gated"
    elif isinstance(error, CheckWaived):
        marked.dsafe = "waived"
        _as_skipped(report, item, str(error))
    elif isinstance(error, CheckInconclusive):
        marked.dsafe = "inconclusive"
        if item.plan.loaded.suite.policy.on_inconclusive == "skip" and not must_hold(item.config):
            _as_skipped(report, item, str(error))
    elif isinstance(error, CheckFailed):
        marked.dsafe = "failed"
    return report


def _as_skipped(report: pytest.TestReport, item: CheckItem, reason: str) -> None:
    report.outcome = "skipped"
    report.longrepr = (str(item.path), item.check.where[1], reason)


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Letters and words of the categories of our own."""
    kind = getattr(report, "dsafe", None)
    if kind == "inconclusive":
        return "inconclusive", "?", ("INCONCLUSIVE", {"yellow": True})
    if kind == "waived":
        return "waived", "w", ("WAIVED", {"yellow": True})
    if kind == "not-gated":
        return "not gated", "-", ("NOT GATED", {"yellow": True})
    return None


def pytest_sessionstart(session: pytest.Session) -> None:
    """The controller, and only it, gathers the verdicts."""
    if not hasattr(session.config, "workerinput"):
        config = session.config
        # without a name, so that no `-p no:...` takes the exit status away
        config.pluginmanager.register(Recorder(config, lambda nodeid: _is_suite_id(config, nodeid)))
