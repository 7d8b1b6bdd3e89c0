"""`verdicts.json` and `manifest.json` of a run folder, versioned, whole or not there, written also when the gate fails.

What else lies in `reports/<run>/`: `events.jsonl` (what happened, as it happened), `run.json` and `scores/` (what the
verdicts were decided on), `logs/` (the engines' own output).
"""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dsafe_runner import __version__
from dsafe_runner.files import write_atomically
from dsafe_runner.plan import Plan
from dsafe_runner.records import as_json
from dsafe_runner.report.rows import rows_of
from dsafe_runner.runner.measured import Run
from dsafe_runner.runner.session import GateSession

VERSION = 1
"""Of both files; raised when a key changes its meaning."""


def write_folders(
    gate: GateSession,
    root: Path,
    records: list[dict[str, Any]],
    not_gated: Mapping[str, list[str]],
    errors: Mapping[str, str],
    exit_status: int,
) -> None:
    """Write the files of every suite of a session.

    root       what node ids are relative to
    records    verdicts, as `GateSession.record` makes them
    not_gated  reason -> node ids that were left out
    errors     node id -> one line, for checks that could not be decided
    """

    def file_of(nodeid: str) -> Path:
        return root / nodeid.split("::", 1)[0]

    for path, run in gate.runs.items():
        plan = gate.plan(path)
        folder = gate.folder(path)
        own = [record for record in records if record["folder"] == str(folder)]
        mine = {reason: kept for reason, ids in not_gated.items() if (kept := [i for i in ids if file_of(i) == path])}
        broken = {nodeid: line for nodeid, line in errors.items() if file_of(nodeid) == path}
        write_atomically(folder / "verdicts.json", _lines(verdicts(plan, run, own, mine, broken, exit_status)))
        write_manifest(folder, run)


def verdicts(
    plan: Plan,
    run: Run,
    records: list[dict[str, Any]],
    not_gated: Mapping[str, list[str]],
    errors: Mapping[str, str],
    exit_status: int,
) -> dict[str, Any]:
    """What `verdicts.json` holds. Checks are sorted by id, so that equal runs give equal bytes."""
    counts = Counter(record["result"] for record in records)
    kept = [{k: v for k, v in record.items() if k != "folder"} for record in records]
    return {
        "version": VERSION,
        "suite": plan.loaded.suite.suite,
        "exit_status": exit_status,
        "counts": {
            **{name: counts[name] for name in ("passed", "failed", "inconclusive", "waived")},
            "error": len(errors),
            "not_gated": sum(map(len, not_gated.values())),
            "of_suite": len(plan.checks),
        },
        "checks": sorted(kept, key=lambda record: str(record["check_id"])),
        "errors": dict(sorted(errors.items())),
        "not_gated": {reason: sorted(ids) for reason, ids in sorted(not_gated.items())},
        "rows": [as_json(row) for row in rows_of(plan, run)],
    }


def write_manifest(folder: Path, run: Run) -> None:
    """Write `manifest.json` of a run."""
    manifest = {
        "version": VERSION,
        "dsafe": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **run.manifest,
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True)
    write_atomically(folder / "manifest.json", text + "\n")


def _lines(value: Mapping[str, Any]) -> str:
    """JSON with a line per entry of a list: diffable, and written by the fast encoder, which cannot indent."""

    def text(part: Any) -> str:
        return json.dumps(part, ensure_ascii=False, sort_keys=True)

    lines = []
    for key, part in sorted(value.items()):
        rows = "[\n  " + ",\n  ".join(map(text, part)) + "\n ]" if isinstance(part, list) and part else text(part)
        lines.append(f" {text(key)}: {rows}")
    return "{\n" + ",\n".join(lines) + "\n}\n"
