"""Stored baselines: made of a run folder; what they and a run were made with, held against each other.

An outcome is one letter per response (`vocabulary.CODES`), or the judge's class.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dsafe_runner import __version__
from dsafe_runner.errors import DataError, EvidenceError, UsageError
from dsafe_runner.files import write_atomically
from dsafe_runner.plan import measurement_id
from dsafe_runner.plan.baseline import DIGEST, VERSION, seal
from dsafe_runner.records import OVERALL, Outcome, Score, digest
from dsafe_runner.runner.origin import same_responses
from dsafe_runner.verdicts.evidence import fill, read_evidence
from dsafe_runner.verdicts.metrics import tally
from dsafe_runner.vocabulary import CLASS_CODES, CODES, MISSING_CODE, OUTCOMES

_VOLATILE = ("engine", "asked", "errors", "stage", "path", "revision")


def part_of(manifest: Mapping[str, Any], model: str, benchmark: str) -> dict[str, Any]:
    """What a model's outcomes on a benchmark were made with, as a baseline keeps it."""
    about = manifest["benchmarks"][benchmark]
    judge = manifest["judges"].get(about["judge"] or "", {})
    sampling = dict(manifest["measurements"][measurement_id(model, benchmark)]["sampling"])
    identity = manifest["models"][model]["identity"]
    return {
        "use": about["use"],
        "data": about["data"],
        "grader": about.get("grader"),
        "judge": {key: value for key, value in judge.items() if key not in _VOLATILE} or None,
        "asked": {
            "system_prompt": identity.get("system_prompt"),
            "reasoning": identity.get("reasoning"),
            "chat_template_kwargs": identity.get("chat_template_kwargs") or {},
            # a server's own arguments for template and sampling
            "extra_body": identity.get("extra_body") or {},
        },
        "samples": sampling.pop("samples"),
        "sampling": sampling,
    }


