"""Engines answer: one process per model, each in a thread of its own that waits for a device.

The thread that calls `ask` is the only writer of the store: a response is committed as it arrives, and whatever has
arrived is committed even when the run is interrupted. A model that fails is put on record and the others go on.
"""

from __future__ import annotations

import os
import queue
import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from dsafe_runner.engines.probe import cpu_count, probe
from dsafe_runner.engines.process import EngineProcess
from dsafe_runner.errors import EngineError, UnavailableError
from dsafe_runner.records import Request, Response, digest
from dsafe_runner.runner.devices import DevicePool, visible_gpus
from dsafe_runner.runner.events import EventLog, Progress
from dsafe_runner.runner.jobs import Job
from dsafe_runner.runner.measured import Run
from dsafe_runner.runner.redaction import unquoted
from dsafe_runner.runner.stopping import Stopper
from dsafe_runner.runner.store import Store

_Inbox = queue.SimpleQueue[tuple[str, Job, Any]]


def ask(jobs: list[Job], run: Run, store: Store, folder: Path, tell: EventLog, stopper: Stopper | None = None) -> None:
    """Run the engines of all jobs that have something to ask, and commit what they say.

    stopper  tells when a model needs to say no more
    """
    busy = [job for job in jobs if job.pending]
    if stopper is not None:
        _stop(stopper.enough(busy, now=True), [])
        busy = [job for job in busy if not job.enough]
    if not busy:
        return
    pool = _pool(busy)
    inbox: _Inbox = queue.SimpleQueue()
    engines: list[tuple[Job, EngineProcess]] = []
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
                run.servers.update(job.fields[1].get("base_urls", ()))
                for text in value.get("warnings", ()):
                    run.warnings.append(f"{job.model}: {text}")
                    tell("warning", text=run.warnings[-1])
                tell("model-start", model=job.model, engine=value)
                # a second process goes on where the first one died
                progress.setdefault(job.model, Progress(tell, job.model, len(job.pending)))
            elif kind == "response":
                _commit(job, value, store, run, tell)
                progress[job.model].step()
                if stopper is not None:
                    stopper.add(value)
                    _stop(stopper.enough([j for j in busy if not j.enough]), engines)
            elif kind == "more":
                progress[job.model].more(value)
            elif kind == "note":
                run.warnings.append(f"{job.model}: {value}")
                tell("warning", text=run.warnings[-1])
            else:
                left -= 1
                _end(job, value, run, tell)
                if job.model in progress and (rate := progress[job.model].per_second):
                    store.put_engine(digest(job.identity), {**job.described, "responses_per_second": rate})
    finally:
        # Ctrl-C, a full disk: no engine may outlive the run
        stop.set()
        for _, engine in list(engines):
            engine.kill()
        for thread in threads:
            thread.join(timeout=10)
        _drain(inbox, store)


def _stop(jobs: list[Job], engines: list[tuple[Job, EngineProcess]]) -> None:
    for job in jobs:
        job.enough = True
        for owner, engine in list(engines):
            if owner is job:
                engine.kill()


def _pool(jobs: list[Job]) -> DevicePool:
    # servers and files need no device, and asking torch for its GPUs costs seconds
    wants_gpu = any(job.identified.device == "cuda" for job in jobs)
    return DevicePool(visible_gpus(len(probe()["devices"])) if wants_gpu else [], cpu_count())


def _drain(inbox: _Inbox, store: Store) -> None:
    """Commit what had arrived when the run was interrupted: it has been paid for."""
    while True:
        try:
            kind, _, value = inbox.get_nowait()
        except queue.Empty:
            return
        if kind == "response" and value.finish != "error":
            store.put(value)


