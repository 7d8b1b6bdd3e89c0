"""Where benchmark data lives and how it gets there: pinned sources, looked up under DSAFE_DATA, fetched on request.

Data that carries no licence is never shipped. A file is used only when it has the pinned SHA-256: of its bytes, or of
its rows where only a mirror's bytes have been seen and line ends may differ. Anything else is an error, never a
warning. Nothing is downloaded unless somebody asks for it (`dsafe data fetch NAME`).
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from dsafe_runner.errors import DataError, UnavailableError, WriteError
from dsafe_runner.records import digest

ENVIRONMENT = "DSAFE_DATA"
CONNECT_TIMEOUT = 15.0
"""Seconds to connect, and the longest silence while reading."""
TOTAL_TIMEOUT = 600.0
"""Seconds one file may take, so that a dripping server cannot hold a run for ever."""

_CHISAFETYBENCH = (
    "https://raw.githubusercontent.com/UnicomAI/UnicomBenchmark/e949fc8feb4aaec810b39e6c884e5f98ee8f4160/"
    "CHiSafetyBench/dataset/v1/"
)
_CHISAFETYBENCH_LICENCE = "none stated upstream (UnicomAI/UnicomBenchmark); for local evaluation, not redistributed"


@dataclass(frozen=True, slots=True)
class Source:
    """One pinned file.

    dataset  the name people fetch it by
    path     relative to DSAFE_DATA
    urls     upstream places, tried in order
    sha256   of what `of` says
    size     bytes; a download is cut off beyond it
    licence  one line, printed before anything is fetched
    of       `bytes`: the file as upstream has it. `csv`, `jsonl`: its rows, whatever the layout (see `checksum`)
    """

    dataset: str
    path: str
    urls: tuple[str, ...]
    sha256: str
    size: int
    licence: str
    of: Literal["bytes", "csv", "jsonl"] = "bytes"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What `fetch` did for one file."""

    source: Source
    path: Path
    action: Literal["fetched", "already there"]


def _chisafetybench(name: str, sha256: str, size: int) -> Source:
    return Source(
        "chisafetybench", f"chisafetybench/{name}", (_CHISAFETYBENCH + name,), sha256, size, _CHISAFETYBENCH_LICENCE
    )


def _harmbench(split: str, sha256: str, size: int) -> Source:
    """`size` leaves room for other line ends: only a mirror's bytes have been seen."""
    file = f"harmbench_behaviors_text_{split}.csv"
    folders = (
        "centerforaisafety/HarmBench/c0423b952435fcc8467108d8f25962dbae5b7de2",
        "busycalibrating/AdversariaLLM/f970939273ea17b491fadf6001fddc36ed3ae3ff",
    )
    urls = tuple(f"https://raw.githubusercontent.com/{folder}/data/behavior_datasets/{file}" for folder in folders)
    licence = "MIT (centerforaisafety/HarmBench)"
    return Source("harmbench", f"harmbench/{file}", urls, sha256, size, licence, of="csv")


def _safetybench(name: str, sha256: str, size: int) -> Source:
    url = (
        "https://raw.githubusercontent.com/thu-coai/SafetyBench/960833692a1ec82b191ff3e902daca7993c35cc1/"
        f"opensource_data/{name}"
    )
    return Source("safetybench", f"safetybench/{name}", (url,), sha256, size, "MIT (thu-coai/SafetyBench)")


