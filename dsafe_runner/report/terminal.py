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

from dsafe_runner.records import Gap
from dsafe_runner.report.rows import Row, rows_of
from dsafe_runner.runner.session import GateSession
from dsafe_runner.suite.spec import Policy

_WORDS = {
    "failed": ("FAIL", "red"),
    "error": ("ERROR", "red"),
    "inconclusive": ("INCONCLUSIVE", "yellow"),
    "waived": ("WAIVED", "yellow"),
}


_COUNTED = ("passed", "failed", "inconclusive", "waived")


def write_summary(
    terminal: Any,
    gate: GateSession,
    records: list[dict[str, Any]],
    not_gated: Mapping[str, list[str]],
    errors: Mapping[str, str],
    selected: int,
    skipped: int,
    absent: Mapping[str, str | None],
) -> None:
    """Print the section.

    selected  how many checks pytest was asked to decide
    skipped   how many inconclusive ones of them block nothing, as their suite says `on_inconclusive: skip`
    absent    suite that was not gated -> the pattern that allows it, or None
    """
    verbose = terminal.config.option.verbose
    writer = terminal._tw
    ascii_only = not str(getattr(writer._file, "encoding", None) or "ascii").lower().startswith("utf")
    terminal.write_sep("=", "safety gate")
    _problems(terminal, records, errors)
    for path, run in gate.runs.items():
        rows = rows_of(gate.plan(path), run)
        if not rows:
            continue
        table = _table(_chosen(rows, records, verbose), writer.fullwidth, ascii_only)
        terminal.write_line("")
        for line in render(table, writer.fullwidth, writer.hasmarkup, ascii_only).splitlines():
            terminal.write_line(line.rstrip())
        if legend := _legend(rows):
            terminal.write_line(legend)
        for note in _notes(run.manifest):
            terminal.write_line(note)
    if not_gated:
        terminal.write("\n")
        terminal.write_line("NOT GATED", yellow=True, bold=True)
        for reason, ids in not_gated.items():
            terminal.write_line(f"  {len(ids)} checks: {reason}")
        for file in (name for name, pattern in absent.items() if pattern is None):
            terminal.write_line(f"  {file} must be gated; dsafe_may_be_absent (ini) can allow its absence on a laptop")
    terminal.write("\n")
    for path in gate.runs:
        terminal.write_line(f"details: {_short(gate.folder(path), terminal.config.rootpath)}/verdicts.json")
    counts = Counter(record["result"] for record in records)
    counts.update({"inconclusive": -skipped, "UNDECIDED": skipped})
    parts = [f"{counts[name]} {name}" for name in (*_COUNTED, "UNDECIDED") if counts[name]]
    parts += [f"{len(errors)} in error"] if errors else []
    left_out = sum(map(len, not_gated.values()))
    parts += [f"{left_out} not gated"] if left_out else []
    undecided = selected - len(records) - len(errors) - left_out
    parts += [f"{undecided} never run"] if undecided else []
    if counts.total() == counts["inconclusive"] + skipped:
        terminal.write_line("nothing was decided: this run is no evidence of safety", red=True, bold=True)
    terminal.write_line(f"{selected} checks: {', '.join(parts)}")


def _problems(terminal: Any, records: list[dict[str, Any]], errors: Mapping[str, str]) -> None:
    """One line for every check that is not a plain pass, the worst first; one line per error, however many it hit."""
    hit: dict[str, list[str]] = {}
    for nodeid, line in errors.items():
        hit.setdefault(line, []).append(nodeid.split("::", 1)[-1])
    for line, ids in hit.items():
        _problem(terminal, "error", ids[0] + (f" and {len(ids) - 1} more" if len(ids) > 1 else ""), line)
    for kind in ("failed", "inconclusive"):
        for record in records:
            if record["result"] == kind:
                _problem(terminal, kind, record["check_id"], f"{record['where']}: {record['line']}")
    excuses: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        if record["result"] == "waived":
            excuses.setdefault(record["line"].removeprefix(record["reason"] + "; "), []).append(record)
    for excuse, waived in excuses.items():
        for record in waived:
            value = record["details"]["excuse"]["value"]
            _problem(terminal, "waived", record["check_id"], f"{record['reason']}, {value:g} is excused")
        terminal.write(f"       {excuse}\n")


def _problem(terminal: Any, kind: str, check: str, line: str) -> None:
    word, colour = _WORDS[kind]
    terminal.write(word, **{colour: True, "bold": True})
    # not write_line, which would start a new line first
    terminal.write(f" {check}  {line}\n")


def _chosen(rows: list[Row], records: Iterable[dict[str, Any]], verbose: int) -> list[Row]:
    """All rows with -v; otherwise overall, and every slice on which some check did not pass."""
    if verbose > 0:
        return rows
    odd = {(r["benchmark"], r["metric"], r["slice"]) for r in records if r["result"] in ("failed", "inconclusive")}
    return [row for row in rows if row.level == "overall" or (row.benchmark, row.metric, row.slice) in odd]


