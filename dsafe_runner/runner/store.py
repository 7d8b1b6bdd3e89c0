"""Where responses live: one SQLite file, written by one process, committed as each response arrives.

A killed run loses only what was in flight. The first response stored under a key stays: whoever asks again reads it.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dsafe_runner.errors import StoreError, WriteError
from dsafe_runner.records import Response, Score, as_json, response_from_json, score_from_json

SCHEMA_VERSION = 1
_REFUSED = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}

_TABLES = """
CREATE TABLE IF NOT EXISTS responses (
    key TEXT PRIMARY KEY, sample_id TEXT NOT NULL, k INTEGER NOT NULL, body TEXT NOT NULL, created REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS engines (identity TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS grades (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file_hashes (file TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID;
"""


def _kind(error: Exception) -> type[StoreError] | type[WriteError]:
    """Whether the disk or the folder refused, or what stands in the file is wrong."""
    if isinstance(error, OSError):
        return WriteError
    # the low byte is the primary code; SQLite's extended codes say more above it
    code = getattr(error, "sqlite_errorcode", None)
    return WriteError if code is not None and code & 0xFF in _REFUSED else StoreError


class Store:
    """The response store. Use as a context manager.

    Raises:
        StoreError: the file is not a store, is damaged, or is from a newer version.
        WriteError: it cannot be opened for writing, or the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # two runs may share a store; the second waits for the first one's commits, not for its end
            self._db = sqlite3.connect(self.path, timeout=60.0, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA_VERSION:
                raise StoreError(
                    f"{self.path}: written by a newer dsafe (store version {version}); upgrade or move it away"
                )
            self._db.executescript(_TABLES)
            self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        except (sqlite3.Error, OSError) as error:
            raise _kind(error)(
                f"{self.path}: cannot be used as a store ({error}); move it away or free the disk"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def put(self, response: Response) -> None:
        """Commit one response. A response that failed is refused: it must be asked again."""
        if response.finish == "error":
            raise StoreError(f"a failed response is never stored ({response.sample_id}: {response.error})")
        body = json.dumps(as_json(response), ensure_ascii=False)
        self._run(
            "INSERT OR IGNORE INTO responses VALUES (?, ?, ?, ?, ?)",
            (response.key, response.sample_id, response.k, body, time.time()),
        )

    def put_engine(self, identity: str, described: dict[str, Any]) -> None:
        """Remember what an engine said about itself, under the digest of its model's identity; the latest stays."""
        self._run("INSERT OR REPLACE INTO engines VALUES (?, ?)", (identity, json.dumps(described)))

    def engine(self, identity: str) -> dict[str, Any]:
        """What the engine said that answered for this identity; empty when none ever did."""
        rows = self._run("SELECT body FROM engines WHERE identity = ?", (identity,))
        with self._readable():
            return dict(json.loads(rows[0][0])) if rows else {}

    def put_grade(self, key: str, score: Score) -> None:
        """Keep a score that was costly to make; `key` stands for response, item and grader."""
        self._run("INSERT OR REPLACE INTO grades VALUES (?, ?)", (key, json.dumps(as_json(score), ensure_ascii=False)))

    def grades(self, keys: Iterable[str]) -> dict[str, Score]:
        """Kept scores by key.

        Raises:
            StoreError: one of them is damaged.
        """
        with self._readable():
            return {key: score_from_json(json.loads(body)) for key, body in self._select("key, body", keys, "grades")}

    def put_file_hash(self, file: str, sha256: str) -> None:
        """Remember the hash of a file; `file` tells its path, size, time and inode."""
        self._run("INSERT OR REPLACE INTO file_hashes VALUES (?, ?)", (file, sha256))

    def file_hashes(self) -> dict[str, str]:
        """All hashes remembered."""
        return dict(self._run("SELECT file, sha256 FROM file_hashes"))

    def have(self, keys: Iterable[str]) -> set[str]:
        """Those of `keys` that are stored."""
        return {key for key, _ in self._select("key, 1", keys)}

    def get(self, keys: Iterable[str]) -> dict[str, Response]:
        """Stored responses by key.

        Raises:
            StoreError: one of them is no response, or that of another key.
        """
        with self._readable():
            found = {key: response_from_json(json.loads(body)) for key, body in self._select("key, body", keys)}
            if wrong := [key for key, response in found.items() if response.key != key]:
                raise ValueError(f"{wrong[0]} holds the response of another key")
        return found

    def drawn(self, keys: Iterable[str]) -> list[float] | None:
        """When the first and the last of some responses were stored, in seconds since the epoch; None without any."""
        times = [float(created) for _, created in self._select("key, created", keys)]
        return [min(times), max(times)] if times else None

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Around the reading of what was written: a damaged row is the file's fault, not a bug of ours."""
        try:
            yield
        except (ValueError, TypeError, KeyError) as error:
            raise StoreError(f"{self.path}: a row is damaged ({error}); move it away and measure again") from error

    def _select(self, columns: str, keys: Iterable[str], table: str = "responses") -> Iterator[tuple[str, str]]:
        wanted = list(keys)
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            marks = ",".join("?" * len(part))
            yield from self._run(f"SELECT {columns} FROM {table} WHERE key IN ({marks})", part)

    def _run(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            return self._db.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise _kind(error)(f"{self.path}: the store fails ({error}); free the disk or move it away") from error


class FileHashes(dict[str, str]):
    """Cache of file hashes (key: path, size, mtime, inode), kept in the store: 70B of weights are hashed once."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.file_hashes())
        self._store = store

    def __setitem__(self, file: str, sha256: str) -> None:
        super().__setitem__(file, sha256)
        self._store.put_file_hash(file, sha256)
