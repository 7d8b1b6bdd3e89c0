"""LiveCodeBench: planned without its data, read row by row, graded in the sandbox; right programs pass, wrong fail."""

from __future__ import annotations

import base64
import datetime
import json
import pickle
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from dsafe_runner.benchmarks.livecodebench.sets import NAMES, LiveCodeBench
from dsafe_runner.benchmarks.livecodebench.table import RELEASES, Window, entries
from dsafe_runner.errors import DataError, UnavailableError
from dsafe_runner.records import Outcome, Response, Sample, Score
from dsafe_runner.sandbox.bubblewrap import probe
from dsafe_runner.sandbox.runs import Limits

PUBLIC = "livecodebench/v1-public"
CORPUS = Path(__file__).parents[1] / "corpora" / "livecodebench_programs.txt"
V1 = entries("v1")

found = probe()
needs_sandbox = pytest.mark.skipif(not found.usable, reason=f"the code sandbox cannot run here: {found.why}")


def programs() -> Iterator[tuple[str, str, str]]:
    """Problem id, our program, and the same made wrong."""
    for section in CORPUS.read_text("utf-8").split("\n=== ")[1:]:
        head, _, rest = section.partition("\n")
        program, _, change = rest.rstrip("\n").rpartition("\n--- ")
        old, _, new = change.partition(" => ")
        assert program.count(old) == 1, head
        yield head, program, program.replace(old, new)


def answer(text: str, k: int = 0, **more: Any) -> Response:
    return Response(key=f"key{k}", sample_id="", k=k, answer=text, **more)


def fenced(program: str) -> str:
    return f"This reads the input and prints the answer.\n```python\n{program}\n```\nIt passes."


