"""The one expensive phase: models answer, judges read, everything is scored.

Models first, then the judges that ask a model, on the same devices once those are free. Responses and verdicts are
committed as they arrive.
"""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

from dsafe_runner.errors import DsafeError, StoreError, UnavailableError, WriteError
from dsafe_runner.plan import Check, Measurement, Plan, nobody_has_labelled
from dsafe_runner.records import Request
from dsafe_runner.runner.asking import ask
from dsafe_runner.runner.comparing import compare_sides
from dsafe_runner.runner.events import EventLog, Listener, Progress
from dsafe_runner.runner.jobs import Job
from dsafe_runner.runner.judging import Answer
from dsafe_runner.runner.manifest import manifest
from dsafe_runner.runner.measured import Run
from dsafe_runner.runner.origin import origin
from dsafe_runner.runner.overlap import score_overlap
from dsafe_runner.runner.prepare import Prepared, prepare
from dsafe_runner.runner.recorded import Recorded, write_responses
from dsafe_runner.runner.review import review, reviewed_benchmarks
from dsafe_runner.runner.scoring import answers_of, labelled_answers, score_calibration, score_measurement, thoughts
from dsafe_runner.runner.stopping import Stopper
from dsafe_runner.runner.store import FileHashes, Store

_IN_MEMORY = Path(":memory:")


def measure(
    plan: Plan,
    checks: Iterable[Check] | None = None,
    *,
    store: str | Path = ".dsafe/store.sqlite",
    folder: str | Path = "reports/latest",
    listener: Listener | None = None,
    download: bool = True,
    models: Container[str] | None = None,
    engines: Mapping[str, str] | None = None,
    replay: str | Path | None = None,
    export: bool = False,
) -> Run:
    """Measure what `checks` need (all checks of the plan when None) and score it.

    store, folder  the response store, and the run folder that gets `events.jsonl` and the engines' logs
    download       fetch hub weights that are not in the local cache
    models         leave out what other models are asked
    engines        model -> engine of the suite that it runs on instead of its own
    replay         folder of a run measured elsewhere: nothing is asked, and the store is left alone
    export         write the responses into the run folder too, texts included

    Raises:
        StoreError: the store cannot be used.
        WriteError: the store or the run's folder cannot be written. Everything else that goes wrong is in the Run.
    """
    chosen = list(plan.checks if checks is None else checks)
    store, folder = Path(store), Path(folder)
    tell = EventLog(folder / "events.jsonl", listener)
    started = time.time()
    try:
        recorded = Recorded(Path(replay)) if replay is not None else None
        with Store(store if recorded is None else _IN_MEMORY) as opened:
            count = recorded.fill(opened) if recorded else 0
            ready = prepare(
                plan,
                chosen,
                opened,
                hashes=FileHashes(opened),
                download=download,
                models=models,
                engines=engines,
                recorded=recorded,
            )
            run = Run(unavailable=ready.unavailable, failed=ready.failed)
            _tell_plan(ready, tell)
            for warning in (*plan.remarks, *_judge_warnings(plan, ready)):
                _warn(run, tell, warning)
            stopping = plan.loaded.suite.policy.stop == "certain"
            if recorded is None:
                stopper = Stopper(plan, chosen, ready, opened) if stopping else None
                ask(ready.jobs, run, opened, folder, tell, stopper)
                _tell_stopped(ready, run, tell)
            for job in ready.jobs:
                _hear(job, job.requests, run, opened, tell)
            _judge(plan, ready, run, opened, folder, tell, asking=recorded is None)
            _score(plan, ready, run, opened, tell)
            if recorded is not None:
                _tell_recorded(recorded, ready, run, count, tell)
            if export:
                hidden = {name for name in plan.benchmarks if plan.offer(name).gated}
                # what a judge is asked holds the question too
                hidden |= {""} if any(plan.judge_of(name) for name in hidden) else set()
                for job in [*ready.jobs, *(reader.job for reader in ready.judges.values() if reader.job)]:
                    write_responses(folder, job.model, job.everything, opened, hidden)
            run.here = _here(ready, run)
            run.origins = {key: _origin(key, requests, opened, recorded) for key, requests in _asked(ready, run)}
            run.manifest = manifest(plan, ready, run, started)
            compare_sides(plan, chosen, run, ready.jobs)
            run.manifest |= {"refused": run.refused, "reruns": run.reruns}
            labels = [f"{check.model}: {run.reruns[check.id]}" for check in chosen if check.id in run.reruns]
            for label in dict.fromkeys(labels):
                _warn(run, tell, label)
            tell("done", measured=len(run.evidence), failed=len(run.failed), unavailable=len(run.unavailable))
    finally:
        tell.close()
    return run


