"""What a run's exit status means, and what may weaken it.

    2, 3   as pytest: interrupted or mistakes in a suite, a bug
    1      a selected check failed, errored, or is inconclusive and blocks
    4      a selected check was not decided: NOT GATED, never run, or nothing was decided at all
    0      everything selected was decided, or its absence is allowed by `dsafe_may_be_absent`

Under CI and with --dsafe-require neither `dsafe_may_be_absent` nor `on_inconclusive: skip` has any effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from dsafe_runner.verdicts.blocking import blocks, in_ci, status_of

MAY_BE_ABSENT = "dsafe_may_be_absent"


def must_hold(config: pytest.Config) -> bool:
    """Is this a build whose result somebody relies on unseen: CI=true, or --dsafe-require?"""
    return in_ci() or bool(config.getoption("dsafe_require"))


def is_required(config: pytest.Config, path: Path) -> bool:
    """Must this suite be decided? Yes when it is named on the command line, and wherever the gate must hold."""
    if must_hold(config):
        return True
    base = config.invocation_params.dir
    return any((base / arg.split("::", 1)[0]).resolve() == path.resolve() for arg in config.args)


def may_be_absent(config: pytest.Config, path: Path) -> str | None:
    """The pattern of `dsafe_may_be_absent` that a file matches, or None.

    A pattern is compared with the path from the root; one that names a folder stands for all that lies below.
    """
    if must_hold(config):
        return None
    name = path.relative_to(config.rootpath).as_posix() if path.is_relative_to(config.rootpath) else path.as_posix()
    for pattern in config.getini(MAY_BE_ABSENT):
        plain = pattern.removeprefix("./").rstrip("/")
        if plain and (fnmatchcase(name, plain) or fnmatchcase(name, f"{plain}/*")):
            return str(pattern)
    return None


def allowed(config: pytest.Config, nodeids: Iterable[str]) -> dict[str, str | None]:
    """Suite file -> the pattern that allows its absence, for checks that were not gated."""
    files = dict.fromkeys(nodeid.split("::", 1)[0] for nodeid in nodeids)
    return {file: may_be_absent(config, config.rootpath / file) for file in files}


def undecided(config: pytest.Config, gate: Any, record: Mapping[str, Any]) -> bool:
    """Is this verdict inconclusive in a suite that says `on_inconclusive: skip`, where that may be said?"""
    if record["result"] != "inconclusive" or must_hold(config):
        return False
    policies = [gate.plan(path).loaded.suite.policy for path in gate.runs if str(gate.folder(path)) == record["folder"]]
    return bool(policies) and all(policy.on_inconclusive == "skip" for policy in policies)


def exit_status(
    config: pytest.Config,
    gate: Any,
    selected: set[str],
    records: Mapping[str, Mapping[str, Any]],
    not_gated: Iterable[str],
    errors: Iterable[str],
    status: int,
) -> int:
    """The exit status of a run.

    selected   ids of the checks that pytest was asked to run
    records    verdicts by id
    not_gated  ids of checks that were left out
    errors     ids of checks that could not be decided
    status     what pytest makes of the run; anything but green stands
    """
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return status
    left_out, broken = set(not_gated), set(errors) - records.keys()
    found = [
        (record["result"], blocks(record["result"], lenient=undecided(config, gate, record)))
        for record in records.values()
    ]
    found += [("error", True)] * len(broken)
    complete = selected <= records.keys() | left_out and all(allowed(config, left_out).values())
    # what ends in order stays what pytest makes of it
    return status_of(found, complete=complete) or status
