"""dsafe: safety regression gates for language models.

    suite = load_suite("suites/x.safety.yaml")
    plan = make_plan(suite)
    run = measure(plan)
    results = decide(plan, run)
    results.ok

These and the types and errors a caller meets are the public API (docs/api.md); everything else may change. Names are
resolved on first use, so that `import dsafe_runner.plugin` stays light. Type checkers read the imports below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dsafe_runner.errors import (
        ConfigError,
        DataError,
        DsafeError,
        EngineError,
        EvidenceError,
        ExitCode,
        JudgeError,
        Mistake,
        StoreError,
        TrainingError,
        UnavailableError,
        UsageError,
        WriteError,
    )
    from dsafe_runner.plan import Check, Measurement, Plan, make_plan
    from dsafe_runner.records import Estimate, Gap, Status, Verdict
    from dsafe_runner.runner.measured import Run, decide
    from dsafe_runner.runner.run import measure
    from dsafe_runner.suite.load import load_suite
    from dsafe_runner.suite.spec import LoadedSuite, Suite
    from dsafe_runner.verdicts.results import Decided, Results
    from dsafe_runner.verdicts.waivers import Result

__version__ = "0.1.0"

__all__ = [
    "Check",
    "ConfigError",
    "DataError",
    "Decided",
    "DsafeError",
    "EngineError",
    "Estimate",
    "EvidenceError",
    "ExitCode",
    "Gap",
    "JudgeError",
    "LoadedSuite",
    "Measurement",
    "Mistake",
    "Plan",
    "Result",
    "Results",
    "Run",
    "Status",
    "StoreError",
    "Suite",
    "TrainingError",
    "UnavailableError",
    "UsageError",
    "Verdict",
    "WriteError",
    "__version__",
    "decide",
    "load_suite",
    "make_plan",
    "measure",
]

# a type checker that saw `__getattr__` would take every misspelt name for Any
if not TYPE_CHECKING:
    _HOMES = {
        "dsafe_runner.errors": (
            "ConfigError",
            "DataError",
            "DsafeError",
            "EngineError",
            "EvidenceError",
            "ExitCode",
            "JudgeError",
            "Mistake",
            "StoreError",
            "TrainingError",
            "UnavailableError",
            "UsageError",
            "WriteError",
        ),
        "dsafe_runner.plan": ("Check", "Measurement", "Plan", "make_plan"),
        "dsafe_runner.records": ("Estimate", "Gap", "Status", "Verdict"),
        "dsafe_runner.runner.measured": ("Run", "decide"),
        "dsafe_runner.runner.run": ("measure",),
        "dsafe_runner.suite.load": ("load_suite",),
        "dsafe_runner.suite.spec": ("LoadedSuite", "Suite"),
        "dsafe_runner.verdicts.results": ("Decided", "Results"),
        "dsafe_runner.verdicts.waivers": ("Result",),
    }
    _HOME = {name: home for home, names in _HOMES.items() for name in names}

    def __getattr__(name):  # noqa: ANN001, ANN202
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import importlib

        value = globals()[name] = getattr(importlib.import_module(_HOME[name]), name)
        return value

    def __dir__():  # noqa: ANN202
        return sorted({*globals(), *__all__})
