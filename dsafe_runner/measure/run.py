"""The one expensive phase: engines answer, responses are committed as they arrive, then everything is scored.

One engine process per model, each in a thread of its own that waits for a device; this process is the only writer of
the store. A model that fails is put on record and the others go on.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Container, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from dsafe_runner.benchmarks.choice_text import constant_scores
from dsafe_runner.checks.evidence import Evidence
from dsafe_runner.engines.probe import cpu_count, probe
from dsafe_runner.engines.process import EngineProcess
from dsafe_runner.errors import EngineError, UnavailableError
from dsafe_runner.measure.devices import DevicePool, visible_gpus
from dsafe_runner.measure.events import EventLog, Listener, Progress
from dsafe_runner.measure.measured import Run
from dsafe_runner.measure.prepare import Job, Prepared, prepare
from dsafe_runner.measure.quotes import unquoted
from dsafe_runner.measure.scoring import judge_identity, judge_warning, score_measurement
from dsafe_runner.measure.store import FileHashes, Store
from dsafe_runner.plan import Check, Plan
from dsafe_runner.records import OVERALL, Outcome, Response, digest


def measure(
    plan: Plan, checks: Iterable[Check] | None = None, *, store: Path = Path(".dsafe/store.sqlite"),
    folder: Path = Path("reports/latest"), listener: Listener | None = None, download: bool = True,
    models: Container[str] | None = None,
) -> Run:
    """Measure what `checks` need (all checks of the plan when None) and score it.

    store, folder  the response store, and the run folder that gets `events.jsonl` and the engines' logs
    download       fetch hub weights that are not in the local cache
    models         leave out what other models are asked

    Raises:
        StoreError: the store cannot be used. Everything else that goes wrong is in the Run.
    """
    chosen = list(plan.checks if checks is None else checks)
    tell = EventLog(folder / "events.jsonl", listener)
    started = time.time()
    try:
        with Store(store) as opened:
            ready = prepare(plan, chosen, opened, hashes=FileHashes(opened), download=download, models=models)
            run = Run(unavailable=ready.unavailable, failed=ready.failed)
            _tell_plan(ready, tell)
            for name in ready.samples:
                if warning := judge_warning(plan, name):
                    run.warnings.append(f"{name}: {warning}")
                    tell("warning", text=run.warnings[-1])
            _ask(plan, ready, run, opened, folder, tell)
            for job in ready.jobs:
                for measurement_id, requests in job.requests.items():
                    if measurement_id in run.failed or measurement_id in run.unavailable:
                        continue
                    measurement = plan.measurements[measurement_id]
                    run.evidence[measurement_id] = score_measurement(
                        plan, measurement, requests, ready.samples[measurement.benchmark], opened
                    )
            run.manifest = _manifest(plan, ready, run, started)
            tell("done", measured=len(run.evidence), failed=len(run.failed), unavailable=len(run.unavailable))
    finally:
        tell.close()
    return run


def _tell_plan(ready: Prepared, tell: EventLog) -> None:
    for job in ready.jobs:
        tell(
            "plan", model=job.model, device=job.identified.device, responses=job.asked, stored=job.asked - len(job.pending),
            asking=len(job.pending), most_new_tokens=job.most_new_tokens, seconds=job.seconds,
        )
    for kind, reasons in (("unavailable", ready.unavailable), ("failed", ready.failed)):
        for measurement, reason in reasons.items():
            tell(kind, measurement=measurement, reason=reason)


def _ask(plan: Plan, ready: Prepared, run: Run, store: Store, folder: Path, tell: EventLog) -> None:
    """Run the engines of all jobs that have something to ask, and commit what they say."""
    busy = [job for job in ready.jobs if job.pending]
    if not busy:
        return
    pool = DevicePool(visible_gpus(len(probe()["devices"])), cpu_count())
    inbox: queue.SimpleQueue[tuple[str, Job, Any]] = queue.SimpleQueue()
    engines: list[EngineProcess] = []
    stop = threading.Event()
    threads = [
        threading.Thread(
            target=_serve, args=(job, pool, folder, inbox, engines, stop), name=f"dsafe-{job.model}", daemon=True
        )
        for job in busy
    ]
    progress: dict[str, Progress] = {}
    for thread in threads:
        thread.start()
    try:
        left = len(busy)
        while left:
            kind, job, value = inbox.get()
            if kind == "ready":
                job.described = value
                tell("model-start", model=job.model, engine=value)
                # a second process goes on where the first one died
                progress.setdefault(job.model, Progress(tell, job.model, len(job.pending)))
            elif kind == "response":
                _commit(job, value, store, tell)
                progress[job.model].step()
            else:
                left -= 1
                _end(job, value, run, tell)
                if job.model in progress and (rate := progress[job.model].per_second):
                    store.put_engine(digest(job.identity), {**job.described, "responses_per_second": rate})
    finally:
        # Ctrl-C, a full disk: no engine may outlive the run
        stop.set()
        for engine in list(engines):
            engine.kill()
        for thread in threads:
            thread.join(timeout=10)


def _commit(job: Job, response: Response, store: Store, tell: EventLog) -> None:
    if response.finish != "error":
        store.put(response)
        return
    job.errors += 1
    if job.errors <= 5:
        asked = next((request.messages for request in job.pending if request.key == response.key), ())
        reason = unquoted(str(response.error), asked)
        tell("warning", text=f"{job.model}: no response to {response.sample_id}: {reason}")


def _end(job: Job, error: Exception | None, run: Run, tell: EventLog) -> None:
    if error is None:
        tell("model-done", model=job.model, errors=job.errors)
        return
    absent = isinstance(error, UnavailableError)
    for measurement in job.requests:
        (run.unavailable if absent else run.failed)[measurement] = f"{job.model}: {error}"
    tell("unavailable" if absent else "failed", model=job.model, reason=str(error))


def _serve(
    job: Job, pool: DevicePool, folder: Path, inbox: queue.SimpleQueue[tuple[str, Job, Any]],
    engines: list[EngineProcess], stop: threading.Event,
) -> None:
    """Thread of one model: wait for a device, start its engine, pass on what it says; a crash is retried once."""
    model, engine = job.fields
    answered: set[str] = set()
    try:
        with _lease(pool, job) as env:
            for attempt in (1, 2):
                left = [request for request in job.pending if request.key not in answered]
                if stop.is_set() or not left:
                    break
                try:
                    process = EngineProcess(model, engine, env=env, log_path=folder / "logs" / f"{job.model}.log")
                    engines.append(process)
                    with process:
                        inbox.put(("ready", job, process.describe()))
                        for response in process.generate(left):
                            answered.add(response.key)
                            inbox.put(("response", job, response))
                    break
                except EngineError:
                    # worth a second process only where the first one got somewhere: a broken model fails at once
                    if attempt == 2 or not answered or stop.is_set():
                        raise
        inbox.put(("end", job, None))
    except Exception as error:
        inbox.put(("end", job, error))


def _lease(pool: DevicePool, job: Job) -> AbstractContextManager[dict[str, str]]:
    if job.identified.device == "none":
        return nullcontext({})
    return pool.gpus(job.identified.gpus) if job.identified.device == "cuda" else pool.cpu(job.fields[1]["threads"])


def _manifest(plan: Plan, ready: Prepared, run: Run, started: float) -> dict[str, Any]:
    """Everything that can move a number, as JSON types."""
    suite = plan.loaded.suite
    jobs = {job.model: job for job in ready.jobs}
    return {
        "suite": {"name": suite.suite, "file": plan.loaded.path.name, "sha256": plan.loaded.sha256, "seed": suite.seed},
        "policy": suite.policy.model_dump(mode="json"),
        "started": round(started, 3),
        "seconds": round(time.time() - started, 3),
        "models": {
            name: {
                "path": suite.models[name].path, "stage": suite.models[name].stage, "identity": job.identity,
                "engine": job.described, "asked": len(job.pending), "errors": job.errors,
            }
            for name, job in jobs.items()
        },
        "benchmarks": {
            name: {
                "use": suite.benchmarks[name].use, "data": data, "judge": judge_identity(plan, name),
                "constants": constant_scores(ready.samples[name]).get(OVERALL, {}),
            }
            for name, data in ready.data.items()
        },
        "measurements": {
            key: {
                "sampling": {
                    "temperature": (m := plan.measurements[key]).sampling.temperature, "top_p": m.sampling.top_p,
                    "max_tokens": m.sampling.max_tokens, "scoring": m.sampling.scoring, "samples": m.samples,
                },
                "outcomes": _counts(evidence),
            }
            for key, evidence in run.evidence.items()
        },
        "unavailable": run.unavailable,
        "failed": run.failed,
        "warnings": run.warnings,
    }


def _counts(evidence: Evidence) -> dict[str, int]:
    counts = {outcome.value: 0 for outcome in Outcome}
    for row in evidence.scores.values():
        for score in row:
            counts[score.outcome.value] += 1
    return counts
