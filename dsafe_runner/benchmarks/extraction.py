"""From a model's free text to a graded answer: `extract_choice`, `grade_choice`, `grade_short`.

Accuracy on labelled outputs of many model styles, first blind runs included: `tests/corpora/README.md`.
"""

from __future__ import annotations

from dsafe_runner.benchmarks.choice.reader import Choice, extract_choice
from dsafe_runner.benchmarks.grading import grade_choice, grade_short

__all__ = ["Choice", "extract_choice", "grade_choice", "grade_short"]