def _warn(run: Run, tell: EventLog, text: str) -> None:
    run.warnings.append(text)
    tell("warning", text=text)


def _tell_plan(ready: Prepared, tell: EventLog) -> None:
    for job in ready.jobs:
        _tell_job(job, tell)
    for kind, reasons in (("unavailable", ready.unavailable), ("failed", ready.failed)):
        for measurement, reason in reasons.items():
            tell(kind, measurement=measurement, reason=reason)


def _tell_job(job: Job, tell: EventLog) -> None:
    tell(
        "plan",
        model=job.model,
        device=job.place,
        responses=job.asked,
        stored=job.asked - len(job.pending),
        asking=len(job.pending),
        most_new_tokens=job.most_new_tokens,
        seconds=job.seconds,
    )


def _judge_warnings(plan: Plan, ready: Prepared) -> Iterable[str]:
    """What must be said of the judges wherever their labels are used."""
    for benchmark in ready.samples:
        name = plan.judge_of(benchmark)
        # tiny/* is made for the rules
        if name is None or plan.loaded.suite.benchmarks[benchmark].use.startswith("tiny/"):
            continue
        judge = plan.judges[name]
        if limits := judge.limits():
            yield f"{benchmark}: {limits}"
        if nobody_has_labelled(plan.loaded.suite.benchmarks[benchmark], plan.loaded.suite):
            yield f"{benchmark}: judge {name} is held against no labelled replies; add `calibration:` to it"
        if (labelled := plan.calibrations.get(name)) and labelled.copies:
            yield (
                f"{benchmark}: judge {name}: {labelled.copies} of {labelled.copies + len(labelled.replies)} labelled "
                "replies say the same as others of their label and are left out"
            )


def _judge(plan: Plan, ready: Prepared, run: Run, store: Store, folder: Path, tell: EventLog, *, asking: bool) -> None:
    """Have the judges' models read what is stored and not yet judged."""
    busy = []
    for reader in ready.judges.values():
        if (job := reader.job) is None:
            continue
        for measurement in _measured(ready, run):
            if reader.name in (measurement.of_judge, plan.judge_of(measurement.benchmark)):
                answers = _answers(plan, ready, measurement, store)
                if pending := reader.pending(answers, store):
                    job.requests[measurement.id] = pending
        job.pending = list({r.key: r for requests in job.requests.values() for r in requests}.values())
        if job.pending and asking:
            _tell_job(job, tell)
            busy.append(job)
    ask(busy, run, store, folder, tell)
    for reader in ready.judges.values():
        if reader.job is not None:
            read = [m.id for m in _measured(ready, run) if reader.name in (m.of_judge, plan.judge_of(m.benchmark))]
            _hear(reader.job, read, run, store, tell)


def _hear(job: Job, measurements: Iterable[str], run: Run, store: Store, tell: EventLog) -> None:
    """Fail the measurements that stand on a model whose thinking nobody declared; say where turns were played."""
    requests = job.everything
    stored = store.get({request.key for request in requests})
    if what := job.hearing.undeclared(requests, stored):
        for measurement in measurements:
            run.failed.setdefault(measurement, what)
        tell("failed", model=job.model, reason=what)
    if said := job.hearing.turns(requests, stored):
        _warn(run, tell, said)


def _asked(ready: Prepared, run: Run) -> Iterable[tuple[str, list[Request]]]:
    """The requests behind each measurement there is evidence of."""
    return ((key, requests) for job in ready.jobs for key, requests in job.requests.items() if key in run.evidence)


