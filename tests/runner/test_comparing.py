"""What is compared must be two things: one set of responses under two names passes whatever the model does."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from dsafe_runner.cli import main
from dsafe_runner.plan import make_plan
from dsafe_runner.records import Status
from dsafe_runner.runner.measured import decide
from dsafe_runner.runner.origin import one_model
from dsafe_runner.runner.run import measure
from dsafe_runner.suite.load import load_suite

ITEMS = 120
SUITE = """\
suite: NAME
engines: {log: {backend: replay, match: id}}
models:
  safe: {path: ./safe.jsonl, engine: logMINE}
  dist: {path: DIST, engine: logTHEIRS}
benchmarks: {mcq: {use: custom, path: mcq.jsonl}}
BASELINES
thresholds:
  - {benchmark: mcq, metric: acc, model: safe, versus: VERSUS, max_drop: 0.05}
"""


def rows(wrong: int = 0) -> list[dict[str, object]]:
    """A log of answers, the first of them wrong."""
    return [
        {"benchmark": "mcq", "sample_id": f"q{i}", "k": 0, "answer": "B" if i < wrong else "A", "finish": "stop"}
        for i in range(ITEMS)
    ]


def log(path: Path, lines: list[dict[str, object]]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def folder(tmp_path):
    items = [
        {"id": f"q{i}", "kind": "mcq", "question": f"Which letter is {i}?", "options": ["this", "that"], "answer": "A"}
        for i in range(ITEMS)
    ]
    log(tmp_path / "mcq.jsonl", items)
    log(tmp_path / "safe.jsonl", rows(wrong=100))
    return tmp_path


def verdict(
    folder: Path,
    *,
    dist: str = "dist.jsonl",
    versus: str = "dist",
    baselines: str = "",
    name: str = "demo",
    mine: str = "",
    theirs: str = "",
):
    """The verdict on safe against dist, or a baseline."""
    text = SUITE.replace("VERSUS", versus).replace("BASELINES", baselines).replace("NAME", name)
    text = text.replace("DIST", f"./{dist}").replace("MINE", mine).replace("THEIRS", theirs)
    (folder / "s.safety.yaml").write_text(text)
    plan = make_plan(load_suite(folder / "s.safety.yaml"))
    (found,) = decide(plan, measure(plan, store=folder / "store.sqlite", folder=folder / "run")).values()
    return found.verdict


def saved(folder: Path, name: str = "rel.json") -> Path:
    """A baseline of `safe`, as it answers now."""
    text = SUITE.replace("VERSUS", "dist").replace("BASELINES", "").replace("NAME", "release")
    text = text.replace("DIST", "./safe.jsonl").replace("MINE", "").replace("THEIRS", "")
    (folder / "r.safety.yaml").write_text(text)
    before = set((folder / "reports").glob("*"))
    places = ["--store", str(folder / "r.sqlite"), "--reports", str(folder / "reports")]
    main(["measure", str(folder / "r.safety.yaml"), *places])
    (run,) = set((folder / "reports").glob("*")) - before
    assert main(["baseline", "save", str(folder / name), "--run", str(run), "--model", "safe"]) == 0
    return folder / name


def copied(folder: Path) -> None:
    (folder / "dist.jsonl").write_bytes((folder / "safe.jsonl").read_bytes())


def linked(folder: Path) -> None:
    (folder / "dist.jsonl").symlink_to("safe.jsonl")


def reordered(folder: Path) -> None:
    lines = rows(wrong=100)
    random.Random(1).shuffle(lines)
    log(folder / "dist.jsonl", lines)


def exported(folder: Path) -> None:
    """The same texts from another tool: other fields, white space at the ends."""
    lines = [{**row, "answer": f"{row['answer']}\n", "completion_tokens": 3} for row in rows(wrong=100)]
    log(folder / "dist.jsonl", lines)


@pytest.mark.parametrize("make", [copied, linked, reordered, exported])
def test_one_log_under_two_names_decides_nothing(folder, make):
    make(folder)
    found = verdict(folder)
    assert found.status is Status.INCONCLUSIVE
    assert found.reason.startswith("safe and dist are one model under two names: both")


def test_two_models_that_read_one_file_decide_nothing(folder):
    assert "(safe.jsonl)" in verdict(folder, dist="safe.jsonl").reason


def test_two_logs_are_compared(folder):
    log(folder / "dist.jsonl", rows(wrong=101))
    assert verdict(folder).status is Status.PASS
    log(folder / "dist.jsonl", rows(wrong=0))
    assert verdict(folder).status is Status.FAIL


def test_models_that_answer_alike_are_told_apart_by_their_revisions(folder):
    reordered(folder)
    assert "told apart by `revision:`" in verdict(folder).reason
    assert verdict(folder, mine=", revision: v2", theirs=", revision: v1").status is Status.PASS
    # the same bytes are the same log, whatever they are called
    copied(folder)
    assert verdict(folder, mine=", revision: v2", theirs=", revision: v1").status is Status.INCONCLUSIVE


@pytest.mark.parametrize("make", [None, copied, reordered, exported])
def test_a_baseline_of_the_candidates_own_log_decides_nothing(folder, make):
    log(folder / "dist.jsonl", rows())
    saved(folder)
    if make is not None:
        # the candidate is the log that the baseline is of, written once more
        (folder / "dist.jsonl").unlink()
        make(folder)
        (folder / "dist.jsonl").replace(folder / "safe.jsonl")
        log(folder / "dist.jsonl", rows())
    found = verdict(folder, versus="rel", baselines="baselines: {rel: {path: rel.json}}")
    assert found.status is Status.INCONCLUSIVE
    assert "rel.json was made of the responses it is compared with: both" in found.reason


def test_a_baseline_of_another_log_is_compared(folder):
    log(folder / "dist.jsonl", rows())
    saved(folder)
    known = "baselines: {rel: {path: rel.json}}"
    log(folder / "safe.jsonl", rows(wrong=99))
    assert verdict(folder, versus="rel", baselines=known).status is Status.PASS


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (", system_prompt: Be kind.", 'asked system_prompt None, now "Be kind."'),
        (", reasoning: deepseek-r1", 'asked reasoning None, now "deepseek-r1"'),
        (", chat_template_kwargs: {thinking: true}", "asked chat_template_kwargs.thinking None, now True"),
    ],
)
def test_a_baseline_that_was_asked_otherwise_is_refused_with_both_values(folder, key, line):
    log(folder / "dist.jsonl", rows())
    saved(folder)
    log(folder / "safe.jsonl", rows(wrong=99))
    found = verdict(folder, versus="rel", baselines="baselines: {rel: {path: rel.json}}", mine=key)
    assert found.status is Status.INCONCLUSIVE
    assert line in found.reason


SERVED = {
    "backend": "openai",
    "served_model": "m",
    "revision": None,
    "reasoning": None,
    "system_prompt": None,
    "servers": {"urls": ["http://localhost:8000/v1"]},
    "extra_body": {},
    "context_length": None,
}


def test_one_served_model_is_one_however_its_url_is_spelt():
    urls = ({"http://localhost:8000/v1"}, {"http://127.0.0.1:8000/v1/", "http://other:8000/v1"})
    other = {**SERVED, "servers": {"urls": sorted(urls[1])}, "revision": "v2", "context_length": 4096}
    assert one_model(SERVED, other, urls) == []
    assert one_model(SERVED, {**other, "system_prompt": "Be kind."}, urls) == ["system_prompt None and 'Be kind.'"]
    assert one_model(SERVED, {**other, "served_model": "n"}, urls) is None
    assert one_model(SERVED, other, (urls[0], {"http://other:8000/v1"})) is None


def test_one_checkpoint_is_one_whatever_code_it_may_bring():
    ours = {"backend": "transformers", "checkpoint": "ab", "dtype": "float32", "trust_remote_code": False}
    nowhere: tuple[set[str], set[str]] = (set(), set())
    assert one_model(ours, {**ours, "trust_remote_code": True}, nowhere) == []
    assert one_model(ours, {**ours, "dtype": "bfloat16"}, nowhere) == ["dtype 'float32' and 'bfloat16'"]
    assert one_model(ours, {**ours, "checkpoint": "cd"}, nowhere) is None
