"""`dsafe measure`: the measure phase without pytest, for a cluster job; `pytest` on the same store decides later."""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from dsafe_runner.commands.options import add_reports, add_store
from dsafe_runner.errors import ExitCode, Mistake, UsageError
from dsafe_runner.plan import make_plan
from dsafe_runner.report.progress import line_of
from dsafe_runner.report.run_folder import write_manifest
from dsafe_runner.runner.run import measure
from dsafe_runner.runner.run_folder import write_run
from dsafe_runner.suite.load import load_suite


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What stands after `dsafe measure`."""
    parser.add_argument("file", type=Path, metavar="SUITE")
    parser.add_argument("--model", action="append", metavar="NAME", help="only this model of the suite; repeatable")
    parser.add_argument("--engine", metavar="NAME", help="run on this engine of the suite instead of the models' own")
    parser.add_argument(
        "--seed", type=int, metavar="N", help="instead of the suite's own: a second run for `dsafe baseline noise`"
    )
    add_store(parser)
    add_reports(parser)


def run(arguments: argparse.Namespace) -> int:
    """0 everything asked for was measured, 4 something was not."""
    return measure_suite(
        arguments.file,
        models=arguments.model,
        engine=arguments.engine,
        seed=arguments.seed,
        store=arguments.store,
        reports=arguments.reports,
    )


def measure_suite(
    path: Path,
    *,
    models: list[str] | None,
    engine: str | None = None,
    seed: int | None = None,
    store: Path,
    reports: Path,
) -> int:
    """Measure a suite, or some of its models. 0 when everything asked for was measured, 4 otherwise.

    engine  engine of the suite that the models run on instead of their own
    seed    instead of the suite's own: another run of the same models

    Raises:
        ConfigError: mistakes in the suite.
        UsageError: a model or engine name that the suite does not have.
    """
    loaded = load_suite(path)
    if seed is not None:
        loaded.suite = loaded.suite.model_copy(update={"seed": seed})
    unread: list[Mistake] = []
    plan = make_plan(loaded, unread)
    for mistake in unread:
        print(f"dsafe: measured all the same, but nothing can be compared: {mistake}", file=sys.stderr)
    suite = plan.loaded.suite
    for name in models or []:
        if name not in suite.models:
            raise UsageError(f"{path} has no model {name!r}; it has {', '.join(suite.models)}")
    if engine is not None and engine not in suite.engines:
        raise UsageError(f"{path} has no engine {engine!r}; it has {', '.join(suite.engines)}")
    engines = dict.fromkeys(models or suite.models, engine) if engine is not None else None
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    folder = reports / f"{stamp}-{plan.loaded.suite.suite}"
    with display() as listen:
        run = measure(
            plan,
            store=store,
            folder=folder,
            listener=listen,
            download=True,
            models=models,
            engines=engines,
            export=True,
        )
    write_run(folder, run, required=True)
    write_manifest(folder, run)
    for measurement, reason in {**run.unavailable, **run.failed}.items():
        print(f"dsafe: not measured: {measurement}: {reason}", file=sys.stderr)
    for reason in dict.fromkeys(run.refused.values()):
        print(f"dsafe: measured, but cannot be compared: {reason}", file=sys.stderr)
    asked = {**run.manifest["models"], **run.manifest["judges"]}
    errors = {name: entry["errors"] for name, entry in asked.items() if entry.get("errors")}
    for name, count in errors.items():
        what = f"no response to {count} requests; the next run asks them again"
        print(f"dsafe: not measured: {name}: {what}", file=sys.stderr)
    print(f"dsafe: {len(run.evidence)} measurements in {folder}")
    if engine is None and seed is None:
        print(f"dsafe: decide here with: pytest {path}")
    print(f"dsafe: elsewhere, with a copy of that folder: pytest {path} --dsafe-replay {folder}")
    missing = errors or run.failed or run.unavailable or not run.evidence
    return ExitCode.ENVIRONMENT if missing else ExitCode.FINE


def display() -> AbstractContextManager[Callable[[dict[str, Any]], None]]:
    """A live bar per model on a terminal, plain lines elsewhere."""
    if sys.stdout.isatty():
        return _Bars()
    return nullcontext(_print_line)


def _print_line(event: dict[str, Any]) -> None:
    if line := line_of(event):
        print(line, flush=True)


class _Bars:
    """rich progress bars fed by events."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(),
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Callable[[dict[str, Any]], None]:
        self._progress.start()
        return self._listen

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _listen(self, event: dict[str, Any]) -> None:
        name = event.get("model", "")
        if event["event"] == "plan" and event["asking"]:
            self._tasks[name] = self._progress.add_task(name, total=event["asking"], rate="")
        elif event["event"] == "progress":
            if name not in self._tasks:
                self._tasks[name] = self._progress.add_task(name, total=event["total"], rate="")
            self._progress.update(
                self._tasks[name], completed=event["done"], total=event["total"], rate=f"{event['per_second']:.1f}/s"
            )
        elif line := line_of(event):
            self._progress.console.print(line, markup=False, highlight=False)
