"""What lies beside recorded responses and is not read, and files that are not what they seem."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

import pytest
from recordings import replay, request, row, specs, write

from dsafe_runner.engines.backends import identify, make_engine
from dsafe_runner.errors import DataError

LINES = "".join(json.dumps(row(f"问题{i}", "可以。")) + "\n" for i in range(3)).encode()
HARNESS = json.dumps({"doc_id": 0, "doc": {}, "arguments": [["问", {}]], "resps": [["答"]]}).encode()


def zipped(name):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, LINES)
    return out.getvalue()


LOOK_LIKE_RESPONSES = {
    "shard2/more.jsonl": LINES,
    "deep/er/more.jsonl": LINES,
    "more.JSONL": LINES,
    "more.Jsonl": LINES,
    "more.json": LINES,
    "list.json": json.dumps([row(), row("问题二")], indent=1).encode(),
    "wrapped.json": json.dumps({"model": "m", "data": [row()]}).encode(),
    "more.ndjson": LINES,
    ".hidden.jsonl": LINES,
    ".cache/more.jsonl": LINES,
    "more.jsonl.gz": gzip.compress(LINES),
    "more.gz": gzip.compress(LINES),
    "more.zip": zipped("more.jsonl"),
    "more.jsonl.zst": b"\x28\xb5\x2f\xfd....",
    "more.jsonl.bak": LINES,
    "more": b"\xef\xbb\xbf" + LINES,
    "more.csv": "prompt,answer,finish\n问题,可以。,stop\n".encode(),
    "more.tsv": "prompt\tresponse\n问题\t可以。\n".encode(),
    "harness.json": HARNESS,
    "long.txt": json.dumps(row("问" * 40_000)).encode(),
}
OTHERS = {
    "README.md": b"# answers of the nightly run",
    "config.json": b'{"temperature": 0.6, "answers": 3}',
    "run.log": b"done\n",
    "sub/table.csv": b"step,loss\n1,2\n",
    ".DS_Store": b"\0\0\0\1Bud1",
    "plot.png": b"\x89PNG\r\n",
    "weights.zip": zipped("weights.bin"),
    "empty.JSONL": b"",
}


def folder(tmp_path, name, content):
    write(tmp_path / "out" / "set.jsonl", row())
    path = tmp_path / "out" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return tmp_path / "out"


@pytest.mark.parametrize("name", LOOK_LIKE_RESPONSES)
def test_responses_that_are_not_read_are_an_error(tmp_path, name):
    path = folder(tmp_path, name, LOOK_LIKE_RESPONSES[name])
    with pytest.raises(DataError, match="looks like responses and is not read") as ended:
        identify(*specs(path), cache={}, download=False)
    assert name in str(ended.value)
    with pytest.raises(DataError, match="looks like responses"):
        make_engine(*specs(path)).__enter__()
    (path / "set.jsonl").unlink()
    if not name.startswith(("shard2", ".cache")):  # a folder that holds one folder of responses is read
        with pytest.raises(DataError, match="looks like responses"):
            identify(*specs(path), cache={}, download=False)


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_named(tmp_path, name):
    path = folder(tmp_path, name, OTHERS[name])
    with make_engine(*specs(path)) as engine:
        assert engine.describe()["warnings"] == [f"1 files beside the responses are not read ({name})"]
        assert [r.answer for r in engine.generate([request("问题一")])] == ["可以。"]


def test_a_file_alone_is_read_alone(tmp_path):
    path = folder(tmp_path, "more.jsonl.gz", gzip.compress(LINES))
    with make_engine(*specs(path / "set.jsonl")) as engine:
        assert engine.describe()["warnings"] == []


def test_one_file_under_two_names_is_told(tmp_path):
    path = write(tmp_path / "set.jsonl", row())
    (tmp_path / "copy.jsonl").write_bytes(path.read_bytes())
    (tmp_path / "link.jsonl").symlink_to(path)
    with make_engine(*specs(tmp_path)) as engine:
        (told,) = engine.describe()["warnings"]
        assert told == "copy.jsonl, link.jsonl, set.jsonl hold the same bytes; one of them is enough"
        (response,) = engine.generate([request("问题一", benchmark="other")])
        assert response.answer == "可以。"


@pytest.mark.parametrize("cut", [1, 2, 10, 30])
def test_a_file_that_ends_in_the_middle_of_a_row(tmp_path, cut):
    path = tmp_path / "set.jsonl"
    path.write_bytes(LINES.rstrip(b"\n")[:-cut])
    with pytest.raises(DataError, match=r"set\.jsonl:3: the file ends in the middle of a row"):
        make_engine(*specs(path)).__enter__()


def test_a_whole_last_row_without_an_end_of_line_counts(tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_bytes(LINES.rstrip(b"\n"))
    assert [r.answer for r in replay(path, [request("问题2")])[0].values()] == ["可以。"]


@pytest.mark.parametrize("first", [b"\xef\xbb\xbf", "\ufeff\r\n\r\n".encode()])
def test_byte_order_marks(tmp_path, first):
    path = tmp_path / "set.jsonl"
    path.write_bytes(first + LINES)
    assert [r.answer for r in replay(path, [request("问题0")])[0].values()] == ["可以。"]
    path.write_bytes(LINES + b"\xef\xbb\xbf" + LINES)
    with pytest.raises(DataError, match=r"set\.jsonl:4: not JSON"):
        make_engine(*specs(path)).__enter__()
    path.write_bytes(LINES.decode().encode("utf-16"))
    with pytest.raises(DataError, match="not UTF-8"):
        make_engine(*specs(path)).__enter__()


@pytest.mark.parametrize("match", ["prompt", "id"])
def test_rows_that_contradict_each_other_answer_nothing(tmp_path, match):
    fields = {"sample_id": "1", "benchmark": "set"}
    texts = {"same": ["可以。", "可以。"], "other": ["可以。", "不可以。"], "cut": ["可以。", "可以。"]}
    for name, (first, second) in texts.items():
        rows = [row(answer=first, **fields), row(answer=second, **fields, finish="length" if name == "cut" else "stop")]
        found, notes = replay(write(tmp_path / f"{name}.jsonl", *rows), [request("问题一")], match=match)
        (response,) = found.values()
        if name == "same":
            assert (response.answer, notes) == ("可以。", [])
        else:
            assert (response.finish, response.answer) == ("error", "")
            assert "rows with different texts answer the same item with the same k" in notes[0]


@pytest.mark.parametrize("name", ["set.csv", "set.CSV", "set.parquet", "set.tsv"])
def test_a_table_is_refused_in_one_line(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(LOOK_LIKE_RESPONSES["more.csv"])
    with pytest.raises(DataError, match="is a table; write JSON Lines, one object per response"):
        identify(*specs(path), cache={}, download=False)
