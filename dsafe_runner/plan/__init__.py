"""Suite + what the benchmarks offer -> the Checks to decide and the Measurements they need.

No model is touched, and no data but what the user's own files offer: a `custom` benchmark, a judge's labelled replies.
A Measurement is one (model, benchmark) pair with its sampling; every check on that pair reads the same responses.
Ids are stable: they hold names of the suite only, never an index.
"""

from dsafe_runner.plan.calibration import calibration_only, nobody_has_labelled
from dsafe_runner.plan.checks import CalibrationCheck, Check, ContaminationCheck, GateCheck, GuardCheck, ModelCheck
from dsafe_runner.plan.feasibility import require_checks
from dsafe_runner.plan.ids import CALIBRATION, calibrating, judge_in, judge_subject, measurement_id, training_in
from dsafe_runner.plan.make import make_plan, outline
from dsafe_runner.plan.overlap import training_file
from dsafe_runner.plan.shape import Measurement, Plan, level
from dsafe_runner.plan.subjects import checkpoint_of, engine_fields, judge_sampling, resolve, seed_of

__all__ = [
    "CALIBRATION",
    "CalibrationCheck",
    "Check",
    "ContaminationCheck",
    "GateCheck",
    "GuardCheck",
    "Measurement",
    "ModelCheck",
    "Plan",
    "calibrating",
    "calibration_only",
    "checkpoint_of",
    "engine_fields",
    "judge_in",
    "judge_sampling",
    "judge_subject",
    "level",
    "make_plan",
    "measurement_id",
    "nobody_has_labelled",
    "outline",
    "require_checks",
    "resolve",
    "seed_of",
    "training_file",
    "training_in",
]
