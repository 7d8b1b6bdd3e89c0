"""The comparison of training samples with benchmark items, as the evidence of an `overlap` check."""

from __future__ import annotations

from dsafe_runner.contamination import compare, items_of, read_rows
from dsafe_runner.errors import UnavailableError
from dsafe_runner.plan import Measurement, Plan, training_file
from dsafe_runner.records import OVERALL, Outcome, Score
from dsafe_runner.verdicts.evidence import Evidence, fill


def score_overlap(plan: Plan, measurement: Measurement) -> Evidence:
    """WRONG for every training sample that holds an item of one of the suite's benchmarks, RIGHT for the others.

    Raises:
        UnavailableError: the training file, or the data of a benchmark, is not on this machine.
        DataError: the file has no samples or cannot be read.
    """
    name = measurement.of_overlap or ""
    file = training_file(plan.loaded, name)
    if not file.is_file():
        raise UnavailableError(f"{file} is not there; `overlap` needs the training samples themselves")
    chosen = plan.loaded.suite.overlap[name].benchmarks or list(plan.benchmarks)
    items = [item for benchmark in chosen for item in items_of(benchmark, plan.benchmarks[benchmark].samples())]
    rows = list(read_rows(file))
    found = compare(rows, items)
    held = {(one.where, one.row) for one in found.found}
    # ids of a mixture need not be unique, their places are
    named = {f"{row.id}" if len(rows) == len({r.id for r in rows}) else f"{row.id} ({row.where})": row for row in rows}
    scores = [
        Score(key, 0, Outcome.WRONG if (row.where, row.id) in held else Outcome.RIGHT) for key, row in named.items()
    ]
    return fill(measurement.id, 1, dict.fromkeys(named, (OVERALL,)), scores)
