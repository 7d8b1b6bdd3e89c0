"""The replay engine: which files it reads, what it says of them, and that what is missing stays missing."""

from __future__ import annotations

import gzip
import json
import os
import shutil

import pytest
from recordings import LM_EVAL, answers, replay, request, row, specs, write

from dsafe_runner.engines.backends import identify, make_engine
from dsafe_runner.engines.process import EngineProcess
from dsafe_runner.engines.replay.engine import NO_ROW, ReplayEngine
from dsafe_runner.errors import DataError, EngineError, UnavailableError
from dsafe_runner.records import Response, as_json, message_list

MISSING = (NO_ROW,)


def facts(path, **how):
    return identify(*specs(path, **how), cache={}, download=False)


def test_rows_answer_their_questions_and_the_rest_is_missing(tmp_path):
    two = row("问题 二\n", "答案二", finish="length")
    path = write(tmp_path / "set.jsonl", row("问题一", "答案一"), two, row("别的", "x"))
    asked = [request("问题一", "1"), request("问题\n二", "2"), request("问题三", "3"), request("问题一", "1", k=1)]
    responses, notes = replay(path, asked)
    assert [(r.answer, r.finish) for r in responses.values()] == [
        ("答案一", "stop"),
        ("答案二", "length"),
        ("", "error"),
        ("", "error"),
    ]
    assert all(r.error == NO_ROW for r in list(responses.values())[2:])
    assert [(r.sample_id, r.k) for r in responses.values()] == [("1", 0), ("2", 0), ("3", 0), ("1", 1)]
    assert notes == [
        "1 of 3 rows answer nothing that was asked (set.jsonl:3)",
        "2 of 4 responses are missing: no recorded response (set/3, set/1)",
    ]


def test_what_another_engine_said_comes_back_as_it_was(tmp_path):
    """Rows as `dsafe measure` writes them: the response, the benchmark and the messages."""
    asked = [
        request("一", "1", letters=("A", "B")),
        request("二", "2"),
        request("三", "3", history=[("system", "你是助手"), ("user", "早"), ("assistant", "早上好")]),
        request("四", "4", k=3),
    ]
    said = [
        Response("old1", "1", 0, "A", letter_logprobs={"A": -0.5, "B": -1.5}),
        Response("old2", "2", 0, "", "想啊想", "length", True, None, 12, 24, "f" * 64),
        Response("old3", "3", 0, "答案", "想", prompt_tokens=3, completion_tokens=4),
        Response("old4", "4", 3, "", "想好了，不说", "stop", False),
    ]
    rows = [
        {**as_json(r), "benchmark": q.benchmark, "messages": message_list(q.messages)}
        for r, q in zip(said, asked, strict=True)
    ]
    path = write(tmp_path / "model.jsonl", *rows)
    for match in ("prompt", "id"):
        responses, notes = replay(path, asked, match=match, reasoning="deepseek-r1")
        assert notes == []
        for question, before in zip(asked, said, strict=True):
            assert as_json(responses[question.key]) == {**as_json(before), "key": question.key}


def test_a_worker_process_replays_and_hands_the_notes_on(tmp_path):
    path = write(tmp_path / "a.jsonl", row("一", "甲"), row("二", "乙"))
    model, engine = specs(path)
    with EngineProcess(model, engine, env={}, log_path=tmp_path / "log") as process:
        assert process.describe()["files"][0]["rows"] == 2
        assert process.notes == []
        got = list(process.generate([request("一", "1"), request("三", "3")]))
        assert [(r.answer, r.error) for r in got] == [("甲", None), ("", NO_ROW)]
        assert process.notes[0] == "1 of 2 rows answer nothing that was asked (a.jsonl:2)"
        assert list(process.generate([request("一", "1"), request("二", "2")]))
        assert process.notes == []
    path.write_text('{"prompt": "一"}\n')
    with pytest.raises(EngineError, match=r"engine of old: a\.jsonl:1: neither a row of ours"):
        EngineProcess(model, engine, env={}, log_path=tmp_path / "log").__enter__()
    path.unlink()
    with pytest.raises(UnavailableError, match=r"^old: .*a\.jsonl cannot be read: No such file or directory; check"):
        EngineProcess(model, engine, env={}, log_path=tmp_path / "log").__enter__()


def test_identity_is_what_the_files_hold_wherever_they_lie(tmp_path):
    first = write(tmp_path / "one" / "set.jsonl", row())
    write(tmp_path / "one" / "other.jsonl", row("二"))
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    one, two = facts(first.parent), facts(tmp_path / "two")
    assert one == two
    assert (one.device, one.gpus, one.uses_date) == ("none", 0, False)
    assert one.facts["backend"] == "replay"
    assert set(one.facts["files"]) == {"set.jsonl", "other.jsonl"}
    assert isinstance(one.facts["loop"], int)
    assert facts(first.parent, match="id").facts != one.facts
    assert facts(first.parent, form="dsafe").facts != one.facts
    cache = {}
    identify(*specs(first), cache=cache, download=False)
    assert len(cache) == 1
    seen = {facts(first.parent).facts["checkpoint"]}
    write(first, row("", "anders"))
    seen.add(facts(first.parent).facts["checkpoint"])
    (first.parent / "other.jsonl").rename(first.parent / "third.jsonl")  # a name can stand for the benchmark
    seen.add(facts(first.parent).facts["checkpoint"])
    assert len(seen) == 3


def test_the_results_file_of_a_run_is_part_of_the_identity(tmp_path):
    shutil.copytree(LM_EVAL / "served", tmp_path / "log")
    before = facts(tmp_path / "log").facts
    assert len(before["files"]) == 2
    results = next((tmp_path / "log").glob("results_*"))
    results.write_text(results.read_text().replace('"limit": null', '"limit": 4'))
    assert facts(tmp_path / "log").facts["checkpoint"] != before["checkpoint"]