def _commit(job: Job, response: Response, store: Store, run: Run, tell: EventLog) -> None:
    if response.finish != "error":
        store.put(response)
        job.answered.add(response.key)
        return
    job.errors += 1
    job.failed.add(response.key)
    if job.errors <= 5:
        # a judge's second question is not among those that were pending at the start
        asked = next((r.messages for r in (*job.pending, *job.known) if r.key == response.key), ())
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
    job: Job,
    pool: DevicePool,
    folder: Path,
    inbox: _Inbox,
    engines: list[tuple[Job, EngineProcess]],
    stop: threading.Event,
) -> None:
    """Thread of one model: wait for a device, start its engine, pass on what it says; a crash is retried once."""
    model, engine = job.fields
    queued = {request.key: request for request in job.pending}
    answered: set[str] = set()
    was_here = False
    try:
        with _lease(pool, job) as env:
            for attempt in (1, 2):
                if stop.is_set() or job.enough:
                    break
                try:
                    process = EngineProcess(model, engine, env=env, log_path=folder / "logs" / f"{job.model}.log")
                    engines.append((job, process))
                    with process:
                        was_here = True
                        _same_files(job, process.describe())
                        if moved := _moved(job.described, process.describe()):
                            inbox.put(("note", job, moved))
                        inbox.put(("ready", job, process.describe()))
                        # a reply that cannot be read is asked for once more, of the same process
                        while left := [request for key, request in queued.items() if key not in answered]:
                            _generate(job, process, left, queued, answered, inbox)
                        # told of a part of the requests, an engine cannot say what the whole lacks
                        for note in process.notes if len(job.pending) == len({r.key for r in job.everything}) else ():
                            inbox.put(("note", job, note))
                    break
                except EngineError:
                    if job.enough:
                        break
                    # worth a second process only where the first one got somewhere: a broken model fails at once
                    if attempt == 2 or not answered or stop.is_set():
                        raise
        inbox.put(("end", job, None))
    except UnavailableError as error:
        gone = was_here or _vanished(model)
        inbox.put(("end", job, EngineError(f"it was here when the run began, and is gone: {error}") if gone else error))
    except Exception as error:
        inbox.put(("end", job, error))


def _vanished(model: dict[str, Any]) -> bool:
    """Whether the folder that its weights were hashed in at the start is no longer there."""
    return os.path.isabs(path := str(model["path"])) and not os.path.exists(path)


def _generate(
    job: Job, process: EngineProcess, left: list[Request], queued: dict[str, Request], answered: set[str], inbox: _Inbox
) -> None:
    more = 0
    for response in process.generate(left):
        answered.add(response.key)
        inbox.put(("response", job, response))
        again = job.again(queued[response.key], response) if job.again and response.finish != "error" else None
        if again is not None and again.key not in queued:
            queued[again.key] = again
            more += 1
    if more:
        inbox.put(("more", job, more))


def _same_files(job: Job, described: dict[str, Any]) -> None:
    """Files that are replayed must be those the responses are keyed by."""
    known = job.identified.facts.get("files")
    if known and any(known.get(file["file"]) != file["sha256"] for file in described.get("files", ())):
        raise EngineError("its files were changed while they were read; run again")


def _moved(before: dict[str, Any], now: dict[str, Any]) -> str | None:
    """What to say where a server names other weights than it did when stored responses were made."""
    old, new = _loaded(before), _loaded(now)
    if not old or not new or old == new:
        return None
    what = f"its server loads {', '.join(sorted(new))}, and loaded {', '.join(sorted(old))} when it was last asked"
    return f"{what}; if these are other weights, change `revision:`, or their answers are mixed"


def _loaded(described: dict[str, Any]) -> set[str]:
    """Names of the folders that servers say they have loaded; hosts may keep them in different places."""
    contracts = described.get("contract")
    said = [c.get("root") for c in contracts.values()] if isinstance(contracts, dict) else []
    return {root.rstrip("/").rpartition("/")[2] for root in said if isinstance(root, str) and root != "unknown"}


def _lease(pool: DevicePool, job: Job) -> AbstractContextManager[dict[str, str]]:
    if job.identified.device == "none":
        return nullcontext({})
    return pool.gpus(job.identified.gpus) if job.identified.device == "cuda" else pool.cpu(job.fields[1]["threads"])