def date(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


# ---- a small release of our own: texts and tests are ours, ids, dates and difficulties those of the table


def packed(tests: list[dict[str, str]]) -> str:
    """Private tests as upstream packs them."""
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode()


def case(given: str, out: str, kind: str = "stdin") -> dict[str, str]:
    return {"input": given, "output": out, "testtype": kind}


def row(item: str, **more: Any) -> dict[str, Any]:
    entry = V1[item]
    return {
        "question_id": item,
        "question_title": "Double",
        "question_content": "Print twice the number you read.",
        "platform": entry.platform,
        "contest_id": "ours",
        "contest_date": f"{entry.date}T00:00:00",
        "starter_code": "",
        "difficulty": entry.difficulty,
        "public_test_cases": json.dumps([case("1\n", "2\n")]),
        "private_test_cases": packed([case("21\n", "42\n"), case("-4\n", "-8\n")]),
        "metadata": "{}",
        **more,
    }


def called(item: str, **more: Any) -> dict[str, Any]:
    """A problem that is answered by a method."""
    tests = [case("[1, 2]\n3", "[3, 6]", "functional")]
    return row(
        item,
        question_content="Return every number times the factor.",
        starter_code="class Solution:\n    def times(self, numbers: List[int], factor: int) -> List[int]:\n        ",
        public_test_cases=json.dumps(tests),
        private_test_cases=json.dumps([case("[]\n2", "[]", "functional")]),
        metadata=json.dumps({"func_name": "times"}),
        **more,
    )


Write = Callable[..., LiveCodeBench]


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes rows as test.jsonl and opens what of v1 they are: the window of the first two days has four problems."""
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path))

    def write(*rows: dict[str, Any] | str) -> LiveCodeBench:
        (tmp_path / "livecodebench").mkdir(exist_ok=True)
        lines = [r if isinstance(r, str) else json.dumps(r) for r in rows]
        (tmp_path / "livecodebench" / "test.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        return LiveCodeBench("livecodebench/v1", DAYS, QUICK)

    return write


QUICK = Limits(cpu_seconds=1, output_bytes=100_000)
FIRST = list(islice(V1, 4))
DAYS = Window(V1[FIRST[0]].date, V1[FIRST[-1]].date)
TWO = [i for i in V1 if V1[i].date in DAYS]


def whole(**more: Any) -> list[dict[str, Any]]:
    """Rows of every problem in the window; the first is `called`, keywords change the last."""
    rows = [called(TWO[0]), *(row(item) for item in TWO[1:])]
    rows[-1] |= more
    return rows


# ---- what a suite can be planned with


def test_releases_and_their_slices() -> None:
    assert NAMES == ("livecodebench/v1", "livecodebench/v5", "livecodebench/v6", PUBLIC)
    for version, n in RELEASES.items():
        slices = LiveCodeBench(f"livecodebench/{version}").offer.slices
        assert slices["overall"] == n == sum(slices[s] for s in ("easy", "medium", "hard"))
        assert n == sum(slices[s] for s in ("atcoder", "leetcode", "codeforces"))
    assert LiveCodeBench("livecodebench/v6").offer.slices["without-errata"] == 1055 - 17
    assert LiveCodeBench(PUBLIC).offer.slices == LiveCodeBench("livecodebench/v1").offer.slices


def test_a_window_counts_both_its_ends_and_drops_empty_slices() -> None:
    # the window DeepSeek reports; its size is known from the leaderboard
    window = Window(date("2024-08-01"), date("2025-01-31"))
    offer = LiveCodeBench("livecodebench/v5", window).offer
    assert offer.slices["overall"] == 279
    assert "codeforces" not in offer.slices
    assert "codeforces" not in offer.extra
    assert {e.date for e in entries("v1", Window(None, date("2023-05-07"))).values()} == {date("2023-05-07")}
    assert min(e.date for e in entries("v6", Window(date("2025-01-05"))).values()) >= date("2025-01-05")
    with pytest.raises(DataError, match="livecodebench/v1 has no problem from 2024-08-01 to the last"):
        LiveCodeBench("livecodebench/v1", Window(date("2024-08-01")))
    with pytest.raises(DataError, match="no benchmark"):
        LiveCodeBench("livecodebench/v9")


# ---- reading


@needs_sandbox
def test_rows_become_samples(release: Write) -> None:
    benchmark = release(*whole())
    samples = benchmark.samples()
    assert [s.id for s in samples] == TWO
    assert Counter(name for s in samples for name in s.slices) == benchmark.offer.slices
    first, second = samples[0].messages, samples[1].messages
    assert [m.role for m in (*first, *second)] == ["user", "user"]
    assert "```python\nclass Solution:\n    def times(" in first[0].content
    assert "stdin" not in first[0].content
    assert second[0].content.startswith("You will be given a question")
    assert "Question: Print twice the number you read.\n\nRead the inputs from stdin" in second[0].content
    assert second[0].content.endswith("```python\n# YOUR CODE HERE\n```")
    said = benchmark.identity()
    assert said["tests"] == "public and private"
    assert said["window"] == f"{DAYS.since} to {DAYS.until}"
    assert said["pinned"].startswith("no")
    # other tests are other items, for whoever compares runs or keeps scores
    other = release(*whole(private_test_cases=packed([case("3\n", "6\n")])))
    assert [s.target for s in other.samples()][:-1] == [s.target for s in samples][:-1]
    assert other.samples()[-1].target != samples[-1].target
    assert other.identity()["tests_sha256"] != said["tests_sha256"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"difficulty": "hardest"}, "difficulty of problem .* are others than published"),
        ({"contest_date": "2025-01-01T00:00:00"}, "date, platform or difficulty"),
        ({"private_test_cases": None}, "no private_test_cases; with public tests alone there is .*/v1-public"),
        ({"question_content": 3}, "no question_content"),
        ({"public_test_cases": "{]"}, "tests or metadata of problem .* cannot be read"),
        ({"metadata": "[]"}, "tests or metadata of problem .* cannot be read"),
        ({"metadata": '{"func_name": "f"}'}, "of another kind than its metadata says"),
        ({"public_test_cases": "[]", "private_test_cases": "[]"}, "has no tests, so that every program would pass"),
        ({"public_test_cases": "[]", "private_test_cases": packed([])}, "has no tests"),
    ],
)
def test_a_row_that_is_not_what_was_published_is_an_error(release: Write, change: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        release(*whole(**change)).samples()
    assert TWO[-1] in str(caught.value)
    assert "twice the number" not in str(caught.value)


@pytest.mark.parametrize("line", ["{", "[]", '{"question_id": 1}', "no JSON"])
def test_a_line_that_is_no_row_is_an_error(release: Write, line: str) -> None:
    with pytest.raises(DataError, match=r"test\.jsonl:3: not a row of LiveCodeBench"):
        release(*whole()[:2], line).samples()


def test_problems_that_are_not_there_are_named(release: Write) -> None:
    with pytest.raises(DataError, match=f"the files lack problems {TWO[-1]}"):
        release(*whole()[:-1]).samples()
    with pytest.raises(DataError, match="stands twice"):
        release(*whole(), row(TWO[1])).samples()


def test_absent_files_are_named_with_their_place(release: Write, tmp_path: Path) -> None:
    release(*whole())
    (tmp_path / "livecodebench" / "test.jsonl").rename(tmp_path / "livecodebench" / "test2.jsonl")
    with pytest.raises(UnavailableError, match=r"868 problems of livecodebench/v5 .*put test\.jsonl, test3\.jsonl"):
        LiveCodeBench("livecodebench/v5").samples()
    with pytest.raises(UnavailableError, match="dsafe data fetch livecodebench-v1-public"):
        LiveCodeBench(PUBLIC).samples()


@needs_sandbox
def test_a_payload_that_is_a_program_is_refused(release: Write, tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "executed",))

    bad = base64.b64encode(zlib.compress(pickle.dumps(Payload()))).decode()
    benchmark = release(*whole(private_test_cases=bad))
    sample = benchmark.samples()[-1]
    with pytest.raises(DataError, match=f"problem {sample.id}: .*refused"):
        benchmark.grade(sample, answer(fenced("print(1)")))
    assert not (tmp_path / "executed").exists()


@needs_sandbox
def test_a_file_that_changes_under_a_run_is_noticed(release: Write, tmp_path: Path) -> None:
    benchmark = release(*whole())
    sample = benchmark.samples()[-1]
    release(*whole(private_test_cases=packed([case("21\n", "99\n")])))
    with pytest.raises(DataError, match=r"was changed while it was in use|not a row"):
        benchmark.grade(sample, answer(fenced("print(2 * int(input()))")))
    (tmp_path / "livecodebench" / "test.jsonl").unlink()
    with pytest.raises(DataError, match="cannot be read any more"):
        benchmark.grade(sample, answer("no program"))


def test_without_a_sandbox_the_benchmark_is_unavailable(release: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = release(*whole())
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(UnavailableError, match="bubblewrap is not installed"):
        benchmark.samples()
    with pytest.raises(UnavailableError, match="bubblewrap"):
        benchmark.grade_all([])


# ---- grading


OUTCOMES = [
    ("print(2 * int(input()))", {}, Outcome.RIGHT, "ok"),
    # private tests decide too
    ("print(int(input()) + 1)", {}, Outcome.WRONG, "wrong"),
    ("print(2 * int(input())", {}, Outcome.WRONG, "runtime-error"),
    ("while True: pass", {}, Outcome.WRONG, "time"),
    ("x = bytearray(1 << 40)", {}, Outcome.WRONG, "memory"),
    ("while True: print('2' * 100000)", {}, Outcome.WRONG, "output-limit"),
    (None, {}, Outcome.NO_ANSWER, "no-code"),
    (None, {"finish": "length"}, Outcome.TRUNCATED, "no-code"),
    (None, {"finish": "length", "thinking": "hm", "thinking_open": True}, Outcome.TRUNCATED, None),
    (None, {"finish": "error", "error": "no server"}, Outcome.MISSING, None),
    # a whole program before the budget ran out counts
    ("print(2 * int(input()))", {"finish": "length"}, Outcome.RIGHT, "ok"),
]


@needs_sandbox
def test_every_end_of_a_program_has_its_outcome(release: Write) -> None:
    benchmark = release(*whole())
    sample = benchmark.samples()[-1]
    pairs = [
        (sample, answer("I cannot." if program is None else fenced(program), k, **more))
        for k, (program, more, _, _) in enumerate(OUTCOMES)
    ]
    # a program the budget cut in its middle, behind an example
    cut = fenced("print(1)") + "\nBetter:\n```python\nprint(2 * int("
    pairs.append((sample, answer(cut, len(pairs), finish="length")))
    scores = {score.k: score for score in benchmark.grade_all(pairs)}
    assert len(scores) == len(pairs)
    for k, (program, _, outcome, verdict) in enumerate(OUTCOMES):
        assert (scores[k].outcome, scores[k].answer) == (outcome, verdict), program
        assert (scores[k].sample_id, scores[k].response_key) == (sample.id, f"key{k}")
    assert scores[len(OUTCOMES)].outcome is Outcome.TRUNCATED


@needs_sandbox
def test_a_method_is_called_and_compared_outside(release: Write) -> None:
    benchmark = release(*whole())
    sample = benchmark.samples()[0]
    right = "class Solution:\n    def times(self, numbers, factor):\n        return [n * factor for n in numbers]"
    cheat = (
        "class Equal(list):\n    def __eq__(self, other): return True\n"
        "class Solution:\n    def times(self, numbers, factor):\n        return Equal()"
    )
    pairs = [(sample, answer(fenced(text), k)) for k, text in enumerate([right, cheat, "print([3, 6])"])]
    outcomes = {score.k: score.outcome for score in benchmark.grade_all(pairs)}
    assert outcomes == {0: Outcome.RIGHT, 1: Outcome.WRONG, 2: Outcome.WRONG}


@needs_sandbox
def test_the_grader_says_what_it_is(release: Write) -> None:
    said = release(*whole()).grader()
    assert said["grader"].startswith("real-process")
    assert "cpu_seconds 1," in said["limits"]
    assert said["python"]


# ---- the published problems


@pytest.fixture(scope="module")
def public(real_folder: Callable[[str], Path]) -> LiveCodeBench:
    real_folder("livecodebench-v1-public")
    return LiveCodeBench(PUBLIC)


@needs_sandbox
def test_all_400_problems_are_read(public: LiveCodeBench) -> None:
    samples = public.samples()
    assert len(samples) == 400
    assert Counter(name for s in samples for name in s.slices) == public.offer.slices
    assert {s.kind for s in samples} == {"code"}
    assert sum("starter code" in s.messages[0].content for s in samples) == 181
    assert "upper bound" in public.identity()["tests"]


def graded(benchmark: LiveCodeBench, texts: dict[str, list[str]]) -> dict[str, list[Score]]:
    samples: dict[str, Sample] = {sample.id: sample for sample in benchmark.samples()}
    pairs = [(samples[i], answer(fenced(text), k)) for i, some in texts.items() for k, text in enumerate(some)]
    scores: dict[str, list[Score]] = {}
    for score in sorted(benchmark.grade_all(pairs), key=lambda score: score.k):
        scores.setdefault(score.sample_id, []).append(score)
    return scores


@needs_sandbox
def test_our_programs_are_right_and_changed_ones_wrong(public: LiveCodeBench) -> None:
    texts = {item: [right, wrong] for item, right, wrong in programs()}
    assert len(texts) >= 40
    scores = graded(public, texts)
    assert {i: s[0].answer for i, s in scores.items() if s[0].outcome is not Outcome.RIGHT} == {}
    assert {i: s[1].answer for i, s in scores.items() if s[1].outcome is not Outcome.WRONG} == {}
    assert len(scores) == len(texts)


@pytest.mark.slow
@needs_sandbox
def test_a_program_for_another_problem_is_wrong_on_every_problem(public: LiveCodeBench) -> None:
    program = next(program for item, program, _ in programs() if item == "abc327_b")
    texts = {sample.id: [program] for sample in public.samples() if sample.id != "abc327_b"}
    assert {s[0].outcome for s in graded(public, texts).values()} == {Outcome.WRONG}