def differences(stored: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[str]:
    """Each thing in which a baseline was made otherwise, in words."""
    for name in ("use", "samples"):
        if stored.get(name) != now[name]:
            yield f"{name} {stored.get(name)!r}, now {now[name]!r}"
    for name in ("data", "asked", "sampling", "judge", "grader"):
        then, here = _flat(stored.get(name)), _flat(now[name])
        yield from _unequal(name, then, here, then.keys() | here.keys())


def differences_from_published(made: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[str]:
    """Each thing in which published counts say they were made otherwise, in words. What they do not say is not held."""
    for name, said in made.items():
        here = _flat(now[name])
        # a table that says of the judge only which class it is of says nothing of its prompt
        yield from _unequal(name, then := _flat(said), here, then.keys())


def _unequal(name: str, then: Mapping[str, Any], here: Mapping[str, Any], keys: Iterable[str]) -> Iterable[str]:
    for key in sorted(keys):
        if then.get(key) != here.get(key):
            before, after = _short(then.get(key)), _short(here.get(key))
            if before == after:
                # two long texts that begin alike
                before, after = (
                    f"{side} ({digest(value)})" for side, value in ((before, then.get(key)), (after, here.get(key)))
                )
            yield f"{name} {key} {before}, now {after}" if key else f"{name} {before}, now {after}"


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, part in value.items():
        found |= _flat(part, f"{prefix}.{key}" if prefix else str(key))
    return found


def _short(value: Any) -> str:
    # a text as JSON has it: one line, and told from a number
    text = str(value) if value is None or not isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:32] + "…"


def from_run(folder: Path, model: str) -> dict[str, Any]:
    """The baseline of a model of a measured run, as JSON types.

    Raises:
        UsageError: no such run, or no such model in it.
        EvidenceError: the run was stopped early, or something of the model was not measured.
    """
    manifest, scores = _run(folder)
    if manifest.get("stopped"):
        raise EvidenceError(f"{folder} was stopped early (stop: certain); a baseline needs every response")
    if model not in manifest["models"]:
        raise UsageError(f"{folder} has no model {model!r}; it has {', '.join(manifest['models'])}")
    broken = {key: why for key, why in {**manifest["failed"], **manifest["unavailable"]}.items()}
    benchmarks = {}
    for benchmark in manifest["benchmarks"]:
        key = measurement_id(model, benchmark)
        if key in broken:
            raise EvidenceError(f"{folder}: {broken[key]}; a baseline needs all of it")
        if key in scores:
            evidence = read_evidence(folder / "scores" / scores[key])
            outcomes = {item: "".join(map(_code, row)) for item, row in evidence.scores.items()}
            if unknown := sum(codes.count(MISSING_CODE) for codes in outcomes.values()):
                raise EvidenceError(f"{folder}: {unknown} responses of {key} are missing; run again and save then")
            made = part_of(manifest, model, benchmark)
            made["origin"] = _origin(folder, manifest, key)
            benchmarks[benchmark] = {**made, "noise": None, "outcomes": outcomes}
    if not benchmarks:
        raise EvidenceError(f"{folder} has no scores of {model}")
    about = manifest["models"][model]
    return {
        "version": VERSION,
        "kind": "baseline",
        "suite": manifest["suite"]["name"],
        "model": model,
        "saved": datetime.date.today().isoformat(),
        "dsafe": __version__,
        "identity": about["identity"],
        "revision": about.get("revision"),
        "made": {"run": manifest["started"], "seed": manifest["suite"]["seed"]},
        "benchmarks": benchmarks,
    }


def _origin(folder: Path, manifest: Mapping[str, Any], measurement: str) -> dict[str, Any]:
    found = manifest["measurements"][measurement].get("origin")
    if not isinstance(found, dict):
        what = f"{folder} was written by an older dsafe, which did not keep which responses it was"
        raise EvidenceError(f"{what}; run again (what is stored is not asked again) and use that folder")
    return found


def with_noise(baseline: dict[str, Any], rerun: dict[str, Any], metrics: Mapping[str, tuple[str, ...]]) -> None:
    """Add to a baseline how many items another run of the same model decided otherwise.

    metrics  benchmark -> the metrics it offers

    Raises:
        EvidenceError: the second run is of another model, or was made otherwise, or is the first one again.
    """
    if rerun["identity"] != baseline["identity"]:
        raise EvidenceError("the two runs are of different models or engines; noise is one model run twice")
    _made_anew(baseline, rerun)
    for name, stored in baseline["benchmarks"].items():
        other = rerun["benchmarks"].get(name)
        if other is None:
            continue
        identities = (baseline["identity"], rerun["identity"])
        if same := same_responses(stored["origin"], other["origin"], identities):
            what = f"{name}: {same}, so there is no noise to see"
            raise EvidenceError(f"{what}; measure again with another --seed and another --store")
        if differing := list(differences(stored, other)):
            raise EvidenceError(f"{name}: the runs were made otherwise: {'; '.join(differing)}")
        if stored["outcomes"].keys() != other["outcomes"].keys():
            raise EvidenceError(f"{name}: the baseline does not hold the items that were measured; save it again")
        sides = [_tallies(name, part, metrics.get(name, ())) for part in (stored, other)]
        stored["noise"] = {
            metric: [sum(a != b for a, b in zip(first, sides[1][metric], strict=True)), len(first)]
            for metric, first in sides[0].items()
        }


def _made_anew(baseline: Mapping[str, Any], rerun: Mapping[str, Any]) -> None:
    """Make sure that the responses were drawn a second time: those of the store, or of one seed, show no noise."""
    first, second = baseline.get("made") or {}, rerun["made"]
    if first.get("run") == second["run"]:
        raise EvidenceError("this is the run that the baseline was made of; noise needs a second one")
    drawn = any(part["sampling"]["temperature"] for part in rerun["benchmarks"].values())
    if drawn and first.get("seed") == second["seed"]:
        what = f"both runs have seed {second['seed']}, so the same responses were drawn"
        raise EvidenceError(f"{what}; measure again with another `--seed`")


def _tallies(name: str, part: dict[str, Any], metrics: tuple[str, ...]) -> dict[str, list[tuple[int, int]]]:
    items = sorted(part["outcomes"])
    if any(len(part["outcomes"][item]) != part["samples"] for item in items):
        raise EvidenceError(f"{name}: an item has not {part['samples']} outcomes; save the baseline again")
    scores = [score_of(item, k, code) for item in items for k, code in enumerate(part["outcomes"][item])]
    evidence = fill(name, part["samples"], {item: (OVERALL,) for item in items}, scores)
    return {metric: tally(metric, evidence, OVERALL) for metric in metrics}


def write_baseline(path: Path, baseline: dict[str, Any]) -> None:
    """Write a baseline under its digest, a line per item.

    Raises:
        WriteError: it cannot be written.
    """
    sealed = {**baseline, DIGEST: seal(baseline)}
    write_atomically(path, json.dumps(sealed, ensure_ascii=False, indent=1) + "\n")


def _run(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        parts = [manifest[part] for part in ("models", "judges", "benchmarks", "measurements", "failed", "unavailable")]
        if not all(isinstance(part, dict) for part in (*parts, run["scores"])):
            raise ValueError("no manifest of a run")
    except FileNotFoundError:
        raise UsageError(f"{folder} is no run folder; name one under reports/") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{folder} cannot be read ({error}); measure again") from None
    return manifest, run["scores"]


def _code(score: Score) -> str:
    return str(score.label) if score.outcome is Outcome.LABELLED else CODES[score.outcome]


def score_of(item: str, k: int, code: str) -> Score:
    """The score behind a letter of a baseline. Raises EvidenceError: it is none."""
    if code in CLASS_CODES:
        return Score(item, k, Outcome.LABELLED, label=CLASS_CODES[code])
    if code not in OUTCOMES:
        raise EvidenceError(f"a baseline says {code!r} of {item}, which is no outcome; save it again")
    return Score(item, k, OUTCOMES[code])
