"""Mistakes of users, over all verbs: a line on standard error and exit 2 or 4, never a traceback, never 0 or 1."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dsafe_runner.cli import VERBS, main

MODEL = Path(__file__).parents[2] / "recipes/tiny/models/safe"
SUITE = f"""\
suite: x
engines: {{local: {{backend: transformers, device: cpu}}}}
models:
  safe: {{path: {MODEL}, engine: local, reasoning: deepseek-r1}}
benchmarks:
  mcq: {{use: tiny/mcq}}
thresholds:
  - {{benchmark: mcq, metric: acc, model: safe, min: 0.5}}
"""
RECIPE = {
    "recipe": "r",
    "start": {"path": str(MODEL)},
    "reasoning": "deepseek-r1",
    "data": {"use": "mixture", "sources": [{"path": "./rows.jsonl", "kind": "benign"}], "near_duplicates": None},
    "train": {"steps": 1, "batch_size": 1, "learning_rate": 0.1, "max_length": 99},
}
LONG = "n" * 5000
DEEP = "[" * 100_000
WHO = ("--reason", "known", "--owner", "li", "--permanent")
SAVE = ("--run", "run", "--model", "safe")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with one good suite and many bad files. What must not be writable is so for root as well."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    Path("good.safety.yaml").write_text(SUITE)
    Path("folder.safety.yaml").mkdir()
    Path("folder").mkdir()
    Path("loop").symlink_to("loop")
    Path("loop.safety.yaml").symlink_to("loop.safety.yaml")
    for kind, content in {
        "empty": b"",
        "binary": bytes(range(256)) * 8,
        "latin": "name: caf\xe9\n".encode("latin-1"),
        "utf16": SUITE.encode("utf-16"),
        "deep": DEEP.encode(),
        "number": b'{"a": ' + b"9" * 6000 + b"}",
        "null": b"null",
    }.items():
        for ending in (".safety.yaml", ".yaml", ".jsonl", ".json", ".csv"):
            Path(kind + ending).write_bytes(content)
    Path("recipe.yaml").write_text(json.dumps(RECIPE))
    Path("rows.jsonl").write_text('{"messages": [{"role": "user", "content": "hello"}], "answer": "hello there"}\n')
    for name in ("manifest.json", "run.json", "verdicts.json"):
        for kind in ("binary", "deep", "number", "null", "empty"):
            Path(f"run-{kind}").mkdir(exist_ok=True)
            Path(f"run-{kind}", name).write_bytes(Path(f"{kind}.json").read_bytes())
    Path("run-folders/manifest.json").mkdir(parents=True)
    Path("run-folders/verdicts.json").mkdir()
    return tmp_path


BAD = ("absent", "empty", "binary", "latin", "utf16", "deep", "number", "null", "folder", "loop")
RUNS = (
    "absent",
    "folder",
    "run-binary",
    "run-deep",
    "run-number",
    "run-null",
    "run-empty",
    "run-folders",
    "good.safety.yaml",
)
G = "good.safety.yaml"
MISTAKES = [
    # a bad suite to each verb that takes one
    *([verb, f"{bad}.safety.yaml"] for verb in ("check", "measure", "judge", "sheet") for bad in BAD),
    *(["overlap", "rows.jsonl", "--suite", f"{bad}.safety.yaml"] for bad in BAD),
    *(["overlap", f"{bad}.safety.yaml", "--suite", G] for bad in BAD),
    *(["overlap", f"{bad}.jsonl", "--suite", G] for bad in BAD),
    *(["overlap", f"{bad}.yaml", "--suite", G] for bad in BAD),
    *(["train", f"{bad}.yaml", *more] for bad in BAD for more in ([], ["--plan"], ["--preview"])),
    *(["data", "bank", f"{bad}{ending}"] for bad in BAD for ending in (".jsonl", ".csv")),
    *(["judge", G, "--replies", f"{bad}.jsonl"] for bad in BAD),
    *(["baseline", "show", f"{bad}.json"] for bad in BAD),
    *(["baseline", "diff", "null.json", f"{bad}.json"] for bad in BAD),
    *(["baseline", "noise", f"{bad}.json", "--run", "run-null"] for bad in BAD),
    *(["baseline", "update", f"{bad}.json", "--run", "run-null", "--model", "safe"] for bad in BAD),
    *(["baseline", "save", "new.json", "--run", run, "--model", "safe"] for run in RUNS),
    *(["waive", "safe::*", *WHO, "--run", run, "--suite", G] for run in RUNS),
    *(["waive", "safe::*", *WHO, "--suite", f"{bad}.safety.yaml"] for bad in BAD),
    # words of the command line
    [],
    ["nothing"],
    [""],
    ["--bogus"],
    *([verb, "--bogus"] for verb in VERBS),
    *(
        [verb, ""]
        for verb in ("init", "check", "measure", "judge", "sheet", "train", "overlap", "data", "waive", "baseline")
    ),
    *([verb, LONG] for verb in ("init", "check", "measure", "judge", "sheet", "train", "data", "waive", "baseline")),
    *([verb, f"{LONG}.safety.yaml"] for verb in ("check", "measure", "judge", "sheet")),
    *([verb, "a\0b"] for verb in ("check", "measure", "judge", "sheet", "train")),
    *([verb, "\udcff.safety.yaml"] for verb in ("check", "measure", "judge", "sheet")),
    ["check"],
    ["doctor", "more"],
    ["init"],
    ["init", "good.safety.yaml"],
    ["init", "./absent"],
    ["init", "folder"],
    ["init", "a/model", "--base", "./absent"],
    ["init", "a/model", "--out", G],
    ["init", "a/model", "--out", "folder.safety.yaml"],
    ["init", "a/model", "--out", "x.yaml"],
    ["init", "a/model", "--out", f"{G}/x.safety.yaml"],
    ["init", "a/model", "--out", "/proc/none/x.safety.yaml"],
    ["init", "a/model", "--out", f"{LONG}.safety.yaml"],
    ["init", "a/model", "--out", ""],
    ["init", "a/model", "--reasoning", "loud"],
    ["init", "a/model", "--list"],
    ["init", "--suite", "nothing"],
    ["init", "--recipe", ""],
    ["init", "--suite", "../tiny"],
    ["init", "\udcff/model"],
    ["check", G, "absent.safety.yaml"],
    ["check", G, "--plan", "--store", "folder"],
    ["check", G, "--plan", "--store", "binary.json"],
    ["check", G, "--plan", "--store", f"{G}/store"],
    ["check", G, "--plan", "--store", "/proc/none/store"],
    ["check", G, "--plan", "--store", ""],
    ["check", G, "--plan", "--store", LONG],
    ["measure", G, "--model", "nobody"],
    ["measure", G, "--model", ""],
    ["measure", G, "--engine", "none"],
    ["measure", G, "--engine", ""],
    ["measure", G, "--seed", "x"],
    ["measure", G, "--seed", "1.5"],
    ["measure", G, "--seed", "9" * 5000],
    ["measure", G, "--store", "folder"],
    ["measure", G, "--reports", G],
    ["measure", G, "--reports", "/proc/none"],
    ["measure", G, "--reports", LONG],
    ["judge", G],
    ["judge", G, "--judge", "nobody"],
    ["sheet", G],
    ["sheet", G, "--judge", "nobody"],
    ["sheet", G, "--store", "folder"],
    ["baseline"],
    ["baseline", "save", "x.json"],
    ["baseline", "save", G, *SAVE],
    ["baseline", "show", "a", "b"],
    ["baseline", "diff", "a"],
    ["baseline", "show", ""],
    ["waive", "safe::*"],
    ["waive", "safe::*", "--reason", "r", "--owner", "o"],
    ["waive", "safe::*", "--reason", "r", "--owner", "o", "--until", "tomorrow"],
    ["waive", "safe::*", "--reason", "r", "--owner", "o", "--until", "2027-02-30"],
    ["waive", "safe::*", "--reason", "r", "--owner", "o", "--until", "2027-02-20", "--permanent"],
    ["waive", "safe::*", *WHO],
    ["waive", "", *WHO],
    ["waive", "[", *WHO, "--reports", "absent"],
    ["data", "nothing"],
    ["data", "fetch"],
    ["data", "fetch", "nothing"],
    ["data", "fetch", ""],
    ["data", "bank"],
    ["train", "recipe.yaml", "--seed", "x"],
    ["train", "recipe.yaml", "--preview", "x"],
    ["train", "recipe.yaml", "--plan", "--preview"],
    ["train", "recipe.yaml", "--plan", "--gpus", "x"],
    ["train", "recipe.yaml", "--plan", "--gpus", "-1"],
    ["train", "recipe.yaml", "--plan", "--gpus", "2", "--gpu-memory", "nan"],
    ["train", "recipe.yaml", "--plan", "--gpus", "2", "--gpu-memory", "80", "--host-memory", "inf"],
    ["train", "recipe.yaml", "--plan", "--nodes", "0"],
    ["train", "recipe.yaml", "--preview", "-1"],
    ["train", "recipe.yaml", "--preview", "--seed", "9" * 100],
    ["train", "recipe.yaml", "--processes", "-2"],
    ["train", "recipe.yaml", "--seed", "-1"],
    ["train", "recipe.yaml", "--out", f"{G}/out"],
    ["train", "recipe.yaml", "--out", "/proc/none/out"],
    ["train", "recipe.yaml", "--out", G],
    ["overlap", "rows.jsonl"],
    ["overlap", "--suite", G],
    ["overlap", "rows.txt", "--suite", G],
]
_NAMED = [
    pytest.param(words, id=re.sub(r"[^ -~]", "?", f"{n} {' '.join(words)}")[:70]) for n, words in enumerate(MISTAKES)
]


def test_there_are_mistakes_of_every_verb():
    assert {words[0] for words in MISTAKES if words} >= set(VERBS)


@pytest.mark.parametrize("words", _NAMED)
def test_a_mistake_is_a_line_and_its_code(words, here, capfd):
    before = (here / "good.safety.yaml").read_bytes()
    try:
        code = main(words)
    except SystemExit as stop:  # argparse's way out
        code = stop.code
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert code in (2, 4), said
    assert said.strip()
    assert len(said.splitlines()) < 40
    assert (here / "good.safety.yaml").read_bytes() == before
