"""dsafe: safety regression gates for language models.

    suite = load_suite(path)
    plan = make_plan(suite)
    run = measure(plan)
    verdicts = decide(plan, run)

Names are resolved on first use, so that `import dsafe_runner.plugin` stays light.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "load_suite": "dsafe_runner.suite.load",
    "make_plan": "dsafe_runner.plan",
    "measure": "dsafe_runner.runner.run",
    "decide": "dsafe_runner.runner.measured",
}

__all__ = ["__version__", "decide", "load_suite", "make_plan", "measure"]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
