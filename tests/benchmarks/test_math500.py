r"""MATH-500: the last \boxed is read and compared as mathematics by a process that can be killed."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsafe_runner.benchmarks import data
from dsafe_runner.benchmarks.math500.boxed import last_boxed
from dsafe_runner.benchmarks.math500.sets import ASK, LEVELS, SUBJECTS, Math500
from dsafe_runner.benchmarks.registry import offer, open_benchmark
from dsafe_runner.benchmarks.thread_map import thread_map
from dsafe_runner.errors import DataError, UnavailableError
from dsafe_runner.records import Message, Outcome, Response, Sample, Score

HAS_MATH_VERIFY = importlib.util.find_spec("math_verify") is not None
needs_math_verify = pytest.mark.skipif(not HAS_MATH_VERIFY, reason="needs the extra `math` (math-verify)")

# ---- the last box


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        (r"So \boxed{7}.", "7"),
        (r"\boxed{1}, no: \boxed{ 2 }", "2"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{\left\{ 1, 2 \right\}}", r"\left\{ 1, 2 \right\}"),
        (r"\boxed{a \} b}", r"a \} b"),
        (r"\boxed {3}", "3"),
        (r"\fbox{4}", "4"),
        (r"\boxed{\boxed{5}}", "5"),
        ("\\boxed{\n\\text{Monday}\n}", r"\text{Monday}"),
        ("no box", None),
        (r"\boxed{}", None),
        (r"\boxed{ }", None),
        # what came before a broken box was not the final answer
        (r"\boxed{6} and then \boxed{\frac{1}{", None),
        (r"\boxed 8", None),
        ("", None),
    ],
)
def test_the_last_box_is_read(text: str, inside: str | None) -> None:
    assert last_boxed(text) == inside


@given(st.text(alphabet=r"\boxed{} 12"))
def test_what_is_read_is_balanced_and_stands_in_the_text(text: str) -> None:
    inside = last_boxed(text)
    if inside is not None:
        assert inside in text
        plain = inside.replace(r"\\", "").replace(r"\{", "").replace(r"\}", "")
        assert plain.count("{") == plain.count("}")


# ---- what a suite can be planned with


def test_the_offer_is_known_without_data() -> None:
    offered = offer("math-500")
    assert offered == open_benchmark("math-500").offer
    assert sum(n for _, n in SUBJECTS.values()) == sum(LEVELS.values()) == offered.slices["overall"] == 500
    assert offered.max_tokens[1] == 32768
    assert offered.metrics == ("pass@1", "acc")


def test_absent_data_and_other_data_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path))
    with pytest.raises(UnavailableError, match="dsafe data fetch math-500"):
        Math500().samples()
    path = tmp_path / data.MATH_500.path
    path.parent.mkdir()
    path.write_text('{"problem": "1 + 1"}\n')
    with pytest.raises(DataError, match="not the published file"):
        Math500().samples()


@pytest.mark.skipif(HAS_MATH_VERIFY, reason="math-verify is installed")
def test_without_math_verify_the_benchmark_is_unavailable(real_folder: Callable[[str], Path]) -> None:
    real_folder("math-500")
    with pytest.raises(UnavailableError, match=r"math-verify is not installed; pip install 'dsafe-runner\[math\]'"):
        Math500().samples()


# ---- grading


def item(gold: str, name: str = "ours") -> Sample:
    return Sample(name, (Message("user", "?"),), ("overall",), "maths", target=(gold,))


def said(answer: str, k: int = 0, **more: Any) -> Response:
    return Response(key=f"key{k}", sample_id="ours", k=k, answer=answer, **more)


OUTCOMES = [
    (r"\frac{1}{2}", said(r"It is \boxed{0.5}."), Outcome.RIGHT, "0.5"),
    (r"\frac{1}{2}", said(r"It is \boxed{0.25}."), Outcome.WRONG, "0.25"),
    ("2", said(r"First \boxed{2}, then \boxed{3}."), Outcome.WRONG, "3"),
    # only the answer counts, not what was thought
    ("2", said("The answer is 2.", thinking=r"\boxed{2}"), Outcome.NO_ANSWER, None),
    ("2", said(""), Outcome.NO_ANSWER, None),
    ("2", said(r"\boxed{\left(\left(}"), Outcome.NO_ANSWER, r"\left(\left("),
    ("2", said(r"\boxed{\text{I do not know}}"), Outcome.WRONG, r"\text{I do not know}"),
    (r"\text{Evelyn}", said(r"\boxed{\text{Evelyn}}"), Outcome.RIGHT, r"\text{Evelyn}"),
    ("2", said("", thinking="2 plus", thinking_open=True, finish="length"), Outcome.TRUNCATED, None),
    ("2", said("We add 1 and", finish="length"), Outcome.TRUNCATED, None),
    ("2", said(r"Hence \boxed{2", finish="length"), Outcome.TRUNCATED, None),
    ("2", said(r"Hence \boxed{2}. To check,", finish="length"), Outcome.RIGHT, "2"),
    ("2", said("", finish="error", error="no server"), Outcome.MISSING, None),
]


@needs_math_verify
def test_every_answer_has_its_outcome() -> None:
    pairs = [
        (item(gold, f"item{n}"), Response(**{**{f: getattr(r, f) for f in r.__slots__}, "k": n}))
        for n, (gold, r, _, _) in enumerate(OUTCOMES)
    ]
    scores = {score.k: score for score in Math500().grade_all(pairs)}
    for n, (gold, response, outcome, answer) in enumerate(OUTCOMES):
        assert (scores[n].outcome, scores[n].answer) == (outcome, answer), (gold, response.answer)
        assert (scores[n].sample_id, scores[n].response_key) == (f"item{n}", response.key)
    assert Math500().grade(item("2"), said(r"\boxed{2}")).outcome is Outcome.RIGHT


@pytest.mark.slow
@needs_math_verify
def test_an_answer_that_never_ends_is_missing_not_wrong() -> None:
    assert Math500().grade(item("2"), said(r"\boxed{10^{10^{10}}}")).outcome is Outcome.MISSING


@needs_math_verify
def test_the_grader_says_what_it_is() -> None:
    assert {"math-verify", "sympy", "extraction"} <= set(Math500().grader())


# ---- side by side


def test_scores_come_from_several_threads_and_each_job_is_done_once() -> None:
    def grade(jobs: Iterator[int]) -> Iterator[Score]:
        for job in jobs:
            yield Score("s", job, Outcome.RIGHT)

    assert sorted(score.k for score in thread_map(range(1000), grade, 4)) == list(range(1000))
    assert list(thread_map([], grade, 2)) == []


def test_what_a_thread_raises_is_raised_and_no_further_job_is_begun() -> None:
    begun = []

    def grade(jobs: Iterator[int]) -> Iterator[Score]:
        for job in jobs:
            begun.append(job)
            if job == 3:
                raise DataError("no")
            yield Score("s", job, Outcome.RIGHT)

    with pytest.raises(DataError, match="no"):
        list(thread_map(range(1_000_000), grade, 2))
    assert len(begun) < 1_000_000


def test_whoever_stops_asking_ends_the_work() -> None:
    begun = []

    def grade(jobs: Iterator[int]) -> Iterator[Score]:
        for job in jobs:
            begun.append(job)
            yield Score("s", job, Outcome.RIGHT)

    scores = thread_map(range(10_000_000), grade, 2)
    next(scores)
    scores.close()  # type: ignore[attr-defined]
    assert len(begun) < 10_000_000


# ---- the published problems


@pytest.fixture(scope="module")
def rows(real_folder: Callable[[str], Path]) -> list[dict[str, Any]]:
    real_folder("math-500")
    text = (data.data_dir() / data.MATH_500.path).read_text("utf-8")
    return [json.loads(line) for line in text.split("\n") if line.strip()]


@pytest.fixture(scope="module")
def samples(rows: list[dict[str, Any]]) -> tuple[Sample, ...]:
    if not HAS_MATH_VERIFY:
        pytest.skip("needs the extra `math` (math-verify)")
    return Math500().samples()


def test_all_500_problems_are_read(rows: list[dict[str, Any]], samples: tuple[Sample, ...]) -> None:
    assert [s.id for s in samples] == [row["unique_id"] for row in rows]
    assert Counter(name for s in samples for name in s.slices) == offer("math-500").slices
    for sample, row in zip(samples, rows, strict=True):
        (message,) = sample.messages
        assert message == Message("user", f"{row['problem']}\n{ASK}")
        assert sample.target == (row["answer"],)
    assert "of the rows" in Math500().identity()["sha256"]


def graded(samples: tuple[Sample, ...], answers: list[str]) -> Counter[Outcome]:
    pairs = [
        (sample, Response(key=str(k), sample_id=sample.id, k=0, answer=answer))
        for k, (sample, answer) in enumerate(zip(samples, answers, strict=True))
    ]
    scores = list(Math500().grade_all(pairs))
    assert len({score.sample_id for score in scores}) == 500
    return Counter(score.outcome for score in scores)


def test_the_500_published_solutions_are_right(rows: list[dict[str, Any]], samples: tuple[Sample, ...]) -> None:
    assert graded(samples, [row["solution"] for row in rows]) == {Outcome.RIGHT: 500}


@pytest.mark.slow
def test_500_answers_to_other_problems_are_not(samples: tuple[Sample, ...]) -> None:
    # in the order of their answers, and further than the commonest answer reaches: none meets its own
    order = sorted(samples, key=lambda s: s.target)
    moved = [rf"Hence \boxed{{{s.target[0]}}}." for s in order[100:] + order[:100]]
    outcomes = graded(tuple(order), moved)
    assert outcomes[Outcome.RIGHT] == 0
    assert outcomes.total() == 500
