"""Pinned data: found only when its bytes are right, fetched over a real socket, kept only when verified."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import pytest

from dsafe_runner.benchmarks import data
from dsafe_runner.errors import DataError, UnavailableError, WriteError

BODY = "一二三\n".encode() * 5000


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
        elif self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/good")
            self.end_headers()
        else:
            start = BODY[:100]
            body = {"/good": BODY, "/other": BODY[::-1], "/long": BODY * 50, "/cut": start, "/short": start}[self.path]
            self.send_response(200)
            # /cut promises the whole body and closes the connection early, /short says nothing of its length
            if self.path != "/short":
                self.send_header("Content-Length", str(len(BODY if self.path == "/cut" else body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def source(*urls: str) -> data.Source:
    return data.Source("demo", "demo/rows.json", urls, hashlib.sha256(BODY).hexdigest(), len(BODY), "free")


def left_over(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file()]


def test_a_fetched_file_is_the_pinned_one_and_is_not_fetched_twice(server: str, tmp_path: Path) -> None:
    first = data.fetch_source(source(f"{server}/good"), tmp_path)
    assert (first.action, first.path) == ("fetched", tmp_path / "demo/rows.json")
    assert first.path.read_bytes() == BODY
    assert data.find(source(), tmp_path) == first.path
    # no address is needed any more
    assert data.fetch_source(source("http://127.0.0.1:1/x"), tmp_path).action == "already there"
    assert left_over(tmp_path) == [first.path]


def test_redirects_are_followed(server: str, tmp_path: Path) -> None:
    assert data.fetch_source(source(f"{server}/moved"), tmp_path).path.read_bytes() == BODY


def test_the_next_address_is_tried_when_one_does_not_answer(server: str, tmp_path: Path) -> None:
    assert data.fetch_source(source(f"{server}/missing", f"{server}/good"), tmp_path).action == "fetched"


@pytest.mark.parametrize(
    ("path", "error", "said"),
    [
        ("/other", DataError, "sha256"),
        ("/short", DataError, "gave 100 bytes"),
        ("/long", DataError, "gives more than"),
        ("/cut", UnavailableError, "peer closed connection"),
        ("/missing", UnavailableError, "HTTP 404"),
    ],
)
def test_what_is_not_the_pinned_file_is_not_kept(
    server: str, tmp_path: Path, path: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        data.fetch_source(source(server + path), tmp_path)
    assert server + path in str(caught.value)
    assert "\n" not in str(caught.value)
    assert left_over(tmp_path) == []


def test_a_wrong_file_does_not_send_us_to_the_next_address(server: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="/other"):
        data.fetch_source(source(f"{server}/other", f"{server}/good"), tmp_path)


def test_offline_says_where_the_file_goes_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/rows.json"
    with pytest.raises(UnavailableError) as caught:
        data.fetch_source(source(url), tmp_path)
    message = str(caught.value)
    assert url in message
    assert str(tmp_path / "demo/rows.json") in message
    assert source().sha256 in message
    assert left_over(tmp_path) == []


def test_a_server_that_drips_is_given_up(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "TOTAL_TIMEOUT", 0.0)
    with pytest.raises(UnavailableError, match="took longer than 0 s"):
        data.fetch_source(source(f"{server}/good"), tmp_path)
    assert left_over(tmp_path) == []


def test_a_broken_certificate_store_is_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    with pytest.raises(UnavailableError, match=r"could not fetch https://127\.0\.0\.1:1/x"):
        data.fetch_source(source("https://127.0.0.1:1/x"), tmp_path)


def test_a_file_of_another_content_is_an_error_and_is_left_alone(server: str, tmp_path: Path) -> None:
    path = tmp_path / "demo" / "rows.json"
    path.parent.mkdir()
    path.write_bytes(b"mine")
    with pytest.raises(DataError, match=r"not the published file .* `dsafe data fetch demo`"):
        data.find(source(), tmp_path)
    with pytest.raises(DataError, match="remove it"):
        data.fetch_source(source(f"{server}/good"), tmp_path)
    assert path.read_bytes() == b"mine"


def test_absent_data_names_the_folder_and_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path))
    with pytest.raises(UnavailableError) as caught:
        data.find(data.CHISAFETYBENCH_MCQ)
    assert str(caught.value) == (
        f"chisafetybench/mcq.json is not in DSAFE_DATA ({tmp_path}); run `dsafe data fetch chisafetybench`"
    )


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path, server: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match=r"cannot write to .*DSAFE_DATA"):
        data.fetch_source(source(f"{server}/good"), tmp_path / "file")


def test_the_folder_comes_from_the_environment() -> None:
    assert data.data_dir({"DSAFE_DATA": "/srv/data"}) == Path("/srv/data")
    assert data.data_dir({"DSAFE_DATA": "~/d"}) == Path.home() / "d"
    assert data.data_dir({"DSAFE_DATA": ""}) == data.data_dir({}) == Path.home() / ".cache/dsafe/data"


def test_an_unknown_data_set_lists_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is chisafetybench"):
        data.fetch("chisafety", tmp_path)


def test_every_pin_is_a_full_commit_and_a_full_hash() -> None:
    for pinned in data.SOURCES:
        assert len(pinned.sha256) == 64
        assert pinned.urls
        assert all(re.search("/[0-9a-f]{40}/", url) for url in pinned.urls)
        assert pinned.licence


@pytest.mark.parametrize("dataset", data.DATASETS)
def test_the_real_files_have_the_pinned_bytes(dataset: str, real_folder: Callable[[str], Path]) -> None:
    real_folder(dataset)
    for pinned in (source for source in data.SOURCES if source.dataset == dataset):
        size = data.find(pinned).stat().st_size
        assert size == pinned.size if pinned.of == "bytes" else size <= pinned.size
    # all there already: nothing is asked of the network
    assert {done.action for done in data.fetch(dataset)} == {"already there"}


# ---- files of which only a mirror's bytes have been seen: the rows are pinned

CSV = 'id,text\n1,"two\nlines"\n2,"a, b"\n'
JSONL = '{"id": 1, "text": "一"}\n{"id": 2, "text": null}\n'


@pytest.mark.parametrize(
    ("of", "same", "other"),
    [
        (
            "csv",
            [CSV, CSV.replace("\n", "\r\n"), "\ufeff" + CSV, CSV.rstrip(), CSV.replace("1,", '"1",')],
            [CSV.replace("a, b", "a,b"), CSV + "3,x\n", "id,text\n2,x\n", CSV.replace("id,", "no,"), CSV + "1,2,3\n"],
        ),
        (
            "jsonl",
            [JSONL, JSONL.replace("\n", "\r\n"), JSONL.replace(", ", ","), JSONL.replace("一", "\\u4e00") + "\n\n"],
            [JSONL.replace("1", "1.5"), JSONL * 2, JSONL.replace("null", '"null"'), "{", "[" * 100_000, JSONL + "NaN"],
        ),
    ],
)
def test_rows_are_pinned_whatever_their_layout(of: Literal["csv", "jsonl"], same: list[str], other: list[str]) -> None:
    unpinned = data.Source("demo", "demo/rows", (), "", 1, "free", of=of)
    assert len({data.checksum(unpinned, text.encode()) for text in same}) == 1
    assert not {data.checksum(unpinned, text.encode()) for text in other} & {data.checksum(unpinned, same[0].encode())}
    assert data.checksum(unpinned, b"\xff\xfe") == "unreadable"


def test_pinned_rows_are_read_and_other_rows_are_an_error(tmp_path: Path) -> None:
    unpinned = data.Source("demo", "demo/rows.csv", (), "", 1, "free", of="csv")
    pinned = replace(unpinned, sha256=data.checksum(unpinned, CSV.encode()))
    path = tmp_path / "demo" / "rows.csv"
    path.parent.mkdir()
    path.write_bytes(CSV.replace("\n", "\r\n").encode())
    assert data.find(pinned, tmp_path) == path
    path.write_bytes(b"\x00")
    with pytest.raises(DataError, match="not the published file"):
        data.find(pinned, tmp_path)
