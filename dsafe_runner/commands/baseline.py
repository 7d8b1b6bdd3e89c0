"""`dsafe baseline save | update | show | diff | noise`: baselines are files that are made on purpose and reviewed."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from dsafe_runner.benchmarks.registry import offer
from dsafe_runner.errors import EvidenceError, ExitCode, UsageError
from dsafe_runner.plan.baseline import Baseline, load_baseline, replaceable
from dsafe_runner.runner.baseline import differences, from_run, with_noise, write_baseline
from dsafe_runner.vocabulary import CLASS_CODES, CODE_WORDS, METRICS, metrics_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What stands after `dsafe baseline`."""
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
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


def run(arguments: argparse.Namespace) -> int:
    """0 done; of `diff`: 0 the two are the same, 1 they differ."""
    if arguments.action == "save":
        return save(arguments.path, arguments.folder, arguments.model)
    if arguments.action == "update":
        return update(arguments.path, arguments.folder, arguments.model)
    if arguments.action == "noise":
        return noise(arguments.path, arguments.folder)
    if arguments.action == "show":
        return show(arguments.path)
    return diff(arguments.path, arguments.other)


def save(path: Path, run: Path, model: str) -> int:
    """Make a baseline of a model of a run. Never over an existing one: that is `update`."""
    if path.exists():
        raise UsageError(f"{path} is there already; replace it with `dsafe baseline update`")
    write_baseline(path, from_run(run, model))
    print(f"wrote {path}; commit it, and name it in a suite: baselines: {{NAME: {{path: {path}}}}}")
    return 0


def update(path: Path, run: Path, model: str | None) -> int:
    """Replace a baseline by what a run measured, and say what that changes."""
    old = replaceable(path)
    if old is None and model is None:
        raise UsageError(f"{path} cannot be read, so it does not say of which model it is; add --model NAME")
    new = from_run(run, model or (old.model if old else ""))
    if old is not None:
        _print_differences(old.benchmarks, new["benchmarks"])
    write_baseline(path, new)
    print(f"wrote {path}; review the change before it is committed")
    return 0


def show(path: Path) -> int:
    """What a baseline holds, in counts."""
    stored = _stored(path)
    print(f"{path}: {stored.model}, sha256 {stored.sha256[:12]}")
    for name, part in stored.benchmarks.items():
        counts = Counter(code for codes in part["outcomes"].values() for code in codes)
        said = ", ".join(f"{counts[code]} {word}" for code, word in CODE_WORDS.items() if counts[code])
        items = len(part["outcomes"])
        each = f" x {part['samples']}" if part["samples"] > 1 else ""
        noise = part.get("noise") or {}
        flips = "; ".join(f"a rerun flips {k} of {n} in {metric}" for metric, (k, n) in noise.items())
        print(f"  {name} ({part['use']}, {items} items{each}): {said}{'; ' + flips if flips else ''}")
    return 0


def diff(first: Path, second: Path) -> int:
    """What differs between two baselines. 0 when nothing does, else 1."""
    differ = _print_differences(_stored(first).benchmarks, _stored(second).benchmarks)
    return ExitCode.FINDINGS if differ else ExitCode.FINE


def noise(path: Path, run: Path) -> int:
    """Store in a baseline how much a second run of the same model differs from it."""
    stored = _stored(path)
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    rerun = from_run(run, stored.model)
    metrics = {name: _metrics(part) for name, part in stored.benchmarks.items()}
    with_noise(data, rerun, metrics)
    write_baseline(path, data)
    return show(path)


def _metrics(part: dict[str, Any]) -> tuple[str, ...]:
    """Metrics by what the outcomes are: a custom file need not be there."""
    if part["use"] != "custom":
        found = offer(part["use"]).metrics
    else:
        judged = any(code in CLASS_CODES for codes in part["outcomes"].values() for code in codes)
        found = (*metrics_of("refusal"), *metrics_of("benign")) if judged else metrics_of("mcq")
    # a baseline holds verdicts on answers only
    return tuple(metric for metric in found if not METRICS[metric].thinking)


def _stored(path: Path) -> Baseline:
    stored = load_baseline(path)
    if not isinstance(stored, Baseline):
        raise EvidenceError(f"{path} holds published counts, no outcomes")
    return stored


def _print_differences(first: dict[str, dict[str, Any]], second: dict[str, dict[str, Any]]) -> bool:
    differ = False
    for name in dict.fromkeys([*first, *second]):
        if name not in first or name not in second:
            print(f"  {name}: only in the {'second' if name in second else 'first'}")
            differ = True
            continue
        old, new = first[name], second[name]
        if made := list(differences(old, new)):
            print(f"  {name}: made otherwise: {'; '.join(made)}")
        both = old["outcomes"].keys() & new["outcomes"].keys()
        pairs = [(old["outcomes"][item], new["outcomes"][item]) for item in both]
        moved = Counter(pair for pair in pairs if pair[0] != pair[1])
        alone = len(old["outcomes"]) + len(new["outcomes"]) - 2 * len(both)
        for (before, after), count in moved.most_common(8):
            print(f"  {name}: {count} items {_said(before)} -> {_said(after)}")
        if alone:
            print(f"  {name}: {alone} items in only one of the two")
        differ = differ or bool(made or moved or alone)
    if not differ:
        print("  no difference")
    return differ


def _said(codes: str) -> str:
    return ", ".join(CODE_WORDS.get(code, code) for code in codes)
