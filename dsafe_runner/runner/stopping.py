"""`stop: certain`: a model is asked no further once no answer it has not given could change a verdict.

Exact, in any order and however often it is looked at: the verdicts are those of `checks` on what is there, with every
response not asked for taken as unknown. The caps on missing and unreadable answers are about what was asked. What a
model has still to say to an LLM judge is not known in time, so such benchmarks are always asked whole.
"""

from __future__ import annotations

from collections.abc import Iterable

from dsafe_runner.benchmarks.base import SlowGrading
from dsafe_runner.benchmarks.copies import copies
from dsafe_runner.errors import EvidenceError
from dsafe_runner.judges.base import ReadingJudge
from dsafe_runner.plan import Check, ModelCheck, Plan
from dsafe_runner.records import Outcome, Response, Score, Status
from dsafe_runner.runner.jobs import Job
from dsafe_runner.runner.judging import Answer
from dsafe_runner.runner.prepare import Prepared
from dsafe_runner.runner.scoring import answers_of, score_calibration
from dsafe_runner.runner.store import Store
from dsafe_runner.verdicts.decide import decide_one, settle_one
from dsafe_runner.verdicts.evidence import Evidence, fill
from dsafe_runner.verdicts.waivers import Result

_LOOKS = 100
"""How often it is looked, at most, over all responses of a run."""


class Stopper:
    """Scores responses as they arrive, and tells which models need no more of them."""

    def __init__(self, plan: Plan, checks: Iterable[Check], ready: Prepared, store: Store) -> None:
        self._plan = plan
        self._fail_fast = plan.loaded.suite.policy.fail_fast
        self._evidence: dict[str, Evidence] = {}
        self._places: dict[str, list[tuple[str, str, int]]] = {}
        self._open = [check for check in checks if isinstance(check, ModelCheck)]
        self._failed: set[str] = set()
        self._samples = {name: {s.id: s for s in samples} for name, samples in ready.samples.items()}
        self._since = 0
        self._every = max(1, sum(len(job.pending) for job in ready.jobs) // _LOOKS)
        self._hearing = {job.model: job.hearing for job in ready.jobs}
        for measurement in ready.wanted.values():
            reading = ready.judges.get(measurement.of_judge or "")
            if reading is not None and isinstance(reading.judge, ReadingJudge):
                replies = plan.calibrations[reading.name]
                self._evidence[measurement.id] = score_calibration(measurement, replies, reading, store)
        for job in ready.jobs:
            for measurement_id, requests in job.requests.items():
                measurement = plan.measurements[measurement_id]
                samples = ready.samples[measurement.benchmark]
                self._evidence[measurement_id] = fill(
                    measurement_id,
                    measurement.samples,
                    {s.id: s.slices for s in samples},
                    (),
                    Outcome.UNASKED,
                    copies(samples),
                )
                if self._readable(measurement.benchmark):
                    for request in requests:
                        self._places.setdefault(request.key, []).append((measurement_id, request.sample_id, request.k))
                    for answer in answers_of(plan, measurement.benchmark, requests, samples, store, job.hearing):
                        self._score(measurement_id, answer)

    def add(self, response: Response) -> None:
        """One more response has arrived, or failed for good."""
        self._since += 1
        for measurement_id, sample_id, k in self._places.get(response.key, ()):
            measurement = self._plan.measurements[measurement_id]
            asked = self._plan.asked(measurement.benchmark, self._samples[measurement.benchmark][sample_id], k)
            self._score(measurement_id, Answer(asked, response))

    def enough(self, jobs: Iterable[Job], *, now: bool = False) -> list[Job]:
        """Those of the jobs that need no further response; looked up now and then only, unless it has to be `now`."""
        if self._since < self._every and not now:
            return []
        self._since = 0
        for evidence in self._evidence.values():
            evidence.memo.clear()
        self._open = [check for check in self._open if not self._settled(check)]
        reading = {m for check in self._open for m in check.measurements}
        return [
            job for job in jobs if not reading & job.requests.keys() or (self._fail_fast and job.model in self._failed)
        ]

    def _settled(self, check: Check) -> bool:
        try:
            verdict = decide_one(self._plan, check, self._evidence)
        except (EvidenceError, KeyError):
            return False
        # a failure that somebody has waived ends nothing: the other checks would stay undecided for ever
        if verdict.status is not Status.INCONCLUSIVE and settle_one(self._plan, verdict)[0] is Result.FAILED:
            self._failed.add(check.model)
        # whether a waived failure has become worse than what is excused may still hang on answers to come
        settled = verdict.status is not Status.INCONCLUSIVE and not verdict.details.get("excuse", {}).get("open")
        return settled

    def _readable(self, benchmark: str) -> bool:
        """Whether a response can be scored at once."""
        judge = self._plan.judge_of(benchmark)
        if judge is not None:
            return isinstance(self._plan.judges[judge], ReadingJudge)
        return not isinstance(self._plan.benchmarks[benchmark], SlowGrading)

    def _score(self, measurement_id: str, answer: Answer) -> None:
        benchmark = self._plan.measurements[measurement_id].benchmark
        judge = self._plan.judge_of(benchmark)
        reader = self._plan.judges[judge] if judge is not None else None
        hearing = self._hearing[self._plan.measurements[measurement_id].model]
        response = answer.response
        if gap := hearing.gap(response, answer.sample.messages):
            score = Score(answer.sample.id, response.k, Outcome.MISSING, gap=gap)
        elif isinstance(reader, ReadingJudge):
            score = reader.label(answer.sample, response)
        else:
            score = self._plan.benchmarks[benchmark].grade(answer.sample, response)
        row = list(self._evidence[measurement_id].scores[score.sample_id])
        row[response.k] = Score(
            score.sample_id, response.k, score.outcome, score.label, score.answer, response.key, gap=score.gap
        )
        self._evidence[measurement_id].scores[score.sample_id] = tuple(row)
