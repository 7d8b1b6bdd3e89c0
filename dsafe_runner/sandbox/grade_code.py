"""Grades a program on the tests of a contest problem. Inputs go into the sandbox; expected outputs never do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dsafe_runner.errors import DataError
from dsafe_runner.sandbox.bubblewrap import Sandbox
from dsafe_runner.sandbox.code_blocks import extract_program
from dsafe_runner.sandbox.compare import same_output, same_value, values
from dsafe_runner.sandbox.runs import CodeVerdict, Limits, Run

GRADER = "real-process/1"
"""Name and version of these rules, for whatever keeps verdicts."""


@dataclass(frozen=True, slots=True)
class CodeTest:
    """One test. Of a functional problem `input` is an argument as JSON per line, `output` the result as JSON."""

    input: str
    output: str


@dataclass(frozen=True, slots=True)
class CodeProblem:
    """The tests of a problem; `function` names what is called, None for problems that read stdin and write stdout."""

    tests: tuple[CodeTest, ...]
    function: str | None = None


@dataclass(frozen=True, slots=True)
class CodeGrade:
    """What a program is worth.

    verdict   OK exactly when every test passed; SANDBOX_ERROR says nothing about the program and must count as missing
    passed    tests passed before the first that was not
    tests     tests there are
    detail    one line about the failure; it may hold words of the program, and of its input where it quotes that
    unclosed  see fences
    """

    verdict: CodeVerdict
    passed: int
    tests: int
    detail: str = ""
    unclosed: bool = False
    wall_seconds: float = 0.0


def grade_answer(sandbox: Sandbox, problem: CodeProblem, answer: str, limits: Limits | None = None) -> CodeGrade:
    """Grade the program in an answer (the text after the thinking); see grade_program."""
    found = extract_program(answer)
    if found.program is None:
        _cases(problem)
        return CodeGrade(CodeVerdict.NO_CODE, 0, len(problem.tests), "no program between fences", found.unclosed)
    return grade_program(sandbox, problem, found.program, limits, unclosed=found.unclosed)


def grade_program(
    sandbox: Sandbox, problem: CodeProblem, program: str, limits: Limits | None = None, *, unclosed: bool = False
) -> CodeGrade:
    """Run a program on every test until one fails. Every test is a sandbox of its own.

    Args:
        sandbox: where it runs.
        problem: its tests.
        program: its text.
        limits: of each test.
        unclosed: carried into the grade.

    Raises:
        DataError: there are no tests, or those of a functional problem are not JSON.
    """
    cases = _cases(problem)
    seconds = 0.0
    for number, (test, (arguments, expected)) in enumerate(zip(problem.tests, cases, strict=True)):
        run, right = _run_test(sandbox, problem.function, program, test, arguments, expected, limits)
        seconds += run.wall_seconds
        if not right:
            verdict = CodeVerdict.WRONG if run.verdict is CodeVerdict.OK else run.verdict
            detail = f"test {number + 1} of {len(cases)}: {run.detail or 'another output than expected'}"
            return CodeGrade(verdict, number, len(cases), detail, unclosed, seconds)
    return CodeGrade(CodeVerdict.OK, len(cases), len(cases), "", unclosed, seconds)


def _cases(problem: CodeProblem) -> list[tuple[list[Any], Any]]:
    """Arguments and expected result of every test, read before anything runs; nothing of stdin problems."""
    if not problem.tests:
        raise DataError("a problem without tests passes every program; fetch its tests again")
    if problem.function is None:
        return [([], None)] * len(problem.tests)
    try:
        return [([values(line) for line in t.input.split("\n")], values(t.output)) for t in problem.tests]
    except (ValueError, RecursionError):
        raise DataError(f"a test of {problem.function} is not JSON; fetch the tests again") from None


def _run_test(
    sandbox: Sandbox,
    function: str | None,
    program: str,
    test: CodeTest,
    arguments: list[Any],
    expected: Any,
    limits: Limits | None,
) -> tuple[Run, bool]:
    if function is None:
        run = sandbox.run(program, test.input.encode("utf-8", "surrogatepass"), limits)
        right = run.verdict is CodeVerdict.OK and same_output(run.stdout.decode("utf-8", "replace"), test.output)
        return run, right
    run = sandbox.call(program, function, arguments, limits)
    if run.verdict is CodeVerdict.OK and run.result is None:
        run = Run(CodeVerdict.RUNTIME_ERROR, run.stdout, None, "ended without a result", run.wall_seconds)
    return run, run.verdict is CodeVerdict.OK and same_value(run.result or b"", expected)