CHISAFETYBENCH_MCQ = _chisafetybench(
    "mcq.json", "9900af0e259d8f58d68584961ac5f13fc229066d5b73add142313c92d0c8edcd", 590_379
)
CHISAFETYBENCH_REFUSAL = _chisafetybench(
    "risky_questions_without_dialog_history.json",
    "9682ed99cc49a4ccd0b7a291dc5019f6a569fb01817155b8deaf56ea84b9359a",
    106_460,
)
CHISAFETYBENCH_HISTORY = _chisafetybench(
    "risky_questions_with_dialog_history.json",
    "b4251d1870bd857dfcd3c8d81f4fe5af4b9bc3516dbc34395f952919e42a86f6",
    287_031,
)
XSTEST = Source(
    "xstest",
    "xstest/xstest_prompts.csv",
    (
        "https://raw.githubusercontent.com/paul-rottger/exaggerated-safety/d7bb5bd738c1fcbc36edd83d5e7d1b71a3e2d84d/"
        "xstest_prompts.csv",
    ),
    "11783fb294ed017473ee53c207d71f2161c7672c8d0b037501e78387f801cb5a",
    38_719,
    "CC-BY-4.0 (paul-rottger/exaggerated-safety)",
)
HARMBENCH_TEST = _harmbench("test", "9a8d2928b202ad802bd7bc75553fea34405e3ec578599953e717acfce8a23088", 180_000)
HARMBENCH_VAL = _harmbench("val", "8a05f57ead7493c625cdc4945d889005c87d144200e61c602eaebdec8127f3dd", 50_000)
SAFETYBENCH_QUESTIONS = _safetybench(
    "test_zh_subset.json", "8760b0621df0fa81b99f7e49961853f1ff8b5ac0e4f1f96dad20a587c33aea4f", 766_013
)
SAFETYBENCH_ANSWERS = _safetybench(
    "test_answers_zh_subset.json", "41c3e40330a7a96375de54b46df4839f6a46e8c9f6be974a2d31b35b8012af6c", 133_967
)
MATH_500 = Source(
    "math-500",
    "math500/test.jsonl",
    (
        "https://raw.githubusercontent.com/MobileLLM/BudgetThinker/f0466b9d37595f46603387baa5930e312fefb7f5/"
        "evaluation/data/math500/test_ori.jsonl",
    ),
    "06dd3b4208ad8399004c9367f194de82418e4f545319fa23c02c002665228798",
    446_564,
    "MIT (hendrycks/math; the 500 chosen by openai/prm800k)",
    of="jsonl",
)
LIVECODEBENCH_V1_PUBLIC = Source(
    "livecodebench-v1-public",
    "livecodebench-v1-public/lcb_v1_public_tests.jsonl",
    ("https://raw.githubusercontent.com/XZC888/MavenCoder/7a10e2db4217ad3ad41c4a0831cc74df85b413a7/data/lcb.jsonl",),
    "9a3e22c2ccbaf7762768beacd4d201026a68b25a776f307eb85122d0bc639e4e",
    855_417,
    "problems belong to LeetCode, AtCoder and Codeforces; for local evaluation, not redistributed",
)
SOURCES: tuple[Source, ...] = (
    CHISAFETYBENCH_MCQ,
    CHISAFETYBENCH_REFUSAL,
    CHISAFETYBENCH_HISTORY,
    XSTEST,
    HARMBENCH_TEST,
    HARMBENCH_VAL,
    SAFETYBENCH_QUESTIONS,
    SAFETYBENCH_ANSWERS,
    MATH_500,
    LIVECODEBENCH_V1_PUBLIC,
)
DATASETS: tuple[str, ...] = tuple(dict.fromkeys(source.dataset for source in SOURCES))


def data_dir(environ: Mapping[str, str] | None = None) -> Path:
    """The folder data is looked up in: DSAFE_DATA, or ~/.cache/dsafe/data where that is unset or empty."""
    said = (os.environ if environ is None else environ).get(ENVIRONMENT, "")
    return Path(said).expanduser() if said else Path.home() / ".cache" / "dsafe" / "data"


def find(source: Source, folder: Path | None = None) -> Path:
    """The file of a source, its bytes verified.

    Raises:
        UnavailableError: it is not there.
        DataError: it is there with other bytes, or cannot be read.
    """
    path = (folder or data_dir()) / source.path
    read(source, folder)
    return path


