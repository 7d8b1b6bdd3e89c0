"""`dsafe judge`: hold a judge against labelled replies and print how well it agrees with people."""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from dsafe_runner.commands.measure import display
from dsafe_runner.commands.options import add_reports, add_store
from dsafe_runner.errors import ExitCode, UsageError
from dsafe_runner.judges.calibration import CalibrationSet, load_calibration
from dsafe_runner.plan import Plan, calibration_only, outline
from dsafe_runner.records import OVERALL, Gap
from dsafe_runner.report.run_folder import write_manifest
from dsafe_runner.runner.measured import Run
from dsafe_runner.runner.run import measure
from dsafe_runner.runner.run_folder import write_run
from dsafe_runner.statistics.kappa import Share, class_rates, kappa
from dsafe_runner.suite.load import load_suite
from dsafe_runner.verdicts.metrics import estimate, labelled_pairs
from dsafe_runner.verdicts.wording import causes, span
from dsafe_runner.vocabulary import ACCURACY, CLASSES, KAPPA, JudgeClass


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What stands after `dsafe judge`."""
    parser.add_argument("file", type=Path, metavar="SUITE")
    parser.add_argument("--judge", metavar="NAME", help="which one; needed where the suite has several")
    parser.add_argument("--replies", type=Path, metavar="FILE", help="labelled replies (.jsonl); default: the suite's")
    add_store(parser)
    add_reports(parser)


def run(arguments: argparse.Namespace) -> int:
    """0 the judge gave a verdict on every reply, 4 it did not."""
    return judge_replies(
        arguments.file,
        judge=arguments.judge,
        replies=arguments.replies,
        store=arguments.store,
        reports=arguments.reports,
    )


def judge_replies(path: Path, *, judge: str | None, replies: Path | None, store: Path, reports: Path) -> int:
    """Measure and print the agreement. 0 when the judge gave a verdict on every reply, 4 otherwise.

    replies  labelled replies instead of those of the suite, or of the package

    Raises:
        ConfigError: mistakes in the suite.
        DataError: mistakes in the labelled replies.
        UsageError: no such judge, or several to choose from, or no such file.
    """
    whole = outline(load_suite(path))
    name = _chosen(whole, path, judge)
    labelled = load_calibration(replies) if replies else whole.calibrations.get(name) or load_calibration()
    plan = calibration_only(whole, name, labelled)
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    folder = reports / f"{stamp}-{plan.loaded.suite.suite}-judge"
    with display() as listen:
        run = measure(plan, store=store, folder=folder, listener=listen, download=True)
    write_run(folder, run, required=True)
    write_manifest(folder, run)
    for reason in {*run.unavailable.values(), *run.failed.values()}:
        print(f"dsafe: not judged: {reason}", file=sys.stderr)
    if not run.evidence:
        return ExitCode.ENVIRONMENT
    _print(plan, run, name, labelled)
    print(f"details: {folder}")
    failed = run.manifest["judges"][name].get("errors", 0)
    if failed:
        print(f"dsafe: no verdict on {failed} replies; the next run asks again", file=sys.stderr)
    return ExitCode.ENVIRONMENT if failed else ExitCode.FINE


def _chosen(plan: Plan, path: Path, judge: str | None) -> str:
    names = list(plan.judges)
    if judge is None and len(names) == 1:
        return names[0]
    if judge not in names:
        said = f"no judge {judge!r}" if judge else "several judges, say --judge" if names else "no judges"
        raise UsageError(f"{path} has {said}" + (f"; it has {', '.join(names)}" if names else ""))
    return judge


def _print(plan: Plan, run: Run, name: str, labelled: CalibrationSet) -> None:
    confidence = plan.loaded.suite.policy.confidence
    (evidence,) = run.evidence.values()
    pairs = labelled_pairs(evidence, OVERALL)
    found = kappa(pairs, confidence)
    # two-sided here, as everywhere that an interval is printed by itself
    agreed, right = (estimate(one.name, evidence, OVERALL, (1.0 + confidence) / 2.0) for one in (KAPPA, ACCURACY))
    unread = sum(said is None for _, said in pairs) - right.missing
    print(f"judge {name} on {labelled.name} ({found.n} labelled replies, sha256 {labelled.sha256[:12]})")
    print(
        f"  kappa      {span(agreed.value, agreed.least, agreed.most)}  "
        f"{confidence:.0%} interval {agreed.low:.3f} to {agreed.high:.3f}"
    )
    print(f"  accuracy   {span(right.value, right.least, right.most)}  ({right.k} of {right.n})")
    print(f"  {Gap.NO_VERDICT.value} {unread / found.n:.3f}  ({unread} of {found.n}, counted as disagreement)")
    if labelled.copies:
        print(f"  copies     {labelled.copies} more replies say the same as others of their label and are left out")
    if right.missing:
        print(f"  missing    {causes(right.gaps)}; the tables below count them under none")
    rates = _table("class", "sensitivity", "interval", "specificity", "interval")
    said = _table("people said", *(f"judge {label}" for label in CLASSES), "none")
    for label, shares in class_rates(pairs, confidence).items():
        rates.add_row(f"{label} {JudgeClass(label).title}", *_cells(shares.sensitivity), *_cells(shares.specificity))
        said.add_row(str(label), *(str(found.confusion.get((label, other), 0)) for other in (*CLASSES, None)))
    console = Console(width=110, markup=False, highlight=False)
    console.print(rates)
    console.print(said)


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _cells(share: Share) -> tuple[str, str]:
    if share.value is None:
        return "-", ""
    return f"{share.value:.3f} ({share.k}/{share.n})", f"{share.low:.3f}-{share.high:.3f}"
