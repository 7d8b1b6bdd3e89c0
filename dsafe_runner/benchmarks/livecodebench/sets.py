"""LiveCodeBench, code generation: contest problems, answered by a program that has to pass every test.

Programs run in the sandbox and nowhere else: where it cannot run, the benchmark is unavailable, which is said before
anything is generated. The problems carry no licence of their own and are read from DSAFE_DATA.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from dsafe_runner.benchmarks import data
from dsafe_runner.benchmarks.livecodebench.rows import UPSTREAM, Problem, read_problems, tests_of
from dsafe_runner.benchmarks.livecodebench.table import LICENCE, PUBLIC, RELEASES, Window, entries, offer
from dsafe_runner.benchmarks.thread_map import cores, thread_map
from dsafe_runner.errors import DataError
from dsafe_runner.records import Message, Outcome, Response, Sample, Score, digest
from dsafe_runner.sandbox.bubblewrap import Sandbox
from dsafe_runner.sandbox.grade_code import GRADER, CodeProblem, grade_answer
from dsafe_runner.sandbox.runs import CodeVerdict, Limits

NAMES: tuple[str, ...] = tuple(f"livecodebench/{version}" for version in (*RELEASES, PUBLIC))

BEGIN = (
    "You will be given a question (problem specification) and will generate a correct Python program that matches the "
    "specification and passes all tests.\n\nQuestion: {question}\n\n"
)
WITH_STARTER = (
    "You will use the following starter code to write the solution to the problem and enclose your code within "
    "delimiters.\n```python\n{starter}\n```"
)
WITHOUT_STARTER = (
    "Read the inputs from stdin solve the problem and write the answer to stdout (do not directly test on the sample "
    "inputs). Enclose your code within delimiters as follows. Ensure that when the python program runs, it reads the "
    "inputs, runs the algorithm and writes output to STDOUT.\n```python\n# YOUR CODE HERE\n```"
)
"""The official prompt of its DeepSeekR1 style without the system text (lcb_runner/prompts/code_generation.py, MIT)."""

_TEXTS = [BEGIN, WITH_STARTER, WITHOUT_STARTER]

_OUTCOMES = {
    CodeVerdict.OK: Outcome.RIGHT,
    CodeVerdict.NO_CODE: Outcome.NO_ANSWER,
    CodeVerdict.SANDBOX_ERROR: Outcome.MISSING,
}
"""Every other verdict is WRONG; the verdict itself stands in `Score.answer`."""


class LiveCodeBench:
    """One version of the set.

    name    one of NAMES
    window  only problems of contests on these dates
    limits  of a program on each test; in the identity of the grader
    """

    def __init__(self, name: str, window: Window | None = None, limits: Limits | None = None) -> None:
        if name not in NAMES:
            raise DataError(f"no benchmark {name!r}; there are {', '.join(NAMES)}")
        self._version = name.partition("/")[2]
        self._window = window
        self._limits = limits or Limits()
        self.offer = offer(self._version, window)
        self._problems: dict[str, Problem] | None = None
        self._sandbox: Sandbox | None = None

    def samples(self) -> tuple[Sample, ...]:
        """All items, in order of their dates.

        Raises:
            UnavailableError: a file is not in DSAFE_DATA, or programs cannot be contained on this machine.
            DataError: a file is not what was published.
        """
        wanted = entries(self._version, self._window)
        samples = tuple(
            Sample(item, (Message("user", _prompt(problem)),), wanted[item].slices, "code", target=(problem.tests,))
            for item, problem in self._read().items()
        )
        self._contained()
        return samples

    def identity(self) -> dict[str, str]:
        """Source, hash over all tests, and prompt. Raises what `samples` raises but for the sandbox."""
        problems = self._read()
        tests = "".join(f"{item} {problem.tests}\n" for item, problem in sorted(problems.items()))
        said = {
            "source": f"{UPSTREAM}, release {self._version}",
            "tests": "public and private",
            "pinned": "no: ids, dates, platforms and difficulties were checked",
        }
        if self._version == PUBLIC:
            pinned = data.LIVECODEBENCH_V1_PUBLIC
            said = {
                "source": pinned.urls[0],
                "tests": "public sample tests only: pass@1 is an upper bound",
                "pinned": f"sha256 {pinned.sha256}",
            }
        return {
            **said,
            "window": str(self._window or Window()),
            "tests_sha256": hashlib.sha256(tests.encode()).hexdigest(),
            "licence": LICENCE,
            "prompt": f"LiveCodeBench's style for DeepSeekR1, no system text ({digest(_TEXTS)})",
        }

    def grader(self) -> dict[str, str]:
        """What makes a score what it is. UnavailableError: programs cannot be contained here."""
        limits = ", ".join(f"{name} {value}" for name, value in asdict(self._limits).items())
        return {"grader": GRADER, "limits": limits, **self._contained().describe()}

    def grade(self, sample: Sample, response: Response) -> Score:
        """Score of one response; `grade_all` is the way for many."""
        (score,) = self.grade_all([(sample, response)])
        return score

    def grade_all(self, pairs: Iterable[tuple[Sample, Response]]) -> Iterator[Score]:
        """A score per pair, in any order, each as soon as it is made; its `answer` is the verdict on the program.

        MISSING: the engine or the sandbox failed. TRUNCATED: the budget ended inside the thinking or before a whole
        program. NO_ANSWER: no program. RIGHT: it passed every test. WRONG: anything else, running out of time included.

        Raises:
            DataError: tests cannot be decoded, or there are none.
        """
        sandbox = self._contained()
        problems = self._read()

        def grade(items: Iterator[tuple[Problem, list[tuple[Sample, Response]]]]) -> Iterator[Score]:
            for problem, answers in items:
                tests = tests_of(problem)
                for sample, response in answers:
                    outcome, verdict = _outcome(sandbox, tests, response, self._limits)
                    yield Score(sample.id, response.k, outcome, answer=verdict, response_key=response.key)

        # all answers to a problem in one go: its tests can take long to decode
        by_item = itertools.groupby(pairs, key=lambda pair: pair[0].id)
        jobs = [(problems[item], list(answers)) for item, answers in by_item]
        return thread_map(jobs, grade, cores())

    def _read(self) -> dict[str, Problem]:
        if self._problems is None:
            self._problems = read_problems(self._version, entries(self._version, self._window))
        return self._problems

    def _contained(self) -> Sandbox:
        if self._sandbox is None:
            self._sandbox = Sandbox()
        return self._sandbox


def _prompt(problem: Problem) -> str:
    end = WITH_STARTER.format(starter=problem.starter) if problem.starter else WITHOUT_STARTER
    return BEGIN.format(question=problem.question) + end


def _outcome(sandbox: Sandbox, tests: CodeProblem, response: Response, limits: Limits) -> tuple[Outcome, str | None]:
    if response.finish == "error":
        return Outcome.MISSING, None
    if response.thinking_open:
        return Outcome.TRUNCATED, None
    found = grade_answer(sandbox, tests, response.answer, limits)
    outcome = _OUTCOMES.get(found.verdict, Outcome.WRONG)
    # of a program whose last fence was never reached, or that was not begun
    cut = found.unclosed or found.verdict is CodeVerdict.NO_CODE
    if response.finish == "length" and cut and outcome in (Outcome.WRONG, Outcome.NO_ANSWER):
        outcome = Outcome.TRUNCATED
    return outcome, found.verdict.value
