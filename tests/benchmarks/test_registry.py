"""Names are known, misspelt ones corrected, fields that make no sense refused, and nothing heavy is imported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dsafe_runner.benchmarks import harmbench, registry, safetybench, starter, xstest
from dsafe_runner.benchmarks.chisafetybench import sets as chisafetybench
from dsafe_runner.benchmarks.livecodebench import sets as livecodebench
from dsafe_runner.benchmarks.registry import NAMES, TAKES, offer, open_benchmark
from dsafe_runner.benchmarks.tc260 import sets as tc260
from dsafe_runner.benchmarks.tiny import sets as tiny
from dsafe_runner.errors import DataError, UnavailableError
from dsafe_runner.records import Outcome, Response, Sample
from dsafe_runner.vocabulary import METRICS

OWN = [name for name in NAMES if name not in TAKES["path"]]
"""Those that need no file of the user's."""


def test_names_are_those_of_the_families() -> None:
    for family in (tiny, starter, chisafetybench, xstest, harmbench, safetybench, tc260, livecodebench):
        assert [name for name in NAMES if name in family.NAMES] == list(family.NAMES)
    assert len(set(NAMES)) == len(NAMES)
    assert {name for names in TAKES.values() for name in names} < set(NAMES)


@pytest.mark.parametrize("name", OWN)
def test_every_offer_is_known_without_data(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path))
    offered = offer(name)
    assert offered == open_benchmark(name).offer
    assert offered.name == name
    assert next(iter(offered.slices)) == "overall"
    assert all(n > 0 for n in offered.slices.values())
    assert set(offered.extra) < set(offered.slices)
    assert set(offered.metrics) <= set(METRICS)
    assert offered.licence
    # areas and categories cover every item exactly once
    areas = [s for s in offered.slices if s != "overall" and "." not in s and s not in offered.extra]
    categories = [s for s in offered.slices if "." in s]
    for level in filter(None, (areas, categories)):
        assert sum(offered.slices[s] for s in level) == offered.slices["overall"]


@pytest.mark.parametrize(
    ("use", "said"),
    [
        ("chisafetybench/mqc", "did you mean 'chisafetybench/mcq'"),
        ("starter", "did you mean 'starter/"),
        ("costum", "did you mean 'custom'"),
        ("", "there are tiny/mcq"),
        ("../etc", "there are tiny/mcq"),
    ],
)
def test_unknown_names(use: str, said: str) -> None:
    for call in (offer, open_benchmark):
        with pytest.raises(DataError, match=said):
            call(use)


def test_fields_that_make_no_sense(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="takes no `path`"):
        open_benchmark("starter/mcq", path=tmp_path)
    with pytest.raises(DataError, match="takes no `key`"):
        open_benchmark("starter/mcq", key="literal")
    with pytest.raises(DataError, match="takes no `draw`"):
        open_benchmark("starter/refusal", draw=300)
    for call in (offer, open_benchmark):
        with pytest.raises(DataError, match="needs `path:`"):
            call("custom")
        with pytest.raises(UnavailableError, match="is not there"):
            call("custom", path=tmp_path / "gone.jsonl")


def test_opening_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom dsafe_runner.benchmarks.registry import NAMES, TAKES, open_benchmark\n"
        "for name in NAMES:\n    if name not in TAKES['path']: open_benchmark(name)\n"
        "heavy = ('torch', 'transformers', 'pydantic', 'rich', 'httpx', 'httpx2', 'numpy')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert registry.CUSTOM == "custom"


# ---- graded benchmarks read answers in the form their prompts ask for


def asked_for(sample: Sample) -> Response:
    """What a model says that does what the prompt asks and is right."""
    return Response(key="k", sample_id=sample.id, k=0, answer=f"分析如下。\n答案：{''.join(sample.target)}")


@pytest.mark.parametrize("use", ["starter/mcq", "chisafetybench/mcq", "safetybench-zh"])
def test_every_item_can_be_answered_right_and_wrong(use: str, real_folder: Callable[[str], Path]) -> None:
    if not use.startswith("starter"):
        real_folder(use.partition("/")[0].removesuffix("-zh"))
    benchmark = open_benchmark(use)
    for sample in benchmark.samples():
        score = benchmark.grade(sample, asked_for(sample))
        assert (score.outcome, score.answer) == (Outcome.RIGHT, "".join(sample.target)), sample.id
        other = next(x for x in "ABCD" if x not in sample.target)
        wrong = Response(key="k", sample_id=sample.id, k=0, answer=f"答案：{other}")
        assert benchmark.grade(sample, wrong).outcome in (Outcome.WRONG, Outcome.NO_ANSWER), sample.id


def test_custom_answers_are_graded(tmp_path: Path) -> None:
    path = tmp_path / "ten.csv"
    columns = ",".join(f"option_{x}" for x in "abcdefghij")
    texts = "一,二,三,四,五,六,七,八,九,十"
    path.write_text(f"kind,question,{columns},answer\nmcq,最大的？,{texts},J\nmcq,最小的两个？,{texts},AB\n", "utf-8")
    benchmark = open_benchmark("custom", path=path)
    assert [benchmark.grade(s, asked_for(s)).outcome for s in benchmark.samples()] == [Outcome.RIGHT] * 2
    short = tmp_path / "short.jsonl"
    short.write_text('{"kind": "short", "question": "6 + 6 = ?", "answer": [12, "twelve"]}', "utf-8")
    benchmark = open_benchmark("custom", path=short)
    (sample,) = benchmark.samples()
    said = [Response(key="k", sample_id=sample.id, k=0, answer=a) for a in ("Answer: Twelve.", "12", "13")]
    assert [benchmark.grade(sample, r).outcome for r in said] == [Outcome.RIGHT, Outcome.RIGHT, Outcome.WRONG]