def read(source: Source, folder: Path | None = None) -> bytes:
    """The bytes of a source: exactly those that were verified. Raises what `find` raises."""
    root = folder or data_dir()
    path = root / source.path
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise UnavailableError(
            f"{source.path} is not in {ENVIRONMENT} ({root}); run `dsafe data fetch {source.dataset}`"
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    found = checksum(source, content)
    if found != source.sha256:
        raise DataError(
            f"{path} is not the published file (sha256 {found[:16]}, expected {source.sha256[:16]}); "
            f"remove it and run `dsafe data fetch {source.dataset}`"
        )
    return content


def checksum(source: Source, content: bytes) -> str:
    """SHA-256 of the bytes, or of the rows as canonical JSON; `unreadable` where there are no rows to be read."""
    if source.of == "bytes":
        return hashlib.sha256(content).hexdigest()
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
        if source.of == "csv":
            return digest(list(csv.DictReader(io.StringIO(text, newline=""), strict=True)), 64)
        return digest([json.loads(line) for line in text.split("\n") if line.strip()], 64)
    except (ValueError, TypeError, RecursionError, csv.Error):  # TypeError: more cells than columns
        return "unreadable"


def fetch(dataset: str, folder: Path | None = None) -> tuple[Fetched, ...]:
    """Bring every file of a data set into DSAFE_DATA. Files already there and right are left alone.

    Raises:
        DataError: no such data set, or what came is not the pinned file.
        UnavailableError: it could not be reached.
        WriteError: it could not be written.
    """
    wanted = [source for source in SOURCES if source.dataset == dataset]
    if not wanted:
        raise DataError(f"no data set {dataset!r} to fetch; there is {', '.join(DATASETS)}")
    return tuple(fetch_source(source, folder) for source in wanted)


def fetch_source(source: Source, folder: Path | None = None) -> Fetched:
    """Bring one file. It appears under its name only once its bytes are verified. Raises what `fetch` raises."""
    root = folder or data_dir()
    path = root / source.path
    if path.exists():
        read(source, root)
        return Fetched(source, path, "already there")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False)  # noqa: SIM115
    except OSError as error:
        raise WriteError(f"cannot write to {path.parent}: {error.strerror}; set {ENVIRONMENT}") from None
    partial = Path(handle.name)
    try:
        with handle:
            _download(source, path, handle)
            handle.flush()
            os.fsync(handle.fileno())
        partial.chmod(0o644)
        partial.replace(path)
    except OSError as error:
        raise WriteError(f"cannot write {path}: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)
    return Fetched(source, path, "fetched")


def _download(source: Source, path: Path, into: IO[bytes]) -> None:
    """Stream the first of the source's addresses that answers. A wrong hash ends it: nobody shops for mirrors."""
    import httpx2

    failures: list[str] = []
    for url in source.urls:
        into.seek(0)
        into.truncate()
        try:
            with (
                httpx2.Client(timeout=CONNECT_TIMEOUT, follow_redirects=True) as client,
                client.stream("GET", url) as answer,
            ):
                answer.raise_for_status()
                size = _copy(source, url, answer.iter_bytes(), into)
        except httpx2.HTTPStatusError as error:
            failures.append(f"{url}: HTTP {error.response.status_code}")
            continue
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            failures.append(f"{url}: {' '.join(str(error).split()) or type(error).__name__}")
            continue
        into.seek(0)
        found = checksum(source, into.read())
        if found != source.sha256:
            raise DataError(
                f"{url} gave {size} bytes with sha256 {found[:16]}, expected {source.size} with "
                f"{source.sha256[:16]}; nothing was kept"
            )
        return
    raise UnavailableError(
        f"could not fetch {'; '.join(failures)}; with no network, put the file at {path} by hand "
        f"(sha256 {'' if source.of == 'bytes' else 'of its rows '}{source.sha256})"
    )


def _copy(source: Source, url: str, chunks: Iterable[bytes], into: IO[bytes]) -> int:
    size, started = 0, time.monotonic()
    for chunk in chunks:
        size += len(chunk)
        if size > source.size:
            raise DataError(f"{url} gives more than the {source.size} bytes expected; nothing was kept")
        if time.monotonic() - started > TOTAL_TIMEOUT:
            raise UnavailableError(f"{url} took longer than {TOTAL_TIMEOUT:.0f} s; try again")
        into.write(chunk)
    return size
