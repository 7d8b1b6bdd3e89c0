"""The answer key of chisafetybench/mcq: ours, since the benchmark published none; or the user's own file.

The shipped table holds ids, question hashes, letters and a status, and no question text. How it was made and why its
variants differ: docs/benchmarks/chisafetybench.md.
"""

from __future__ import annotations

import csv
import difflib
import functools
import hashlib
import io
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from dsafe_runner.errors import DataError, UnavailableError

VARIANTS: dict[str, tuple[str, str]] = {
    "consensus": ("answer", "consensus (ours; none is published)"),
    "literal": ("answer_literal", "literal (ours; none is published): the 366 doubtful items by their literal wording"),
    "positive-reading": (
        "answer_positive_reading",
        "positive-reading (ours; none is published): every discrimination item keyed A, `is discrimination`",
    ),
}
"""Variant -> column of the shipped table, and what identity() says of it."""
DEFAULT = "consensus"
MAX_MISTAKES = 20


@dataclass(frozen=True, slots=True)
class Key:
    """Right letters by item id.

    letters  one string per id; several letters (`ABD`) mean exactly those
    said     the sentence that goes wherever a number made with it appears
    """

    letters: dict[int, str]
    said: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ShippedRow:
    """What the shipped table knows about an item besides its letters. status: agreed, agreed-3 or contested."""

    question_sha256_16: str
    status: str


def question_hash(question: str) -> str:
    """16 hex digits of the SHA-256 of a published question, surrounding white space removed."""
    return hashlib.sha256(question.strip().encode()).hexdigest()[:16]


@functools.cache
def shipped_rows() -> dict[int, ShippedRow]:
    """Hash and status of all 1567 items."""
    return {int(r["id"]): ShippedRow(r["question_sha256_16"], r["status"]) for r in _shipped()}


def check_name(key: str | None) -> str:
    """The variant or path a suite means. DataError: neither a variant nor something that looks like a path."""
    name = DEFAULT if key is None else key
    if name in VARIANTS or _is_path(name):
        return name
    close = difflib.get_close_matches(name, VARIANTS, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"use {', '.join(VARIANTS)}, or the path of a .tsv file"
    raise DataError(f"no answer key {name!r}; {hint}")


def load_key(name: str) -> Key:
    """A variant of the shipped key, or the key in a .tsv file.

    Raises:
        UnavailableError: the file is not there.
        DataError: the file is no complete key; all mistakes, one per line.
    """
    if name in VARIANTS:
        column, said = VARIANTS[name]
        letters = {int(row["id"]): row[column] for row in _shipped()}
        return Key(letters, said, _letters_hash(letters))
    return _user_key(Path(name))


@functools.cache
def _shipped() -> tuple[dict[str, str], ...]:
    text = resources.files("dsafe_runner.benchmarks").joinpath("data", "chisafetybench_key.tsv").read_text("utf-8")
    return tuple(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))


def _is_path(name: str) -> bool:
    return "/" in name or name.endswith(".tsv")


def _letters_hash(letters: dict[int, str]) -> str:
    return hashlib.sha256("\n".join(f"{i}\t{letters[i]}" for i in sorted(letters)).encode()).hexdigest()


def _user_key(path: Path) -> Key:
    """Columns `id` and `answer`, tab-separated, header first; further columns are ignored."""
    if not path.is_file():
        raise UnavailableError(f"answer key {path} is not there; it is a .tsv file with id and answer")
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"answer key {path} cannot be read as UTF-8 text: {error}") from None
    header, *lines = text.splitlines() or [""]
    names = header.split("\t")
    if "id" not in names or "answer" not in names:
        raise DataError(f"{path}:1: the header must name the columns id and answer, separated by a tab")
    mistakes: list[str] = []
    letters: dict[int, str] = {}
    known = shipped_rows()
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        cells = dict(zip(names, line.split("\t"), strict=False))
        said, answer = cells.get("id", "").strip(), cells.get("answer", "").strip().upper()
        if not (said.isascii() and said.isdigit()) or int(said) not in known:
            mistakes.append(f"{path}:{number}: id {said!r} is none of the ids 1..{len(known)}")
        elif int(said) in letters:
            mistakes.append(f"{path}:{number}: id {said} stands twice")
        elif not answer or set(answer) - set("ABCD") or len(set(answer)) < len(answer):
            mistakes.append(f"{path}:{number}: answer {answer!r} of id {said} is not of the letters A-D, each once")
            letters[int(said)] = ""
        else:
            letters[int(said)] = "".join(sorted(answer))
    missing = [i for i in known if i not in letters]
    if missing:
        shown = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
        mistakes.append(f"{path}: {len(missing)} of {len(known)} ids have no answer: {shown}")
    if mistakes:
        more = [f"{path}: and {len(mistakes) - MAX_MISTAKES} more"] if len(mistakes) > MAX_MISTAKES else []
        raise DataError("\n".join(mistakes[:MAX_MISTAKES] + more))
    return Key(letters, f"{path.name} (the user's)", _letters_hash(letters))
