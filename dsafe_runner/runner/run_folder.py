"""A run in its folder: `run.json` and `scores/*.jsonl`, from which another process decides."""

from __future__ import annotations

import json
from pathlib import Path

from dsafe_runner.errors import EvidenceError
from dsafe_runner.files import write_atomically, writing
from dsafe_runner.runner.measured import Run
from dsafe_runner.verdicts.evidence import Evidence, read_evidence, write_evidence


def write_run(folder: Path, run: Run, required: bool) -> None:
    """Leave a run in its folder: `scores/*.jsonl`, then `run.json`, whose presence says that all is there.

    Raises:
        WriteError: the folder cannot be written.
    """
    scores = folder / "scores"
    files = {}
    with writing(scores):
        scores.mkdir(parents=True, exist_ok=True)
        for index, (measurement, evidence) in enumerate(run.evidence.items()):
            files[measurement] = f"{index:02d}.{measurement.replace('::', '.')}.jsonl"
            write_evidence(scores / files[measurement], evidence)
    write_atomically(
        folder / "run.json",
        json.dumps(
            {
                "suite_sha256": run.manifest["suite"]["sha256"],
                "scores": files,
                "failed": run.failed,
                "unavailable": run.unavailable,
                "required": required,
                "refused": run.refused,
                "reruns": run.reruns,
            }
        ),
    )


def read_run(folder: Path, suite_sha256: str) -> tuple[Run, bool]:
    """Inverse of `write_run`, for deciding only; the scores of a measurement are read when they are first needed.

    Raises:
        EvidenceError: nothing was measured here, or it was measured for another text of the suite.
    """
    try:
        head = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EvidenceError(f"{folder}: no measured run here ({error}); nothing can be decided") from error
    if head["suite_sha256"] != suite_sha256:
        raise EvidenceError(f"{folder}: the suite was changed after it was measured; run again")
    evidence = _LazyEvidence({m: folder / "scores" / name for m, name in head["scores"].items()})
    run = Run(evidence, head["unavailable"], head["failed"], refused=head["refused"], reruns=head["reruns"])
    return run, head["required"]


class _LazyEvidence(dict[str, Evidence]):
    """Evidence by measurement, each file read on first use: a worker decides only its share of the checks."""

    def __init__(self, files: dict[str, Path]) -> None:
        super().__init__()
        self._files = files

    def __contains__(self, measurement: object) -> bool:
        return measurement in self._files

    def __missing__(self, measurement: str) -> Evidence:
        self[measurement] = read_evidence(self._files[measurement])
        return self[measurement]
