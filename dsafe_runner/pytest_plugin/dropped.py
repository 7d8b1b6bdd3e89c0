"""Checks that were collected and then taken away in silence, by a conftest or a plugin: each suite of them is an error.

Whoever deselects says so by `pytest_deselected`, as -k, -m, --lf and --deselect do; those are counted and told.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from dsafe_runner.pytest_plugin.nodes import CheckItem

_MADE: pytest.StashKey[dict[int, pytest.Item]] = pytest.StashKey()
"""The checks that were collected and not deselected, by identity: --dist loadgroup changes node ids."""


class Dropped:
    """Keeps count of what was collected; a plugin of each process that collects, without a name to switch off."""

    def __init__(self, config: pytest.Config) -> None:
        config.stash[_MADE] = {}

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Note a check."""
        if isinstance(item, CheckItem):
            item.config.stash[_MADE][id(item)] = item

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        """What is left out with leave."""
        for item in items:
            item.config.stash[_MADE].pop(id(item), None)


def report_dropped(session: pytest.Session) -> None:
    """Make a collection error of each suite whose checks are gone, once."""
    made = session.config.stash[_MADE]
    left = {id(item) for item in session.items}
    gone: dict[str, list[str]] = {}
    for key in [key for key in made if key not in left]:
        file, check = made.pop(key).nodeid.split("::", 1)
        gone.setdefault(file, []).append(check)
    for file, checks in gone.items():
        text = (
            f"{file}:1:1: {len(checks)} of its checks were taken away after collection by a conftest or a plugin that "
            f"does not say so, first {checks[0]}; select with -k, -m or --deselect, or call pytest_deselected"
        )
        session.config.hook.pytest_collectreport(report=pytest.CollectReport(file, "failed", text, []))
