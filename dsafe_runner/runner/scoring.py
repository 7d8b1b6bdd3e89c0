"""Stored responses -> Evidence: benchmarks grade, judges label, and what was never answered is MISSING."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import replace

from dsafe_runner.benchmarks.base import Benchmark, SlowGrading
from dsafe_runner.benchmarks.copies import copies
from dsafe_runner.judges.calibration import CalibrationSet
from dsafe_runner.plan import Measurement, Plan
from dsafe_runner.records import Outcome, Request, Sample, Score, digest
from dsafe_runner.runner.hearing import Hearing
from dsafe_runner.runner.judging import Answer, Reader
from dsafe_runner.runner.store import Store
from dsafe_runner.verdicts.evidence import Evidence, fill


def score_measurement(
    plan: Plan,
    measurement: Measurement,
    requests: list[Request],
    samples: tuple[Sample, ...],
    store: Store,
    hearing: Hearing,
    reader: Reader | None,
    step: Callable[[int, int], None] = lambda done, total: None,
    unasked: Container[str] = (),
) -> Evidence:
    """Evidence of one measurement from what the store holds.

    hearing  tells which responses are answers
    reader   the judge of a judged benchmark
    step     told (done, total) while slow grading goes on
    unasked  keys of requests that were left out, as the verdicts were certain without them
    """
    answers, lost = _heard(plan, measurement.benchmark, requests, samples, store, hearing)
    if reader is None:
        scores = graded(plan.benchmarks[measurement.benchmark], answers, store, step)
    else:
        scores = reader.read(answers, store)
        if plan.judges_thinking(measurement.benchmark):
            thinking = reader.read(thoughts(answers), store)
            scores = [replace(a, thinking_label=b.thinking_label) for a, b in zip(scores, thinking, strict=True)]
    keyed = [replace(s, response_key=a.response.key) for s, a in zip(scores, answers, strict=True)]
    slices = {sample.id: sample.slices for sample in samples}
    evidence = fill(measurement.id, measurement.samples, slices, [*keyed, *lost], copies=copies(samples))
    return _without(evidence, requests, unasked) if unasked else evidence


def _without(evidence: Evidence, requests: list[Request], unasked: Container[str]) -> Evidence:
    """The evidence, with UNASKED where nothing was asked."""
    for request in requests:
        row = evidence.scores[request.sample_id]
        if request.key in unasked and row[request.k].outcome is Outcome.MISSING:
            changed = replace(row[request.k], outcome=Outcome.UNASKED)
            evidence.scores[request.sample_id] = (*row[: request.k], changed, *row[request.k + 1 :])
    return evidence


def graded(benchmark: Benchmark, answers: list[Answer], store: Store, step: Callable[[int, int], None]) -> list[Score]:
    """The benchmark's own scores. Those that cost seconds or a sandbox are kept in the store and made once."""
    if not isinstance(benchmark, SlowGrading):
        return [benchmark.grade(answer.sample, answer.response) for answer in answers]
    grader = benchmark.grader()
    keys = [digest([a.response.key, a.sample.id, list(a.sample.target), grader], 40) for a in answers]
    scores = store.grades(keys)
    left = {
        (answer.sample.id, answer.response.k): (key, answer)
        for key, answer in zip(keys, answers, strict=True)
        if key not in scores
    }
    for done, score in enumerate(benchmark.grade_all((a.sample, a.response) for _, a in left.values()), 1):
        key, _ = left[score.sample_id, score.k]
        scores[key] = score
        # a grader that failed may succeed the next time
        if score.outcome is not Outcome.MISSING:
            store.put_grade(key, score)
        step(done, len(left))
    return [
        scores.get(key) or Score(answer.sample.id, answer.response.k, Outcome.MISSING)
        for key, answer in zip(keys, answers, strict=True)
    ]


def answers_of(
    plan: Plan, benchmark: str, requests: list[Request], samples: tuple[Sample, ...], store: Store, hearing: Hearing
) -> list[Answer]:
    """The stored answers to some requests, each as an answer to its own item."""
    return _heard(plan, benchmark, requests, samples, store, hearing)[0]


def _heard(
    plan: Plan, benchmark: str, requests: list[Request], samples: tuple[Sample, ...], store: Store, hearing: Hearing
) -> tuple[list[Answer], list[Score]]:
    """The stored answers, and the scores of stored responses that are none."""
    by_id = {sample.id: sample for sample in samples}
    stored = store.get({request.key for request in requests})
    answers: list[Answer] = []
    lost: list[Score] = []
    for request in requests:
        if (response := stored.get(request.key)) is None:
            continue
        if gap := hearing.gap(response, request.messages):
            lost.append(Score(request.sample_id, request.k, Outcome.MISSING, response_key=request.key, gap=gap))
            continue
        # two items with the same prompt share one stored response; the score belongs to this item
        asked = plan.asked(benchmark, by_id[request.sample_id], request.k)
        answers.append(Answer(asked, replace(response, sample_id=request.sample_id, k=request.k)))
    return answers, lost


def thoughts(answers: list[Answer]) -> list[Answer]:
    """The same answers, their thinking to be judged."""
    return [replace(answer, thinking=True) for answer in answers]


def labelled_answers(replies: CalibrationSet) -> list[Answer]:
    """The labelled replies of a calibration, to be read like any answers."""
    return [Answer(reply.sample, reply.response) for reply in replies.replies]


def score_calibration(measurement: Measurement, replies: CalibrationSet, reader: Reader, store: Store) -> Evidence:
    """What a judge said of labelled replies: RIGHT where it gives the label, WRONG or UNSCORED otherwise."""
    answers = labelled_answers(replies)
    scores = [
        replace(score, outcome=Outcome.RIGHT if score.label == reply.label else Outcome.WRONG)
        if score.outcome is Outcome.LABELLED
        else score
        for score, reply in zip(reader.read(answers, store), replies.replies, strict=True)
    ]
    return fill(measurement.id, 1, {reply.sample.id: reply.sample.slices for reply in replies.replies}, scores)