def _table(rows: list[Row], width: int, ascii_only: bool) -> Table:
    """The numbers. What a narrow terminal has no room for is left out, the least needed first."""
    interval = f"{rows[0].estimate.confidence:.0%} bounds"
    columns = {
        "model": max(len(row.model) for row in rows),
        "value": max(len(_value(row)) for row in rows),
        "k/n": max(len(_counts(row)) for row in rows),
        "gaps": max(4, *(len(_gaps(row)) for row in rows)),
        **{
            _VERSUS[stage]: max(8, *(len(_change(row, stage)) for row in rows))
            for stage in _VERSUS
            if any(stage in row.changes for row in rows)
        },
        interval: 12,
    }
    shown: list[str] = []
    left = width - _WHAT_AT_LEAST
    for name, needed in columns.items():
        left -= needed + 2
        if left < 0 and len(shown) >= 3:
            break
        shown.append(name)
    style = box.ASCII if ascii_only else box.SIMPLE_HEAD
    table = Table(box=style, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    room = max(_WHAT_AT_LEAST, width - sum(columns[name] + 2 for name in shown))
    table.add_column("benchmark/slice metric", no_wrap=True, overflow="ellipsis", max_width=room)
    for name in shown:
        # only the name of a row gives way; a number cut in half would be worse than none
        table.add_column(
            name, no_wrap=True, justify="left" if name in ("model", "gaps") else "right", min_width=columns[name]
        )
    last = ""
    for row in rows:
        what = f"{row.benchmark}/{row.slice} {row.metric}"
        estimate = row.estimate
        cells = {
            "model": row.model,
            "value": _value(row),
            "k/n": _counts(row),
            "gaps": _gaps(row),
            **{_VERSUS[stage]: _change(row, stage) for stage in row.changes},
            interval: f"{estimate.low:.3f}-{estimate.high:.3f}",
        }
        table.add_row(what if what != last else "", *(cells.get(name, "") for name in shown))
        last = what
    return table


_VERSUS = {"base": "vs base", "distilled": "vs dist."}
_WHAT_AT_LEAST = 20
"""Columns kept for the name of a row before any optional number gets room."""


def _counts(row: Row) -> str:
    return f"{row.estimate.k}/{row.estimate.n}"


LETTERS: dict[Gap, str] = {
    Gap.NO_RESPONSE: "m",
    Gap.CUT: "c",
    Gap.NO_VERDICT: "u",
    Gap.NOT_ASKED: "a",
    Gap.NOT_REVIEWED: "p",
    Gap.THINKING: "t",
    Gap.TURN: "o",
}
"""What stands for a cause in the column of gaps."""


def _value(row: Row) -> str:
    """The value; where answers are missing, from where to where it could be."""
    estimate = row.estimate
    return f"{estimate.least:.3f}-{estimate.most:.3f}" if estimate.value is None else f"{estimate.value:.3f}"


def _change(row: Row, stage: str) -> str:
    if stage not in row.changes:
        return ""
    change = row.changes[stage]
    if isinstance(change, float):
        return f"{change:+.3f}"
    least, most = change
    return f"{least:+.3f} to {most:+.3f}"


def _gaps(row: Row) -> str:
    """What is missing, by cause (`107c 56u`), and in brackets the answers that count as wrong unread (`(2c 1n)`)."""
    estimate = row.estimate
    known = {gap.value: letter for gap, letter in LETTERS.items()}
    missing = [f"{count}{known[cause]}" for cause, count in estimate.gaps.items()]
    wrong = [f"{count}{name}" for name, count in (("c", estimate.truncated), ("n", estimate.no_answer)) if count]
    return " ".join([*missing, *([f"({' '.join(wrong)})"] if wrong else [])])


def _legend(rows: Iterable[Row]) -> str:
    """What the letters in the column of gaps say; nothing where there are none."""
    estimates = [row.estimate for row in rows]
    seen = {cause for estimate in estimates for cause in estimate.gaps}
    parts = [f"{letter} {gap.value}" for gap, letter in LETTERS.items() if gap.value in seen]
    wrong = [
        name
        for name, found in (
            ("c cut", any(e.truncated for e in estimates)),
            ("n no answer", any(e.no_answer for e in estimates)),
        )
        if found
    ]
    parts += [f"counted as wrong: ({', '.join(wrong)})"] if wrong else []
    return f"gaps: {', '.join(parts)}" if parts else ""


def _notes(manifest: Mapping[str, Any]) -> list[str]:
    """What must be known to read the numbers: constant answers, whose key, which judge."""
    notes = _weaker(manifest.get("policy", {}))
    for name, benchmark in manifest.get("benchmarks", {}).items():
        parts = [f"always {letter} {k / n:.3f} ({k}/{n})" for letter, (k, n) in benchmark.get("constants", {}).items()]
        if key := benchmark["data"].get("key"):
            parts.append(f"key: {key}")
        if parts:
            notes.append(f"{name}: {'; '.join(parts)}")
    for name, measured in manifest.get("measurements", {}).items():
        if places := measured.get("by_position"):
            said = ", ".join(f"{letter} {k}/{n}" for letter, (k, n) in places.items())
            notes.append(f"{name}: right answers by where the right option stood: {said}")
    return notes + [f"warning: {text}" for text in manifest.get("warnings", [])]


def _weaker(policy: Mapping[str, Any]) -> list[str]:
    """Where the suite's policy, perhaps from an included file, lets more through than the usual one."""
    usual = Policy()
    said = [
        f"{name}: {policy[name]:g} (usually {getattr(usual, name):g})"
        for name, weaker in (("max_missing", 1), ("max_no_answer", 1), ("confidence", -1), ("guard_error", -1))
        if name in policy and weaker * policy[name] > weaker * getattr(usual, name)
    ]
    said += ["on_inconclusive: skip"] if policy.get("on_inconclusive") == "skip" else []
    said += ["uncertainty: none, so nothing is proven beyond this run"] if policy.get("uncertainty") == "none" else []
    return [f"policy: {'; '.join(said)}"] if said else []


def render(table: Table, width: int, colour: bool, ascii_only: bool) -> str:
    """A table as text, `width` columns at most."""
    text = io.StringIO()
    console = Console(
        file=text,
        width=width,
        force_terminal=colour,
        no_color=not colour,
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        safe_box=ascii_only,
    )
    console.print(table)
    return text.getvalue().strip("\n")


def _short(folder: Any, root: Any) -> str:
    return str(folder.relative_to(root)) if folder.is_relative_to(root) else str(folder)
