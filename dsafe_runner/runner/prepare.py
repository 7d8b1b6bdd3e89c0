"""What is to be asked: for every model of the wanted measurements, its requests and those not stored yet.

Judges that ask a model are looked up here too, so that an absent one is known before hours of generation.

Whatever is absent or broken is put on record here, before any engine starts: one model's missing weights do not stop
the others.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dsafe_runner.engines.backends import identify
from dsafe_runner.errors import DataError, DsafeError, UnavailableError
from dsafe_runner.judges.base import AskingJudge
from dsafe_runner.plan import Check, Measurement, Plan, checkpoint_of, engine_fields, judge_subject
from dsafe_runner.records import Sample, digest
from dsafe_runner.runner.hearing import Hearing
from dsafe_runner.runner.identity import data_identity, model_identity, requests_for
from dsafe_runner.runner.jobs import Job
from dsafe_runner.runner.recorded import Recorded
from dsafe_runner.runner.store import Store

if TYPE_CHECKING:
    from dsafe_runner.runner.judging import Reader


@dataclass
class Prepared:
    """What can be measured, and what cannot and why (one line per measurement id).

    wanted  the measurements asked for, those of judges' calibrations included
    judges  judge -> the judge at work; absent where its model cannot be identified
    """

    wanted: dict[str, Measurement]

    jobs: list[Job]
    samples: dict[str, tuple[Sample, ...]]
    data: dict[str, dict[str, str]]
    unavailable: dict[str, str]
    failed: dict[str, str]
    judges: dict[str, Reader] = field(default_factory=dict)


def prepare(
    plan: Plan,
    checks: Iterable[Check],
    store: Store,
    *,
    hashes: MutableMapping[str, str],
    download: bool,
    models: Container[str] | None = None,
    engines: Mapping[str, str] | None = None,
    recorded: Recorded | None = None,
) -> Prepared:
    """Requests of every model that some check needs.

    models    leave out what other models are asked
    engines   model -> name of the engine of the suite it runs on instead of its own
    download  fetch hub weights that are not in the local cache (a suite named on the command line); otherwise they
              are reported as unavailable.
    recorded  a run measured elsewhere: models are who they were there
    """
    wanted = {key: m for key, m in plan.needed(checks).items() if models is None or m.model in models or m.of_judge}
    made = Prepared(wanted, [], {}, {}, {}, {})
    _load_samples(plan, wanted, made)

    def job(name: str) -> Job:
        fields = engine_fields(plan.loaded, name, (engines or {}).get(name))
        if recorded is not None:
            identified, described = recorded.identified(plan, name)
            return Job(name, identified.facts, fields, identified, Hearing(plan, name), described=described)
        identified = identify(*fields, cache=hashes, download=download)
        identity = model_identity(checkpoint_of(plan.loaded, name), identified)
        described = store.engine(digest(identity))
        return Job(name, identity, fields, identified, Hearing(plan, name), described=described)

    _add_judges(plan, made, job)
    for name in plan.loaded.suite.models:
        own = [m for m in _open(made) if m.model == name]
        if own and (found := _found(job, name, own, made)):
            _add_requests(plan, found, own, made, store)
    return made


def _open(made: Prepared) -> list[Measurement]:
    """The measurements nothing is known against."""
    return [m for key, m in made.wanted.items() if key not in made.unavailable and key not in made.failed]


def _found(job: Callable[[str], Job], name: str, own: list[Measurement], made: Prepared) -> Job | None:
    """The job of a model, or None and a line for each of its measurements."""
    try:
        return job(name)
    except UnavailableError as error:
        made.unavailable.update({m.id: f"{name}: {error}" for m in own})
    except DsafeError as error:
        made.failed.update({m.id: f"{name}: {error}" for m in own})
    return None


def _add_judges(plan: Plan, made: Prepared, job: Callable[[str], Job]) -> None:
    from dsafe_runner.runner.judging import Reader

    for name, judge in plan.judges.items():
        own = [m for m in _open(made) if name in (m.of_judge, plan.judge_of(m.benchmark))]
        if not own:
            continue
        model = None
        if isinstance(judge, AskingJudge):
            model = _found(job, judge_subject(name), own, made)
            if model is None:
                continue
        made.judges[name] = Reader.of(plan, name, model)


def _add_requests(plan: Plan, job: Job, own: list[Measurement], made: Prepared, store: Store) -> None:
    for measurement in own:
        samples = made.samples[measurement.benchmark]
        job.requests[measurement.id] = requests_for(plan, measurement, samples, job.identity)
    unique = {r.key: r for requests in job.requests.values() for r in requests}
    stored = store.have(unique)
    job.pending = [request for key, request in unique.items() if key not in stored]
    made.jobs.append(job)


def _load_samples(plan: Plan, wanted: dict[str, Measurement], made: Prepared) -> None:
    for name in dict.fromkeys(m.benchmark for m in wanted.values() if not (m.of_judge or m.of_overlap)):
        benchmark = plan.benchmarks[name]
        try:
            samples = benchmark.samples()
            if not samples:
                raise DataError(f"{name}: no samples; a check on nothing cannot pass")
            made.samples[name], made.data[name] = samples, data_identity(benchmark, samples)
        except UnavailableError as error:
            made.unavailable.update({m.id: str(error) for m in wanted.values() if m.benchmark == name})
        except DataError as error:
            made.failed.update({m.id: str(error) for m in wanted.values() if m.benchmark == name})