def test_a_folder_may_hold_the_folder_of_one_model(tmp_path):
    write(tmp_path / "out" / "my__model" / "set.jsonl", row("一", "甲"))
    (tmp_path / "out" / "empty").mkdir()
    assert answers(tmp_path / "out", [request("一")]) == ["甲"]
    write(tmp_path / "out" / "other__model" / "set.jsonl", row("一", "乙"))
    with pytest.raises(DataError, match=r"holds 2 folders with \.jsonl files; say which one in `path`"):
        facts(tmp_path / "out")


def test_what_is_not_there_or_no_log_is_said(tmp_path):
    with pytest.raises(UnavailableError, match="gone cannot be read: No such file or directory"):
        facts(tmp_path / "gone")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(UnavailableError, match="loop cannot be read: Too many levels of symbolic links"):
        facts(tmp_path / "loop")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnavailableError, match=r"empty holds no \.jsonl file$"):
        facts(tmp_path / "empty")
    (tmp_path / "empty" / "around").symlink_to(tmp_path / "empty")
    with pytest.raises(UnavailableError, match=r"empty holds no \.jsonl file$"):
        facts(tmp_path / "empty")
    with gzip.open(tmp_path / "empty" / "set.jsonl.gz", "w") as packed:
        packed.write(b"{}")
    with pytest.raises(UnavailableError, match="there are packed files: unpack them"):
        facts(tmp_path / "empty")
    with pytest.raises(DataError, match=r"set\.jsonl\.gz is packed; unpack it first"):
        facts(tmp_path / "empty" / "set.jsonl.gz")
    (tmp_path / "empty" / "set.jsonl.gz").rename(tmp_path / "empty" / "set.jsonl")
    with pytest.raises(DataError, match=r"set\.jsonl is packed; unpack it first"):
        replay(tmp_path / "empty", [])
    (tmp_path / "folder" / "set.jsonl").mkdir(parents=True)
    with pytest.raises(DataError, match="only files may be named"):
        facts(tmp_path / "folder")
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(DataError, match="neither a file nor a folder"):
        facts(tmp_path / "pipe.jsonl")
    with pytest.raises(DataError, match=r"blank\.jsonl: no rows, so there is nothing to gate"):
        replay(write(tmp_path / "blank.jsonl", b"\r", b"  "), [])


def test_every_mistake_has_its_line_and_none_its_text(tmp_path, monkeypatch):
    monkeypatch.setattr("dsafe_runner.engines.replay.files.MAX_LINE", 2000)
    path = write(
        tmp_path / "set.jsonl",
        b"\xef\xbb\xbf" + json.dumps(row("一", "甲")).encode() + b"\r",
        b"",
        '{"prompt": "SECRET", "prompt": "SECRET", "answer": "a", "finish": "stop"}',
        "[" * 1500,
        b'{"prompt": "SECRET\xff", "answer": "a", "finish": "stop"}',
        '{"prompt": "SECRET", ',
        "[1]",
        row(finish=...),
        row(k=True),
    )
    with pytest.raises(DataError) as wrong, ReplayEngine(*specs(path)):
        pass
    assert str(wrong.value).split("; ") == [
        "set.jsonl:3: field prompt stands twice",
        "set.jsonl:4: not JSON we read: nested too deeply, or a number too long",
        "set.jsonl:5: not UTF-8 text",
        "save the file as UTF-8",
        "set.jsonl:6: not JSON: Expecting property name enclosed in double quotes at column 22",
        "set.jsonl:7: a row is an object, {...}",
        "and 2 more",
    ]
    write(path, row("一", "甲"), "x" * 2001)
    with pytest.raises(DataError, match=r"^set\.jsonl:2: a line of over 0 MiB; is it JSON Lines\?$"):
        replay(path, [])
    write(path, json.dumps(row("一", "甲")).encode("utf-16"))
    with pytest.raises(DataError, match=r"^set\.jsonl:1: not UTF-8 text"):
        replay(path, [])


def test_files_of_several_formats_are_told_apart_and_a_format_can_be_demanded(tmp_path):
    shutil.copytree(LM_EVAL / "served", tmp_path / "log")
    write(tmp_path / "log" / "ours.jsonl", row("一", "甲"))
    assert answers(tmp_path / "log", [request("一")]) == ["甲"]
    with ReplayEngine(*specs(tmp_path / "log")) as engine:
        assert [f["format"] for f in engine.describe()["files"]] == ["dsafe", "lm-eval"]
    with pytest.raises(DataError, match=r"^ours\.jsonl:1: no row of lm-eval"):
        replay(tmp_path / "log", [], form="lm-eval")
    with pytest.raises(DataError, match=r"^samples_plain_.*\.jsonl:1: a row has messages or prompt: neither is there"):
        replay(tmp_path / "log", [], form="dsafe")


def test_names_of_files_reach_no_terminal_raw(tmp_path):
    path = write(tmp_path / "a\x1b[31m\udcffb.jsonl", row("一", "甲"))
    assert list(facts(path).facts["files"]) == ["a?[31m?b.jsonl"]
    _, notes = replay(path, [request("二")])
    assert notes[0].endswith("(a?[31m?b.jsonl:1)")


def test_it_runs_only_as_a_context_manager(tmp_path):
    engine = make_engine(*specs(write(tmp_path / "a.jsonl", row())))
    with pytest.raises(EngineError, match="not running"):
        next(engine.generate([request("一")]))
