"""What is to be asked: for every model of the wanted measurements, its requests and those not stored yet.

Whatever is absent or broken is put on record here, before any engine starts: one model's missing weights do not stop
the others.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from dsafe_runner.engines.backends import Identified, identify
from dsafe_runner.errors import DataError, DsafeError, UnavailableError
from dsafe_runner.measure.identity import data_identity, model_identity, requests_for
from dsafe_runner.measure.store import Store
from dsafe_runner.plan import Check, Measurement, Plan, checkpoint_of, engine_fields
from dsafe_runner.records import Request, Sample, digest


@dataclass
class Job:
    """All that one model is to be asked.

    fields     model and engine as the engine process wants them
    pending    requests that are not stored, each once: duplicates of a prompt are folded
    described  what its engine says about itself; until it has started, what it said the last time
    """

    model: str
    identity: dict[str, Any]
    fields: tuple[dict[str, Any], dict[str, Any]]
    identified: Identified
    requests: dict[str, list[Request]] = field(default_factory=dict)
    pending: list[Request] = field(default_factory=list)
    described: dict[str, Any] = field(default_factory=dict)
    errors: int = 0

    @property
    def asked(self) -> int:
        """Responses wanted in all."""
        return sum(len(requests) for requests in self.requests.values())

    @property
    def most_new_tokens(self) -> int:
        """Tokens that asking the pending requests can cost at most; reading option letters costs one."""
        return sum(r.sampling.max_tokens if r.sampling.scoring == "generate" else 1 for r in self.pending)

    @property
    def seconds(self) -> int | None:
        """Seconds the pending requests take at the rate of the last time; None where there was none."""
        rate = self.described.get("responses_per_second")
        return round(len(self.pending) / rate) if rate else None


@dataclass
class Prepared:
    """What can be measured, and what cannot and why (one line per measurement id)."""

    jobs: list[Job]
    samples: dict[str, tuple[Sample, ...]]
    data: dict[str, dict[str, str]]
    unavailable: dict[str, str]
    failed: dict[str, str]


def prepare(
    plan: Plan, checks: Iterable[Check], store: Store, *, hashes: MutableMapping[str, str], download: bool,
    models: Container[str] | None = None,
) -> Prepared:
    """Requests of every model that some check needs.

    models    leave out what other models are asked
    download  fetch hub weights that are not in the local cache (a suite named on the command line); otherwise they
              are reported as unavailable.
    """
    wanted = {key: m for key, m in plan.needed(checks).items() if models is None or m.model in models}
    made = Prepared([], {}, {}, {}, {})
    _load_samples(plan, wanted, made)
    for name in plan.loaded.suite.models:
        own = [
            m for m in wanted.values()
            if m.model == name and m.id not in made.unavailable and m.id not in made.failed
        ]
        if own:
            _add_job(plan, name, own, made, store, hashes, download)
    return made


def _load_samples(plan: Plan, wanted: dict[str, Measurement], made: Prepared) -> None:
    for name in dict.fromkeys(m.benchmark for m in wanted.values()):
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


def _add_job(
    plan: Plan, name: str, own: list[Measurement], made: Prepared, store: Store,
    hashes: MutableMapping[str, str], download: bool,
) -> None:
    fields = engine_fields(plan.loaded, name)
    try:
        identified = identify(*fields, cache=hashes, download=download)
    except UnavailableError as error:
        made.unavailable.update({m.id: f"{name}: {error}" for m in own})
        return
    except DsafeError as error:
        made.failed.update({m.id: f"{name}: {error}" for m in own})
        return
    identity = model_identity(checkpoint_of(plan.loaded, name), identified)
    job = Job(name, identity, fields, identified, described=store.engine(digest(identity)))
    for measurement in own:
        job.requests[measurement.id] = requests_for(plan, measurement, made.samples[measurement.benchmark], identity)
    unique = {r.key: r for requests in job.requests.values() for r in requests}
    stored = store.have(unique)
    job.pending = [request for key, request in unique.items() if key not in stored]
    made.jobs.append(job)

