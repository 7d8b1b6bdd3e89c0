"""Rows of LiveCodeBench's files: read once for their texts, again for their tests when a program is to be graded.

Tests of a release are gigabytes once unpacked, so only their place in the file and their hash are kept. Private tests
are decoded without running their pickle (sandbox/pickles.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsafe_runner.benchmarks import data
from dsafe_runner.benchmarks.livecodebench.table import PUBLIC, Entry
from dsafe_runner.errors import DataError, UnavailableError
from dsafe_runner.sandbox.grade_code import CodeProblem, CodeTest
from dsafe_runner.sandbox.pickles import decode_tests

FOLDER = "livecodebench"
"""Where upstream's files belong, relative to DSAFE_DATA."""
UPSTREAM = "https://huggingface.co/datasets/livecodebench/code_generation_lite"
FILES: dict[str, int] = {"v1": 1, "v5": 5, "v6": 6}
"""Release -> how many of test.jsonl, test2.jsonl, ... it is made of."""
_AGAIN = "fetch the file again"
_MAX_NAMED = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. Its tests lie in `length` bytes at `offset` of `path`; `tests` is their hash."""

    id: str
    question: str
    starter: str
    function: str | None
    tests: str
    path: Path
    offset: int
    length: int


def read_problems(version: str, wanted: Mapping[str, Entry]) -> dict[str, Problem]:
    """The wanted problems, in the order they are wanted in.

    Raises:
        UnavailableError: a file they are in is not in DSAFE_DATA.
        DataError: a row is broken, has no tests, or is about another problem than its id says.
    """
    paths = _paths(version)
    found: dict[str, Problem] = {}
    for path in paths:
        if path.exists() and len(found) < len(wanted):
            for line, offset, content in _lines(path):
                problem = _problem(path, line, offset, content, wanted, private=version != PUBLIC)
                if problem and problem.id in found:
                    raise DataError(f"{path}:{line}: problem {problem.id} stands twice; {_AGAIN}")
                if problem:
                    found[problem.id] = problem
    if left := [item for item in wanted if item not in found]:
        absent = [path.name for path in reversed(paths) if not path.exists()]
        if absent:
            raise UnavailableError(
                f"{len(left)} problems of livecodebench/{version} are not in {data.ENVIRONMENT} ({paths[0].parent}); "
                f"put {', '.join(absent)} of {UPSTREAM} there"
            )
        raise DataError(f"livecodebench/{version}: the files lack problems {_few(left)}; fetch them again")
    return {item: found[item] for item in wanted}


def tests_of(problem: Problem) -> CodeProblem:
    """The tests of a problem, public ones first.

    Raises:
        DataError: they are not those that were read before, cannot be decoded, or are none.
    """
    try:
        with problem.path.open("rb") as file:
            file.seek(problem.offset)
            content = file.read(problem.length)
    except OSError as error:
        raise DataError(f"{problem.path} cannot be read any more: {error.strerror}") from None
    row = _row(content, f"{problem.path}, problem {problem.id}")
    if _hash(row) != problem.tests:
        raise DataError(f"{problem.path} was changed while it was in use; run again")
    try:
        packed = [json.loads(row["public_test_cases"]), decode_tests(row.get("private_test_cases") or "[]")]
        tests = tuple(CodeTest(test["input"], test["output"]) for part in packed for test in part)
    except (DataError, ValueError, TypeError, KeyError) as error:
        said = str(error) if isinstance(error, DataError) else f"tests that cannot be read; {_AGAIN}"
        raise DataError(f"problem {problem.id}: {said}") from None
    if not tests:
        raise DataError(f"problem {problem.id} has no tests, so that every program would pass; {_AGAIN}")
    return CodeProblem(tests, problem.function)


def _paths(version: str) -> list[Path]:
    """Files of a version, newest first: a window of dates is mostly a recent one."""
    if version == PUBLIC:
        return [data.find(data.LIVECODEBENCH_V1_PUBLIC)]
    names = [f"test{number if number > 1 else ''}.jsonl" for number in range(FILES[version], 0, -1)]
    return [data.data_dir() / FOLDER / name for name in names]


def _lines(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Line number, offset and bytes of every row."""
    offset = 0
    try:
        with path.open("rb") as file:
            for number, content in enumerate(file, start=1):
                if content.strip():
                    yield number, offset, content
                offset += len(content)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None


def _row(content: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(content)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict) or not isinstance(row.get("question_id"), str):
        raise DataError(f"{where}: not a row of LiveCodeBench; {_AGAIN}")
    return row


def _problem(
    path: Path, line: int, offset: int, content: bytes, wanted: Mapping[str, Entry], *, private: bool
) -> Problem | None:
    """None for a problem that is not wanted. No message quotes the row."""
    where = f"{path}:{line}"
    row = _row(content, where)
    item = row["question_id"]
    if item not in wanted:
        return None
    if wanted[item].differs(row):
        raise DataError(f"{where}: date, platform or difficulty of problem {item} are others than published; {_AGAIN}")
    texts = ["question_content", "starter_code", "public_test_cases", *(["private_test_cases"] if private else [])]
    if absent := [name for name in texts if not isinstance(row.get(name), str)]:
        only = "; with public tests alone there is livecodebench/v1-public" if absent[0].startswith("private") else ""
        raise DataError(f"{where}: problem {item} has no {absent[0]}{only}")
    try:
        public = json.loads(row["public_test_cases"])
        function = json.loads(row["metadata"]).get("func_name")
        kinds = {test["testtype"] for test in public}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise DataError(f"{where}: tests or metadata of problem {item} cannot be read; {_AGAIN}") from None
    if kinds - {"stdin" if function is None else "functional"}:
        raise DataError(f"{where}: tests of problem {item} are of another kind than its metadata says; {_AGAIN}")
    problem = Problem(
        item, row["question_content"], row["starter_code"], function, _hash(row), path, offset, len(content)
    )
    if not public:  # whether there are any at all is worth knowing before anything is generated
        tests_of(problem)
    return problem


def _hash(row: dict[str, Any]) -> str:
    made = hashlib.sha256()
    for packed in (row["public_test_cases"], row.get("private_test_cases") or ""):
        content = packed.encode("utf-8", "surrogatepass")
        made.update(b"%d:" % len(content) + content)
    return made.hexdigest()


def _few(ids: list[str]) -> str:
    return ", ".join(ids[:_MAX_NAMED]) + (f" and {len(ids) - _MAX_NAMED} more" if len(ids) > _MAX_NAMED else "")
