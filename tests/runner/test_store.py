"""What the store promises beyond its happy path: one line when it fails, the first response stays."""

from __future__ import annotations

import sqlite3

import pytest

from dsafe_runner.errors import StoreError
from dsafe_runner.records import Response
from dsafe_runner.runner.store import FileHashes, Store


def answer(key="key", text="yes", finish="stop"):
    return Response(key, "s1", 0, text, finish=finish, error="no" if finish == "error" else None)


def test_the_first_response_stays(tmp_path):
    with Store(tmp_path / "store.sqlite") as store:
        store.put(answer())
        store.put(answer(text="no"))
        assert store.get(["key", "other"]) == {"key": answer()}
        assert store.have(["key", "other"]) == {"key"}


def test_a_failed_response_is_refused(tmp_path):
    with Store(tmp_path / "store.sqlite") as store, pytest.raises(StoreError, match="never stored"):
        store.put(answer(finish="error"))


def test_what_is_remembered_of_engines_and_files(tmp_path):
    with Store(tmp_path / "store.sqlite") as store:
        assert store.engine("model") == {}
        store.put_engine("model", {"torch": "2"})
        FileHashes(store)["weights"] = "ab"
    with Store(tmp_path / "store.sqlite") as store:
        assert store.engine("model") == {"torch": "2"}
        assert FileHashes(store) == {"weights": "ab"}


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.put(answer()),
        lambda store: store.get(["key"]),
        lambda store: store.have(["key"]),
        lambda store: store.engine("model"),
        lambda store: store.put_engine("model", {}),
        lambda store: FileHashes(store),
        lambda store: store.put_file_hash("weights", "ab"),
    ],
)
def test_a_store_that_breaks_says_so_in_its_own_words(tmp_path, use):
    path = tmp_path / "store.sqlite"
    with Store(path) as store:
        with sqlite3.connect(path) as db:
            for table in ("responses", "engines", "file_hashes"):
                db.execute(f"DROP TABLE {table}")
        with pytest.raises(StoreError, match="the store fails"):
            use(store)


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        "{}",
        '{"key": "key", "surprise": 1}',
        '{"key": "other", "sample_id": "s1", "k": 0, "answer": "that of another key"}',
    ],
)
def test_a_damaged_row_is_not_an_answer(tmp_path, body):
    path = tmp_path / "store.sqlite"
    with Store(path) as store:
        store.put(answer())
        store.put_engine("model", {})
        with sqlite3.connect(path) as db:
            db.execute("UPDATE responses SET body = ?", (body,))
            db.execute("UPDATE engines SET body = '{'")
        with pytest.raises(StoreError, match="a row is damaged"):
            store.get(["key"])
        with pytest.raises(StoreError, match="a row is damaged"):
            store.engine("model")
