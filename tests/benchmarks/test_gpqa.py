"""GPQA diamond: the user's file is checked, options move by a hash, letters are graded, no question is ever quoted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from gpqa_rows import COLUMNS, SECRET, rows, written

from dsafe_runner.benchmarks.base import Varied
from dsafe_runner.benchmarks.gpqa import ASK, PATH, GpqaDiamond, by_position, order_of
from dsafe_runner.benchmarks.registry import offer, open_benchmark
from dsafe_runner.errors import DataError, UnavailableError
from dsafe_runner.records import Outcome, Response, Sample

Place = Callable[[bytes], GpqaDiamond]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path))

    def put(content: bytes) -> GpqaDiamond:
        (tmp_path / PATH).parent.mkdir(exist_ok=True)
        (tmp_path / PATH).write_bytes(content)
        return GpqaDiamond()

    return put


def said(letter: str, k: int = 0) -> Response:
    return Response(key="key", sample_id="", k=k, answer=f"Seven times the flocks.\n\nAnswer: {letter}")


def test_the_offer_is_known_without_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path))
    offered = offer("gpqa/diamond")
    assert offered.slices == {"overall": 198, "biology": 19, "chemistry": 93, "physics": 86}
    assert offered.options == ("A", "B", "C", "D")
    benchmark = open_benchmark("gpqa/diamond")
    assert isinstance(benchmark, Varied)
    with pytest.raises(UnavailableError) as caught:
        benchmark.samples()
    assert str(caught.value) == (
        f"gpqa/gpqa_diamond.csv is not in DSAFE_DATA ({tmp_path}); accept the terms at "
        "https://huggingface.co/datasets/Idavidrein/gpqa and put its gpqa_diamond.csv there"
    )


def test_rows_become_samples(place: Place) -> None:
    benchmark = place(written(rows()))
    samples = benchmark.samples()
    assert [s.id for s in samples] == [f"rec{n:03}" for n in range(198)]
    assert Counter(name for s in samples for name in s.slices) == offer("gpqa/diamond").slices
    sample = samples[3]
    (message,) = sample.messages
    assert message.role == "user"
    assert message.content == (
        f"{ASK}\n\n{SECRET} 3 flocks,\nseven sheep each. How many?\n\n"
        + "\n".join(f"{letter}) {text}" for letter, text in zip("ABCD", sample.options, strict=True))
    )
    assert sample.options["ABCD".index(sample.target[0])] == '21 sheep, "all told"'
    said = benchmark.identity()
    assert re.fullmatch("[0-9a-f]{64}", said["sha256"])
    assert said["pinned"].startswith("no")
    assert SECRET not in str(said)
    # a byte order mark, as spreadsheet programs write it, is no other file
    assert place(b"\xef\xbb\xbf" + written(rows())).samples() == samples


def test_options_move_with_the_repeat_and_the_seed_and_nothing_else(place: Place) -> None:
    benchmark = place(written(rows()))
    sample = benchmark.samples()[0]
    asked = [benchmark.variant(sample, k, seed=5) for k in range(200)]
    assert asked == [place(written(rows())).variant(sample, k, seed=5) for k in range(200)]
    assert len({a.options for a in asked}) == 24
    assert {(a.id, a.slices, a.kind) for a in asked} == {(sample.id, sample.slices, sample.kind)}
    assert len({a.messages for a in asked}) == 24
    for one in asked:
        assert sorted(one.options) == sorted(sample.options)
        assert one.options["ABCD".index(one.target[0])] == '0 sheep, "all told"'
    assert [benchmark.variant(sample, k, seed=6) for k in range(200)] != asked
    # a variant of a variant is the same variant: what is graded is what was asked
    assert benchmark.variant(asked[7], 9, seed=5) == asked[9]


def test_the_right_option_stands_everywhere_equally_often() -> None:
    places = Counter(order_of(0, f"rec{item:03}", k).index(0) for item in range(198) for k in range(16))
    assert sum(places.values()) == 3168
    # 792 each are expected; 4 standard deviations are 97
    assert all(abs(n - 792) < 97 for n in places.values())
    # pinned, so that no change of Python or of ours can move an option of a stored response
    assert [order_of(0, "rec000", k) for k in range(3)] == [(0, 1, 3, 2), (3, 1, 0, 2), (3, 2, 0, 1)]


def test_letters_are_graded_against_the_order_that_was_asked(place: Place) -> None:
    benchmark = place(written(rows()))
    sample = benchmark.samples()[50]
    for k in range(24):
        asked = benchmark.variant(sample, k, seed=1)
        for letter in "ABCD":
            outcome = benchmark.grade(asked, said(letter, k)).outcome
            assert outcome is (Outcome.RIGHT if asked.target == (letter,) else Outcome.WRONG)


@pytest.mark.parametrize(
    "reply",
    [
        "Answer: {}",
        "**Answer: {}**",
        "Answer: ${}$",
        "Answer: \\boxed{{{}}}",
        "ANSWER: {}",
        "answer: ({})",
        "The answer is ({}).",
        "So the final answer is {}.",
        "Answer: {}) {}",
        "Answer: $\\text{{{}}}$",
    ],
)
def test_answers_as_models_write_them(place: Place, reply: str) -> None:
    benchmark = place(written(rows()))
    for k in range(8):
        asked = benchmark.variant(benchmark.samples()[9], k, seed=0)
        (letter,) = asked.target
        text = "Option A looks like B, but seven times nine decides.\n" + reply.format(letter, '63 sheep, "all told"')
        assert benchmark.grade(asked, Response("key", asked.id, k, text)).outcome is Outcome.RIGHT
        thought = Response("key", asked.id, k, "", thinking=f"Answer: {letter}", thinking_open=True, finish="length")
        assert benchmark.grade(asked, thought).outcome is Outcome.TRUNCATED
        # an answer in the thinking is none
        silent = Response("key", asked.id, k, "I am not sure.", thinking=f"Answer: {letter}")
        assert benchmark.grade(asked, silent).outcome is Outcome.NO_ANSWER


def test_a_model_that_favours_a_letter_shows_by_position(place: Place) -> None:
    benchmark = place(written(rows()))
    asked = [benchmark.variant(s, k, seed=0) for s in benchmark.samples() for k in range(4)]
    scores = [benchmark.grade(one, said("C")) for one in asked]
    missing = benchmark.grade(asked[0], Response("key", asked[0].id, 0, "", finish="error", error="no server"))
    found = by_position([*scores, missing], [*asked, asked[0]])
    assert {letter: right for letter, (right, _) in found.items() if right} == {"C": found["C"][1]}
    assert sum(n for _, n in found.values()) == 4 * 198


def change(row: int, **cells: str) -> bytes:
    changed = rows()
    changed[row] |= {name.replace("_", " "): text for name, text in cells.items()}
    return written(changed)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (written(rows()[:-1]), "has 197 rows, biology 19 .of 19., chemistry 93 .of 93., physics 85 .of 86."),
        (written([]), "has no column 'Record ID'"),
        (b"", "has no column 'Record ID'"),
        (written(rows(), [c for c in COLUMNS if c != "Incorrect Answer 2"]), "has no column 'Incorrect Answer 2'"),
        (written(rows(), COLUMNS).replace(b"rec007", b"rec006"), "row 8: "),
        (change(4, Question=" "), "row 5: an empty cell"),
        (change(4, Correct_Answer=""), "row 5: an empty cell"),
        (change(11, **{"High-level domain": "Sheep"}), "row 12: "),
        (change(0, **{"High-level domain": "Physics"}), "biology 18 .of 19."),
        (written(rows()).decode().encode("utf-16"), "is not CSV in UTF-8"),
        (written(rows())[:-40], "is not CSV|row 198"),
    ],
)
def test_another_file_is_an_error_that_quotes_no_question(place: Place, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        place(content).samples()
    assert SECRET not in str(caught.value)
    assert "sheep" not in str(caught.value).lower()
    assert "\n" not in str(caught.value)


def test_asked_items_are_samples_of_the_set(place: Place) -> None:
    benchmark = place(written(rows()))
    ids = {sample.id for sample in benchmark.samples()}
    asked: list[Sample] = [benchmark.variant(sample, 1, 0) for sample in benchmark.samples()]
    assert {sample.id for sample in asked} == ids


def test_a_model_that_favours_a_letter_shows_in_the_run(place: Place, tmp_path: Path) -> None:
    """Four repeats, so the options move; a served model that always says B is right where B is."""
    import sys

    sys.path.insert(0, str(Path(__file__).parents[1] / "servers"))
    from chat_server import ChatServer

    from dsafe_runner.plan import make_plan
    from dsafe_runner.runner.run import measure
    from dsafe_runner.suite.load import load_suite

    place(written(rows()))
    with ChatServer("--reply", "Answer: B") as server:
        (tmp_path / "x.safety.yaml").write_text(
            "suite: g\n"
            f'engines: {{fleet: {{backend: openai, base_urls: ["{server.url}"]}}}}\n'
            "models: {m: {path: served-model, engine: fleet}}\n"
            "benchmarks: {gpqa: {use: gpqa/diamond, samples: 4, sampling: {temperature: 0.6}}}\n"
            "thresholds: [{benchmark: gpqa, metric: acc, model: m, min: 0.1}]\n"
        )
        plan = make_plan(load_suite(tmp_path / "x.safety.yaml"))
        run = measure(plan, store=tmp_path / "s.sqlite", folder=tmp_path / "run", export=True)
    places = run.manifest["measurements"]["m::gpqa"]["by_position"]
    assert sum(n for _, n in places.values()) == 4 * 198
    assert all(n > 100 for _, n in places.values())
    assert {letter: k for letter, (k, _) in places.items()} == {"A": 0, "B": places["B"][1], "C": 0, "D": 0}
    for file in (tmp_path / "run").rglob("*"):
        assert not file.is_file() or SECRET not in file.read_text(encoding="utf-8")
