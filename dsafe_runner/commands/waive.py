"""`dsafe waive`: take responsibility for checks that fail, as bad as the last run found them."""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import tempfile
from pathlib import Path
from typing import Any

from dsafe_runner.commands.options import add_reports, day
from dsafe_runner.config.words import listed
from dsafe_runner.errors import ConfigError, DataError, EvidenceError, Mistake, UsageError
from dsafe_runner.files import write_atomically
from dsafe_runner.plan import outline, training_in
from dsafe_runner.plan.waived import matching
from dsafe_runner.suite.edit import with_waiver
from dsafe_runner.suite.load import load_suite
from dsafe_runner.vocabulary import METRICS, Rule

_DIGITS = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What stands after `dsafe waive`."""
    parser.add_argument("check", metavar="CHECK", help="a check id, or a pattern with * and ?")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why it may fail")
    parser.add_argument("--owner", required=True, metavar="NAME", help="who answers for it")
    term = parser.add_mutually_exclusive_group(required=True)
    term.add_argument("--until", type=day, metavar="DAY", help="last day (YYYY-MM-DD)")
    term.add_argument("--permanent", action="store_true", help="for ever; say why in --reason")
    parser.add_argument("--suite", type=Path, metavar="FILE", help="default: the suite that the run is of")
    parser.add_argument("--run", type=Path, metavar="DIR", dest="folder", help="default: the last run of the suite")
    add_reports(parser)


def run(arguments: argparse.Namespace) -> int:
    """0 the waiver is written."""
    return waive(
        arguments.check,
        reason=arguments.reason,
        owner=arguments.owner,
        until=arguments.until,
        suite=arguments.suite,
        run=arguments.folder,
        reports=arguments.reports,
    )


def waive(
    check: str,
    *,
    reason: str,
    owner: str,
    until: datetime.date | None,
    suite: Path | None,
    run: Path | None,
    reports: Path,
) -> int:
    """Write a waiver into a suite, with the value that each check it covers had in a run.

    check   an id, or a pattern
    until   last day it holds; None: for ever
    suite   the file; the one that the run is of unless said
    run     the run folder; the last one of the suite under `reports` unless said

    Raises:
        UsageError: there is no such run, or it does not say which file the suite is.
        EvidenceError: a check passed there, or was not decided: there is nothing to excuse.
        ConfigError: the suite would not be valid with it; it is left as it was.
    """
    folder, found = _run(run, reports, suite)
    records = {str(record["check_id"]): record for record in found["checks"]}
    covered = matching(check, records)
    if not covered:
        raise EvidenceError(f"{folder} decided no check {check!r}; `dsafe check FILE --list` prints the ids")
    if other := [name for name in covered if records[name]["status"] != "FAIL"]:
        what = f"{listed(other)} did not fail in {folder}"
        raise EvidenceError(f"{what}; waive only what fails: name the checks one by one, or narrow the pattern")
    values = {name: _value(records[name]) for name in covered}
    entry: dict[str, Any] = {
        "check": check,
        "value": values[check] if covered == [check] else values,
        "reason": reason,
        "owner": owner,
        **({"permanent": True} if until is None else {"until": until}),
    }
    path = suite or _suite_of(folder, records[covered[0]])
    _write(path, entry)
    for name, value in values.items():
        print(f"  {name}: excuses {value:g}")
    print(f"wrote {path}: {len(values)} checks waived as {folder} found them; review it like code")
    return 0


def _run(run: Path | None, reports: Path, suite: Path | None) -> tuple[Path, dict[str, Any]]:
    """A run folder and its verdicts: the one that was named, or the latest of the suite."""
    if run is not None:
        return run, _verdicts(run)
    # folders are named by time
    for folder in sorted((path.parent for path in reports.glob("*/verdicts.json")), reverse=True):
        if suite is None or _is_of(folder, suite):
            return folder, _verdicts(folder)
    what = f"no run of {suite}" if suite is not None else "no run"
    raise UsageError(f"{what} under {reports}; run `pytest {suite or 'SUITE'}` first, or name one with --run DIR")


def _is_of(folder: Path, suite: Path) -> bool:
    """Whether a run is of a suite: of a file of its name that has the suite's name inside."""
    name = load_name(suite)
    return folder.name.endswith(f"-{name}") and _verdicts(folder).get("suite") == name


def load_name(path: Path) -> str:
    """What a suite calls itself, read without looking at the rest: its waivers may be what is wrong with it.

    Raises:
        UsageError: there is no such file, or it does not say.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        data = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        return str(data["suite"])
    except (OSError, ValueError, KeyError, TypeError, YAMLError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise UsageError(f"{path} does not say `suite:` ({why}); name the run with --run DIR") from None


def _verdicts(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))
        if not all(isinstance(record["check_id"], str) and record["status"] for record in found["checks"]):
            raise ValueError("no verdicts")
    except FileNotFoundError:
        raise UsageError(f"{folder} holds no verdicts; `pytest SUITE` writes them") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{folder}/verdicts.json cannot be read ({error}); run again") from None
    return dict(found)


def _value(record: dict[str, Any]) -> float:
    """What a check showed, rounded away from its limit, so that the same run is never worse than its excuse."""
    estimate, details = record.get("estimate") or {}, record.get("details") or {}
    if training_in(record["model"]) is not None:
        return float(estimate["k"])
    rule = Rule(record["rule"])
    metric = METRICS.get(record["metric"])
    down = (metric is None or metric.higher_is_better) if rule is Rule.GUARD else not rule.turned
    # where answers are missing, what it may have been at its worst
    end = "least" if down else "most"
    found = [side.get(key) for side in (details, estimate) for key in ("value", end)]
    value = next((one for one in found if one is not None), None)
    if value is None:
        raise EvidenceError(f"{record['check_id']} has no value in that run; a waiver must name one")
    scale = 10.0**_DIGITS
    # what is whole at this many digits stays what it is
    scaled = round(float(value) * scale, 6)
    return float((math.floor(scaled) if down else math.ceil(scaled)) / scale)


def _suite_of(folder: Path, record: dict[str, Any]) -> Path:
    """The suite's file, where the limit stands in it and not in a file it includes."""
    try:
        name = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["suite"]["file"]
    except (OSError, ValueError, KeyError, TypeError):
        name = None
    path = Path(str(record["where"]).rsplit(":", 1)[0])
    if path.name != name or not path.is_file():
        raise UsageError(f"{folder} does not say where its suite lies; name it with --suite FILE")
    return path


def _write(path: Path, entry: dict[str, Any]) -> None:
    """Put the waiver into the file, if the suite is no worse a suite with it."""
    try:
        before = path.read_bytes().decode("utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error})") from None
    try:
        after = with_waiver(before, entry)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    known = {mistake.what for mistake in _mistakes(path)}
    # beside the file, where what it includes and names is found
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".yaml")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(after)
        new = [mistake for mistake in _mistakes(Path(name)) if mistake.what not in known]
    finally:
        Path(name).unlink(missing_ok=True)
    if new:
        raise ConfigError([Mistake(str(path), one.line, one.column, one.what, one.todo) for one in new])
    write_atomically(path, after)


def _mistakes(path: Path) -> list[Mistake]:
    try:
        outline(load_suite(path), [])
    except ConfigError as error:
        return error.mistakes
    return []
