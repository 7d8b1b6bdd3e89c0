"""`dsafe check`: validate suites, list their checks, print what would be asked."""

from __future__ import annotations

import argparse
import datetime
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from dsafe_runner.commands.options import add_store
from dsafe_runner.config.words import printable
from dsafe_runner.errors import ConfigError, ExitCode
from dsafe_runner.plan import Plan, make_plan
from dsafe_runner.records import OVERALL
from dsafe_runner.report.progress import duration
from dsafe_runner.runner.jobs import Job
from dsafe_runner.runner.prepare import prepare
from dsafe_runner.runner.store import FileHashes, Store
from dsafe_runner.suite.load import load_suite
from dsafe_runner.verdicts.power import power_sentence


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What stands after `dsafe check`."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--list", action="store_true", help="print every check id")
    parser.add_argument("--plan", action="store_true", help="print what would be asked, and what is stored")
    add_store(parser)


def run(arguments: argparse.Namespace) -> int:
    """0 every suite is fine, 2 one has mistakes."""
    return check_files(arguments.files, list_ids=arguments.list, show_plan=arguments.plan, store=arguments.store)


def check_files(paths: list[Path], *, list_ids: bool, show_plan: bool, store: Path) -> int:
    """Print a line per suite, all mistakes of all of them. 0 when every one is fine, 2 otherwise."""
    wrong = False
    for path in paths:
        try:
            plan = make_plan(load_suite(path))
        except ConfigError as error:
            print(error, file=sys.stderr)
            wrong = True
            continue
        suite = plan.loaded.suite
        print(
            f"{path}: ok: {len(plan.checks)} checks, {len(suite.models)} models, {len(suite.benchmarks)} benchmarks, "
            f"{len(plan.waived)} checks waived"
        )
        for remark in plan.remarks:
            print(f"  {remark}")
        for name, use in suite.benchmarks.items():
            if use.path is not None:
                print(f"  {name}: {plan.offer(name).slices[OVERALL]} items in {use.path}")
        for line in _expired(plan):
            print(f"  {line}")
        if list_ids:
            for check in plan.checks:
                waived = "waived; " if check.id in plan.waived else ""
                print(f"  {check.id}  {waived}{power_sentence(plan, check)}")
        if show_plan:
            _print_plan(plan, store)
    return ExitCode.MISTAKES if wrong else ExitCode.FINE


def _expired(plan: Plan, today: datetime.date | None = None) -> Iterator[str]:
    """A line per waiver whose last day is over: its checks fail again."""
    covered = Counter(plan.waived.values())
    for index, waiver in enumerate(plan.loaded.suite.waivers):
        if waiver.until is not None and waiver.until < (today or datetime.date.today()):
            file, line, column = plan.loaded.where("waivers", index, "until")
            what = f"waiver {printable(waiver.check)} expired on {waiver.until}"
            who = f"{covered[index]} checks fail again; {printable(waiver.owner)} renews or removes it"
            yield f"{file}:{line}:{column}: {what}; {who}"


def _place(job: Job) -> str:
    return f"{job.place} ({job.identity['dtype']})" if "dtype" in job.identity else job.place


def _print_plan(plan: Plan, store: Path) -> None:
    with Store(store) as opened:
        ready = prepare(plan, plan.checks, opened, hashes=FileHashes(opened), download=False)
    for job in ready.jobs:
        guess = f", about {duration(job.seconds)} at the last rate" if job.seconds else ""
        print(
            f"  {job.model} on {_place(job)}: {job.asked} responses, "
            f"{job.asked - len(job.pending)} stored, {len(job.pending)} to ask, "
            f"at most {job.most_new_tokens:,} new tokens{guess}"
        )
        for measurement, requests in job.requests.items():
            print(f"    {measurement.split('::', 1)[1]}: {len(requests)}")
    for name, reader in ready.judges.items():
        if reader.job is not None:
            read = [b for b in ready.samples if plan.judge_of(b) == name]
            read += ["labelled replies"] if name in plan.calibrations else []
            print(f"  judge.{name} on {_place(reader.job)}: reads {', '.join(read)}")
    for kind, reasons in (("not here", ready.unavailable), ("broken", ready.failed)):
        for reason, count in Counter(reasons.values()).items():
            print(f"  {kind} ({count} measurements): {reason}")
