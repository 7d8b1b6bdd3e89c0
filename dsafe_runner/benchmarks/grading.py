"""Scores of graded responses: multiple choice by letters, short answers by text. Pure functions."""

from __future__ import annotations

from dsafe_runner.benchmarks.choice.reader import extract_choice
from dsafe_runner.benchmarks.short_answer import read_short, same_answer
from dsafe_runner.records import Outcome, Response, Sample, Score


def grade_choice(sample: Sample, response: Response) -> Score:
    """Score of a multiple-choice response.

    MISSING: the engine failed. TRUNCATED: the budget ended inside the thinking, or before an announced answer.
    NO_ANSWER: no single answer could be read (none, several, contradicting ones). Else RIGHT or WRONG. An item
    with several right letters is RIGHT only if exactly those were chosen. With `letter_logprobs` the likeliest letter
    counts.
    """
    if (early := _unusable(sample, response)) is not None:
        return early
    if response.letter_logprobs is not None:
        return _by_logprobs(sample, response, response.letter_logprobs)
    cut = response.finish == "length"
    letters = extract_choice(response.answer, sample.options, cut=cut).letters
    read = "".join(letters) or None
    if letters and set(letters) == set(sample.target):
        return _score(sample, response, Outcome.RIGHT, read)
    if len(letters) == 1 or (letters and len(sample.target) > 1):
        return _score(sample, response, Outcome.WRONG, read)
    return _score(sample, response, Outcome.TRUNCATED if cut and not letters else Outcome.NO_ANSWER, read)


def grade_short(sample: Sample, response: Response) -> Score:
    """Score of a short free answer: the last "答案：X" / "Answer: X", else the whole answer when it is one line.

    Compared with every target: as numbers where both are, else as text without spaces, decoration and case.
    """
    if (early := _unusable(sample, response)) is not None:
        return early
    cut = response.finish == "length"
    read = read_short(response.answer, cut=cut)
    if read is None:
        return _score(sample, response, Outcome.TRUNCATED if cut else Outcome.NO_ANSWER, None)
    right = any(same_answer(read, target) for target in sample.target)
    return _score(sample, response, Outcome.RIGHT if right else Outcome.WRONG, read)


def _unusable(sample: Sample, response: Response) -> Score | None:
    if response.finish == "error":
        return _score(sample, response, Outcome.MISSING, None)
    if response.thinking_open:
        return _score(sample, response, Outcome.TRUNCATED, None)
    return None


def _by_logprobs(sample: Sample, response: Response, logprobs: dict[str, float]) -> Score:
    allowed = {chr(65 + i) for i in range(min(len(sample.options), 26))}
    known = {letter: value for letter, value in logprobs.items() if letter in allowed and value == value}  # not NaN
    best = max(known.values(), default=float("-inf"))
    first = [letter for letter, value in known.items() if value == best]
    if len(first) != 1 or best == float("-inf"):
        return _score(sample, response, Outcome.NO_ANSWER, None)
    return _score(sample, response, Outcome.RIGHT if tuple(first) == sample.target else Outcome.WRONG, first[0])


def _score(sample: Sample, response: Response, outcome: Outcome, read: str | None) -> Score:
    return Score(sample.id, response.k, outcome, answer=read, response_key=response.key)
