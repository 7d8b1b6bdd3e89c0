"""`dsafe`: init, check, measure, judge, baseline, waive, data, train, doctor. The gate itself is `pytest`."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from dsafe_runner import __version__
from dsafe_runner.commands.init import add_init
from dsafe_runner.commands.overlap import add_overlap
from dsafe_runner.commands.train import add_train
from dsafe_runner.errors import ConfigError, DsafeError, UnavailableError

EXIT_OK, EXIT_FAILED, EXIT_SUITE, EXIT_USAGE = 0, 1, 2, 4


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns 0 fine, 1 failed, 2 mistakes in a file or interrupted, 4 usage or environment."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_SUITE
    except UnavailableError as error:
        print(f"dsafe: {error}", file=sys.stderr)
        return EXIT_USAGE
    except DsafeError as error:
        print(f"dsafe: {error}", file=sys.stderr)
        return EXIT_FAILED
    except BrokenPipeError:
        # `dsafe check --list | head`; what is still buffered must not be tried again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("dsafe: interrupted; what was measured is stored", file=sys.stderr)
        return EXIT_SUITE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dsafe", description="Safety regression gates for language models.")
    parser.add_argument("--version", action="version", version=f"dsafe {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    add_init(commands)

    check = commands.add_parser("check", help="validate suites without running them")
    check.add_argument("files", nargs="+", type=Path, metavar="FILE")
    check.add_argument("--list", action="store_true", help="print every check id")
    check.add_argument("--plan", action="store_true", help="print what would be asked, and what is stored")
    _add_store(check)
    check.set_defaults(run=_check)

    measure = commands.add_parser("measure", help="run a suite's measurements without deciding anything")
    measure.add_argument("file", type=Path, metavar="SUITE")
    measure.add_argument("--model", action="append", metavar="NAME", help="only this model of the suite; repeatable")
    measure.add_argument("--engine", metavar="NAME", help="run on this engine of the suite instead of the models' own")
    measure.add_argument(
        "--seed", type=int, metavar="N", help="instead of the suite's own: a second run for `dsafe baseline noise`"
    )
    _add_store(measure)
    measure.add_argument("--reports", type=Path, default=Path("reports"), metavar="DIR", help="default: %(default)s")
    measure.set_defaults(run=_measure)

    judge = commands.add_parser("judge", help="hold a judge of a suite against labelled replies")
    judge.add_argument("file", type=Path, metavar="SUITE")
    judge.add_argument("--judge", metavar="NAME", help="which one; needed where the suite has several")
    judge.add_argument("--replies", type=Path, metavar="FILE", help="labelled replies (.jsonl); default: the suite's")
    _add_store(judge)
    judge.add_argument("--reports", type=Path, default=Path("reports"), metavar="DIR", help="default: %(default)s")
    judge.set_defaults(run=_judge)

    baseline = commands.add_parser("baseline", help="make, replace, print and compare stored baselines")
    actions = baseline.add_subparsers(required=True, metavar="ACTION", dest="action")
    for action, about in (
        ("save", "make one of a measured run"),
        ("update", "replace one by a run, and say what changes"),
        ("noise", "store how much a second run of the same model differs"),
    ):
        one = actions.add_parser(action, help=about)
        one.add_argument("path", type=Path, metavar="FILE")
        one.add_argument("--run", type=Path, required=True, metavar="DIR", dest="folder", help="a folder of reports/")
        if action != "noise":
            one.add_argument("--model", metavar="NAME", required=action == "save", help="a model of that run")
    actions.add_parser("show", help="what one holds").add_argument("path", type=Path, metavar="FILE")
    two = actions.add_parser("diff", help="what differs between two; exit 1 if anything does")
    two.add_argument("path", type=Path, metavar="FILE")
    two.add_argument("other", type=Path, metavar="FILE")
    baseline.set_defaults(run=_baseline)

    waive = commands.add_parser("waive", help="take responsibility for checks that fail, as bad as the last run says")
    waive.add_argument("check", metavar="CHECK", help="a check id, or a pattern with * and ?")
    waive.add_argument("--reason", required=True, metavar="TEXT", help="why it may fail")
    waive.add_argument("--owner", required=True, metavar="NAME", help="who answers for it")
    term = waive.add_mutually_exclusive_group(required=True)
    term.add_argument("--until", type=datetime.date.fromisoformat, metavar="DAY", help="last day (YYYY-MM-DD)")
    term.add_argument("--permanent", action="store_true", help="for ever; say why in --reason")
    waive.add_argument("--suite", type=Path, metavar="FILE", help="default: the suite that the run is of")
    waive.add_argument("--run", type=Path, metavar="DIR", dest="folder", help="default: the last run of the suite")
    waive.add_argument("--reports", type=Path, default=Path("reports"), metavar="DIR", help="default: %(default)s")
    waive.set_defaults(run=_waive)

    sheet = commands.add_parser("sheet", help="write the answers that people have to read (judges of kind sheet)")
    sheet.add_argument("file", type=Path, metavar="SUITE")
    sheet.add_argument("--judge", metavar="NAME", help="which one; needed where the suite has several")
    _add_store(sheet)
    sheet.set_defaults(run=_sheet)

    data = commands.add_parser("data", help="list benchmarks, fetch their data, look at a question bank of yours")
    data.add_argument("action", nargs="?", choices=["list", "fetch", "bank"], default="list")
    data.add_argument("names", nargs="*", metavar="NAME", help="fetch: data sets; bank: .jsonl or .csv files")
    data.set_defaults(run=_data)

    add_train(commands)
    add_overlap(commands)

    doctor = commands.add_parser("doctor", help="print devices, versions, and what each backend would do here")
    doctor.set_defaults(run=_doctor)
    return parser


def _add_store(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--store", type=Path, default=Path(".dsafe/store.sqlite"), metavar="FILE", help="default: %(default)s"
    )


def _check(arguments: argparse.Namespace) -> int:
    from dsafe_runner.commands.check import check_files

    return check_files(arguments.files, list_ids=arguments.list, show_plan=arguments.plan, store=arguments.store)


def _measure(arguments: argparse.Namespace) -> int:
    from dsafe_runner.commands.measure import measure_suite

    return measure_suite(
        arguments.file,
        models=arguments.model,
        engine=arguments.engine,
        seed=arguments.seed,
        store=arguments.store,
        reports=arguments.reports,
    )


def _baseline(arguments: argparse.Namespace) -> int:
    from dsafe_runner.commands import baseline

    if arguments.action == "save":
        return baseline.save(arguments.path, arguments.folder, arguments.model)
    if arguments.action == "update":
        return baseline.update(arguments.path, arguments.folder, arguments.model)
    if arguments.action == "noise":
        return baseline.noise(arguments.path, arguments.folder)
    if arguments.action == "show":
        return baseline.show(arguments.path)
    return baseline.diff(arguments.path, arguments.other)


def _waive(arguments: argparse.Namespace) -> int:
    from dsafe_runner.commands.waive import waive

    return waive(
        arguments.check,
        reason=arguments.reason,
        owner=arguments.owner,
        until=arguments.until,
        suite=arguments.suite,
        run=arguments.folder,
        reports=arguments.reports,
    )


def _judge(arguments: argparse.Namespace) -> int:
    from dsafe_runner.commands.judge import judge_replies

    return judge_replies(
        arguments.file,
        judge=arguments.judge,
        replies=arguments.replies,
        store=arguments.store,
        reports=arguments.reports,
    )


def _sheet(arguments: argparse.Namespace) -> int:
    from dsafe_runner.commands.sheet import write_sheet

    return write_sheet(arguments.file, judge=arguments.judge, store=arguments.store)


def _data(arguments: argparse.Namespace) -> int:
    from dsafe_runner.commands.data import examine_banks, fetch_data, list_data

    if arguments.action == "list":
        return list_data()
    if arguments.action == "bank":
        return examine_banks(arguments.names)
    return fetch_data(arguments.names)


def _doctor(arguments: argparse.Namespace) -> int:
    from dsafe_runner.engines.doctor import report_lines

    print("\n".join(report_lines()))
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
