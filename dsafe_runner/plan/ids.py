"""How the ids of checks and measurements are written, and read: the one place that knows their prefixes.

A check is `<subject>::<place>/<slice>[<metric>-<rule>]`, a measurement `<subject>::<place>`: a model and a benchmark,
or what stands there for a judge with its labelled replies and for a training file with the benchmarks.
"""

from __future__ import annotations

_JUDGE = "judge."
_TRAINING = "overlap."

CALIBRATION = "calibration"
"""What the labelled replies of a judge are called where a benchmark's name stands."""
OVERLAP = "overlap"
"""What stands for a benchmark where training samples are compared with all of them."""


def measurement_id(subject: str, place: str) -> str:
    """`<model>::<benchmark>`, unique in a suite."""
    return f"{subject}::{place}"


def judge_subject(judge: str) -> str:
    """What stands in a model's place for a judge."""
    return _JUDGE + judge


def training_subject(name: str) -> str:
    """What stands in a model's place for a training file."""
    return _TRAINING + name


def calibrating(judge: str) -> str:
    """Id of the measurement that tells how well a judge judges."""
    return measurement_id(judge_subject(judge), CALIBRATION)


def judge_in(subject: str) -> str | None:
    """The judge's name, of what stands in a model's place for a judge; else None."""
    return subject.removeprefix(_JUDGE) if subject.startswith(_JUDGE) else None


def training_in(subject: str) -> str | None:
    """The training file's name, of what stands in a model's place for one; else None."""
    return subject.removeprefix(_TRAINING) if subject.startswith(_TRAINING) else None