def _origin(measurement: str, requests: list[Request], store: Store, recorded: Recorded | None) -> dict[str, Any]:
    return origin(requests, store, None if recorded is None else recorded.drawn(measurement))


def _measured(ready: Prepared, run: Run) -> list[Measurement]:
    return [m for key, m in ready.wanted.items() if key not in run.failed and key not in run.unavailable]


def _here(ready: Prepared, run: Run) -> set[str]:
    """The models that were measured: asked in this run, or all that they were to be asked is stored."""
    scored = {ready.wanted[key].model for key in run.evidence if not ready.wanted[key].of_judge}
    return {job.model for job in ready.jobs if job.model in scored or job.answered or not job.pending}


def _answers(plan: Plan, ready: Prepared, measurement: Measurement, store: Store) -> list[Answer]:
    """All that a judge has to read for a measurement."""
    if measurement.of_judge is not None:
        return labelled_answers(plan.calibrations[measurement.of_judge])
    job = next(job for job in ready.jobs if measurement.id in job.requests)
    samples = ready.samples[measurement.benchmark]
    answers = answers_of(plan, measurement.benchmark, job.requests[measurement.id], samples, store, job.hearing)
    return [*answers, *(thoughts(answers) if plan.judges_thinking(measurement.benchmark) else ())]


def _tell_stopped(ready: Prepared, run: Run, tell: EventLog) -> None:
    """Say how much was spared."""
    for job in ready.jobs:
        if job.enough and (unasked := job.unasked):
            asked = job.asked - len(unasked)
            run.stopped[job.model] = [asked, job.asked]
            text = f"{job.model}: decided after {asked / job.asked:.0%} of {job.asked:,} responses"
            tell("stopped", model=job.model, text=text)


def _score(plan: Plan, ready: Prepared, run: Run, store: Store, tell: EventLog) -> None:
    jobs = {key: job for job in ready.jobs for key in job.requests}
    to_review = reviewed_benchmarks(plan.checks)
    unasked = {key: job.unasked for key, job in jobs.items()}
    for measurement in _measured(ready, run):
        progress: list[Progress] = []

        def step(done: int, total: int, at: str = measurement.id, progress: list[Progress] = progress) -> None:
            if not progress:
                progress.append(Progress(tell, f"grading {at}", total))
            progress[0].step()

        try:
            if measurement.of_overlap is not None:
                evidence = score_overlap(plan, measurement)
            elif (judge := measurement.of_judge) is not None:
                evidence = score_calibration(measurement, plan.calibrations[judge], ready.judges[judge], store)
            else:
                name = plan.judge_of(measurement.benchmark)
                evidence = score_measurement(
                    plan,
                    measurement,
                    jobs[measurement.id].requests[measurement.id],
                    ready.samples[measurement.benchmark],
                    store,
                    jobs[measurement.id].hearing,
                    ready.judges[name] if name else None,
                    step,
                    unasked[measurement.id],
                )
        except (StoreError, WriteError):
            raise
        except UnavailableError as error:
            run.unavailable[measurement.id] = str(error)
            continue
        except DsafeError as error:
            run.failed[measurement.id] = f"{measurement.id}: {error}"
            continue
        run.evidence[measurement.id] = evidence
        if measurement.id in to_review:
            answers = _answers(plan, ready, measurement, store)
            if left := review(plan, measurement, evidence, [a for a in answers if not a.thinking]):
                _warn(run, tell, left)


def _tell_recorded(recorded: Recorded, ready: Prepared, run: Run, count: int, tell: EventLog) -> None:
    """Say what a recorded run lacks, and what of it answers nothing here."""
    jobs: list[Job] = [*ready.jobs, *(reader.job for reader in ready.judges.values() if reader.job)]
    used = 0
    for job in jobs:
        used += len({request.key for request in job.everything}) - len(job.pending)
        if job.pending:
            what = f"{len(job.pending)} responses are not in {recorded.folder}"
            _warn(run, tell, f"{job.model}: {what}: other data, prompts or sampling, or never measured")
    if count > used:
        _warn(run, tell, f"{count - used} responses of {recorded.folder} answer nothing this suite asks")
