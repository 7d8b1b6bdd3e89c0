"""The safety gate's section of pytest's summary: what failed first, then the numbers, then the count.

rich draws the table into a string, the string goes out through pytest's own writer: that is what keeps it right with
-q, -v, --color, NO_COLOR, no tty, narrow terminals, ASCII encodings and under xdist.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from dsafe_runner.measure.session import GateSession
from dsafe_runner.report.rows import Row, rows_of

_WORDS = {
    "failed": ("FAIL", "red"), "error": ("ERROR", "red"), "inconclusive": ("INCONCLUSIVE", "yellow"),
    "waived": ("WAIVED", "yellow"),
}


def write_summary(
    terminal: Any, gate: GateSession, records: list[dict[str, Any]], not_gated: Mapping[str, list[str]],
    errors: Mapping[str, str], selected: int,
) -> None:
    """Print the section. `selected`: how many checks pytest was asked to decide."""
    verbose = terminal.config.option.verbose
    writer = terminal._tw
    ascii_only = not str(getattr(writer._file, "encoding", None) or "ascii").lower().startswith("utf")
    terminal.section("safety gate", "=")
    _problems(terminal, records, errors)
    for path, run in gate.runs.items():
        rows = rows_of(gate.plan(path), run)
        if not rows:
            continue
        table = _table(_chosen(rows, records, verbose), writer.fullwidth, ascii_only)
        terminal.write_line("")
        for line in render(table, writer.fullwidth, writer.hasmarkup, ascii_only).splitlines():
            terminal.write_line(line.rstrip())
        for note in _notes(run.manifest):
            terminal.write_line(note)
    if not_gated:
        terminal.write_line("")
        terminal.write_line("NOT GATED", yellow=True, bold=True)
        for reason, ids in not_gated.items():
            terminal.write_line(f"  {len(ids)} checks: {reason}")
        terminal.write_line("  name a suite on the command line, or use --dsafe-require, to make this an error")
    terminal.write_line("")
    counts = Counter(record["result"] for record in records)
    parts = [f"{counts[name]} {name}" for name in ("passed", "failed", "inconclusive", "waived") if counts[name]]
    parts += [f"{len(errors)} in error"] if errors else []
    left_out = sum(map(len, not_gated.values()))
    parts += [f"{left_out} not gated"] if left_out else []
    undecided = selected - len(records) - len(errors) - left_out
    parts += [f"{undecided} never run"] if undecided else []
    if counts.total() == counts["inconclusive"]:
        terminal.write_line("nothing was decided: this run is no evidence of safety", red=True, bold=True)
    terminal.write_line(f"{selected} checks: {', '.join(parts)}")
    for path in gate.runs:
        terminal.write_line(f"details: {_short(gate.folder(path), terminal.config.rootpath)}/verdicts.json")


def _problems(terminal: Any, records: list[dict[str, Any]], errors: Mapping[str, str]) -> None:
    """One line for every check that is not a plain pass, the worst first; one line per error, however many it hit."""
    hit: dict[str, list[str]] = {}
    for nodeid, line in errors.items():
        hit.setdefault(line, []).append(nodeid.split("::", 1)[-1])
    lines = [
        ("error", ids[0] + (f" and {len(ids) - 1} more" if len(ids) > 1 else ""), line) for line, ids in hit.items()
    ]
    for kind in ("failed", "inconclusive", "waived"):
        lines += [(kind, r["check_id"], f"{r['where']}: {r['line']}") for r in records if r["result"] == kind]
    for kind, check, line in lines:
        word, colour = _WORDS[kind]
        terminal.write(word, **{colour: True, "bold": True})
        terminal.write_line(f" {check}  {line}")


def _chosen(rows: list[Row], records: Iterable[dict[str, Any]], verbose: int) -> list[Row]:
    """All rows with -v; otherwise overall, and every slice on which some check did not pass."""
    if verbose > 0:
        return rows
    odd = {(r["benchmark"], r["metric"], r["slice"]) for r in records if r["result"] in ("failed", "inconclusive")}
    return [row for row in rows if row.level == "overall" or (row.benchmark, row.metric, row.slice) in odd]


def _table(rows: list[Row], width: int, ascii_only: bool) -> Table:
    """The numbers; narrow terminals lose the interval, then the changes."""
    wide, medium = width >= 96, width >= 72
    table = Table(box=box.ASCII if ascii_only else box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for name in ("benchmark", "slice", "metric", "model"):
        table.add_column(name, no_wrap=True, overflow="ellipsis", min_width=4)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("k/n", justify="right", no_wrap=True)
    stages = [stage for stage in ("base", "distilled") if any(stage in row.changes for row in rows)]
    if wide:
        confidence = rows[0].estimate.confidence if rows else 0.95
        table.add_column(f"{confidence:.0%} interval", no_wrap=True)
    if medium:
        for stage in stages:
            table.add_column(f"vs {stage}", justify="right", no_wrap=True)
        table.add_column("gaps", no_wrap=True)
    last: tuple[str, str, str] | None = None
    for row in rows:
        head = (row.benchmark, row.slice, row.metric)
        estimate = row.estimate
        cells = list(head) if head != last else ["", "", ""]
        last = head
        cells += [row.model, "?" if estimate.value is None else f"{estimate.value:.3f}", f"{estimate.k}/{estimate.n}"]
        if wide:
            cells.append(f"{estimate.low:.3f}-{estimate.high:.3f}")
        if medium:
            cells += [f"{row.changes[stage]:+.3f}" if stage in row.changes else "" for stage in stages]
            cells.append(_gaps(row))
        table.add_row(*cells)
    return table


def _gaps(row: Row) -> str:
    """Missing, cut and unreadable answers, where there are any."""
    counts = {"missing": row.estimate.missing, "cut": row.estimate.truncated, "no answer": row.estimate.no_answer}
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _notes(manifest: Mapping[str, Any]) -> list[str]:
    """What must be known to read the numbers: constant answers, whose key, which judge."""
    notes = []
    for name, benchmark in manifest.get("benchmarks", {}).items():
        parts = [
            f"always {letter} {k / n:.3f} ({k}/{n})" for letter, (k, n) in benchmark.get("constants", {}).items()
        ]
        if key := benchmark["data"].get("key"):
            parts.append(f"key: {key}")
        if parts:
            notes.append(f"{name}: {'; '.join(parts)}")
    return notes + [f"warning: {text}" for text in manifest.get("warnings", [])]


def render(table: Table, width: int, colour: bool, ascii_only: bool) -> str:
    """A table as text, `width` columns at most."""
    text = io.StringIO()
    console = Console(
        file=text, width=width, force_terminal=colour, no_color=not colour, color_system="standard" if colour else None,
        highlight=False, markup=False, emoji=False, legacy_windows=False, safe_box=ascii_only,
    )
    console.print(table)
    return text.getvalue().strip("\n")


def _short(folder: Any, root: Any) -> str:
    return str(folder.relative_to(root)) if folder.is_relative_to(root) else str(folder)
