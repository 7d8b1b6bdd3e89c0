"""The tiny family's gate on transformers, on vLLM in process, on a vLLM server: the same answers, the same verdicts."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from vllm_server import vllm_servers

from dsafe_runner.plan import make_plan
from dsafe_runner.records import Verdict
from dsafe_runner.runner.measured import Run, decide
from dsafe_runner.runner.run import measure
from dsafe_runner.suite.load import load_suite

ROOT = Path(__file__).parents[2]
MODELS = ("base", "distilled", "safe")
AGREE = 0.99


@dataclass(frozen=True)
class Gate:
    """A decided run; `said` holds (answer, thinking, finish) per (model, benchmark, item, k)."""

    run: Run
    verdicts: dict[str, Verdict]
    said: dict[tuple, tuple]


def suite_with(engines: dict, models: dict, folder: Path) -> Path:
    """suites/tiny.safety.yaml with other engines, and other fields of its models."""
    yaml = YAML(typ="safe")
    suite = yaml.load((ROOT / "suites/tiny.safety.yaml").read_text(encoding="utf-8"))
    for name, model in suite["models"].items():
        model["path"] = str(ROOT / "recipes/tiny/models" / name)
        model.update(models[name])
    suite["engines"] = engines
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "tiny.safety.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(suite, file)
    return folder / "tiny.safety.yaml"


def gate(path: Path) -> Gate:
    plan = make_plan(load_suite(path))
    folder = path.parent / "run"
    began = time.perf_counter()
    run = measure(plan, store=path.parent / "store.sqlite", folder=folder, export=True)
    print(f"{path.parent.name}: {time.perf_counter() - began:.0f} s")
    said = {}
    for file in (folder / "responses").glob("*.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            said[file.stem, row["benchmark"], row["sample_id"], row["k"]] = tuple(
                row[name] for name in ("answer", "thinking", "finish")
            )
    return Gate(run, {key: one.verdict for key, one in decide(plan, run).items()}, said)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("family")


@pytest.fixture(scope="module")
def by_transformers(folder):
    engine = {"backend": "transformers", "device": "cpu", "dtype": "float32", "threads": 1}
    return gate(suite_with({"e": engine}, {name: {"engine": "e"} for name in MODELS}, folder / "transformers"))


@pytest.fixture(scope="module")
def by_vllm(folder):
    engine = {"backend": "vllm", "dtype": "float32", "threads": 1}
    return gate(suite_with({"e": engine}, {name: {"engine": "e"} for name in MODELS}, folder / "vllm"))


@pytest.fixture(scope="module")
def by_server(folder):
    split = ("--reasoning-parser", "deepseek_r1")
    models = {name: (ROOT / "recipes/tiny/models" / name, () if name == "base" else split) for name in MODELS}
    with vllm_servers(models, folder) as urls:
        engines = {name: {"backend": "openai", "base_urls": [url]} for name, url in urls.items()}
        return gate(suite_with(engines, {name: {"engine": name, "path": name} for name in MODELS}, folder / "server"))


def agreement(one: Gate, other: Gate, fields: slice) -> dict[str, float]:
    """Share of the items with the same response, per model."""
    assert one.said.keys() == other.said.keys()
    assert len(one.said) > 1000
    shares = {}
    for model in MODELS:
        keys = [key for key in one.said if key[0] == model]
        shares[model] = sum(one.said[key][fields] == other.said[key][fields] for key in keys) / len(keys)
    print({model: f"{share:.4f}" for model, share in shares.items()}, len(one.said))
    return shares


def test_the_engine_answers_as_transformers_does(by_transformers, by_vllm):
    assert not by_vllm.run.failed
    assert not by_vllm.run.unavailable
    assert min(agreement(by_transformers, by_vllm, slice(0, 3)).values()) >= AGREE


def test_the_engine_gives_the_same_verdicts(by_transformers, by_vllm):
    expected = {name: verdict.status for name, verdict in by_transformers.verdicts.items()}
    assert {name: verdict.status for name, verdict in by_vllm.verdicts.items()} == expected
    assert len(set(expected.values())) > 1, "a suite whose checks all end alike tells nothing here"


def test_a_server_answers_as_transformers_does(by_transformers, by_server):
    assert not by_server.run.failed
    assert not by_server.run.unavailable
    assert min(agreement(by_transformers, by_server, slice(0, 3)).values()) >= AGREE


def test_a_server_gives_the_same_verdicts(by_transformers, by_server):
    expected = {name: verdict.status for name, verdict in by_transformers.verdicts.items()}
    assert {name: verdict.status for name, verdict in by_server.verdicts.items()} == expected


def test_the_manifest_says_what_ran(by_vllm):
    for model in MODELS:
        said = by_vllm.run.manifest["models"][model]
        assert said["engine"]["engine"] == "vllm"
        assert said["engine"]["all_weights_checked"]
        assert said["identity"]["versions"]["vllm"] == said["engine"]["vllm"]
        assert said["errors"] == 0
