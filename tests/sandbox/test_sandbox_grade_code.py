"""Grading: LiveCodeBench's rules, every verdict apart, and no way to win without the right output."""

from __future__ import annotations

import json
import os
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dsafe_runner.errors import DataError
from dsafe_runner.sandbox.code_blocks import Extracted, extract_program
from dsafe_runner.sandbox.compare import same_output, same_value
from dsafe_runner.sandbox.grade_code import CodeProblem, CodeTest, grade_answer, grade_program
from dsafe_runner.sandbox.runs import MEBIBYTE, CodeVerdict, Limits

DOUBLE = CodeProblem((CodeTest("1\n", "2\n"), CodeTest("2\n", "4\n"), CodeTest("5\n", "10\n")))
PAIRS = CodeProblem((CodeTest("[3, 1, 2]\n2", "[1, 2]"), CodeTest("[]\n0", "[]")), "smallest")
TIGHT = Limits(cpu_seconds=1, wall_seconds=1.5, memory_bytes=256 * MEBIBYTE, output_bytes=MEBIBYTE)


@pytest.mark.parametrize(
    ("output", "expected", "same"),
    [
        ("1 2\n3\n", "1 2\n3", True),
        ("  1 2  \n3\n\n\n", "1 2\n3\n", True),
        ("1\r\n2\r\n", "1\n2\n", True),
        ("1.0 2", "1 2.000", True),
        ("1e3", "1000", True),
        ("007", "7", True),
        ("-0", "0", True),
        ("1.0000001", "1", False),
        ("100000000000000001", "100000000000000000", False),
        ("0.3", "0.30000000000000004", False),
        ("1 2", "1\n2", False),
        ("1\n\n2", "1\n2", False),
        ("", "1", False),
        ("", "", True),
        ("yes", "YES", False),
        ("Yes 1.0", "Yes 1", False),
        ("a  b", "a b", False),
        ("1  2", "1 2", True),
        ("nan", "nan", True),
        ("NaN", "nan", False),
        ("snan", "1", False),
        ("1_0", "10", True),
        ("1e999999999", "1", False),
        ("inf", "Infinity", True),
    ],
)
def test_outputs(output, expected, same):
    assert same_output(output, expected) is same


@pytest.mark.parametrize(
    ("result", "expected", "same"),
    [
        (b"1", 1, True),
        (b"1.0", 1, True),
        (b"true", 1, True),
        (b"1", 2, False),
        (b'"a"', "a", True),
        (b"null", None, True),
        (b"[1,[2]]", [1, [2]], True),
        (b'[{"tuple":[1]}]', [[1]], False),
        (b'{"dict":[["a",1]]}', {"a": 1}, True),
        (b'{"dict":[[1,1]]}', {"1": 1}, False),
        (b'{"other":true}', None, False),
        (b'{"other":true}', {"other": True}, False),
        (b"NaN", float("nan"), False),
        (b"", None, False),
        (b"[" * 100_000, [], False),
        (b"9" * 10_000, 9, False),
        (b'{"dict":[[[1],2]]}', {}, False),
        (b'{"dict":7}', {}, False),
        (b'{"a":1}', {"a": 1}, False),
        (b"\xff", None, False),
    ],
)
def test_values(result, expected, same):
    assert same_value(result, expected) is same


@pytest.mark.parametrize(
    ("answer", "extracted"),
    [
        ("", Extracted(None)),
        ("print(1)", Extracted(None)),
        ("```", Extracted(None, True)),
        ("```python\nprint(1)\n```", Extracted("print(1)")),
        ("```\na\n```\ntext\n```py\nb\nc\n```\nend", Extracted("b\nc")),
        ("```python\nprint(1)", Extracted(None, True)),
        # the official rule takes what lies between: the text, or the example
        ("```python\na\n```\ntext\n```python\nb", Extracted("text", True)),
        ("```python\na\n```\nExample:\n```\n1 2\n```", Extracted("1 2")),
        ("```python\n\n```", Extracted(None)),
        ("```\na\r\n```", Extracted("a\r")),
        ("1. ```python\n   x = 1\n   ```", Extracted("   x = 1")),
    ],
)
def test_fences(answer, extracted):
    assert extract_program(answer) == extracted


def test_right_programs(sandbox):
    assert grade_answer(sandbox, DOUBLE, "So:\n```python\nprint(2 * int(input()))\n```").verdict is CodeVerdict.OK
    solution = "class Solution:\n    def smallest(self, a: List[int], n: int):\n        return nsmallest(n, a)"
    grade = grade_program(sandbox, PAIRS, solution)
    assert (grade.verdict, grade.passed, grade.tests) == (CodeVerdict.OK, 2, 2)


VERDICTS = {
    "print(2 * int(input()) if 1 else 0, 'x')": (CodeVerdict.WRONG, 0),
    "n = int(input()); print(2 * n if n < 5 else 0)": (CodeVerdict.WRONG, 2),
    "n = int(input()); print(2 * n); n == 2 and 1 / 0": (CodeVerdict.RUNTIME_ERROR, 1),
    "n = int(input()); print(2 * n)\nwhile n == 2: pass": (CodeVerdict.TIME, 1),
    "n = int(input()); print(2 * n); bytes(1 << 40)": (CodeVerdict.MEMORY, 0),
    "n = int(input()); print(2 * n)\nwhile True: print('x' * 999)": (CodeVerdict.OUTPUT_LIMIT, 0),
    "": (CodeVerdict.NO_CODE, 0),
}


@pytest.mark.parametrize("program", VERDICTS)
def test_verdicts_are_kept_apart(sandbox, program):
    verdict, passed = VERDICTS[program]
    grade = grade_answer(sandbox, DOUBLE, f"```\n{program}\n```", TIGHT)
    assert (grade.verdict, grade.passed, grade.tests) == (verdict, passed, 3)
    assert grade.detail


def test_a_broken_sandbox_is_never_wrong(sandbox):
    grade = grade_program(sandbox, DOUBLE, "print(0)", Limits(wall_seconds=0.0))
    assert grade.verdict is CodeVerdict.SANDBOX_ERROR


@pytest.mark.parametrize(
    "problem",
    [
        CodeProblem(()),
        CodeProblem((), "f"),
        CodeProblem((CodeTest("x", "1"),), "f"),
        CodeProblem((CodeTest("1", ""),), "f"),
        CodeProblem((CodeTest("1\n", "1"),), "f"),
        CodeProblem((CodeTest("[" * 5000, "1"),), "f"),
    ],
)
def test_broken_problems_are_errors(sandbox, problem):
    with pytest.raises(DataError):
        grade_program(sandbox, problem, "print(1)")
    with pytest.raises(DataError):
        grade_answer(sandbox, problem, "no code")


FUNCTIONS = {
    "a plain function": ("def f(n): return n + 1", CodeVerdict.OK),
    "a tuple at the top": ("def f(n): return (2,)[0]", CodeVerdict.OK),
    "prints too": ("class Solution:\n    def f(self, n):\n        print('debug'); return n + 1", CodeVerdict.OK),
    "a float": ("def f(n): return n + 1.0", CodeVerdict.OK),
    "static": ("class Solution:\n    @staticmethod\n    def f(n): return n + 1", CodeVerdict.OK),
    "main guard": ("def f(n): return n + 1\nif __name__ == '__main__': 1 / 0", CodeVerdict.OK),
    "threads left over": (
        "import threading, time\ndef f(n):\n threading.Thread(target=time.sleep, args=(9,)).start()\n return n + 1",
        CodeVerdict.OK,
    ),
    "nothing": ("def f(n): pass", CodeVerdict.WRONG),
    "no such name": ("def g(n): return n + 1", CodeVerdict.RUNTIME_ERROR),
    "wrong arguments": ("def f(): return 2", CodeVerdict.RUNTIME_ERROR),
    "exits": ("def f(n): exit()", CodeVerdict.RUNTIME_ERROR),
    "exits at once": ("import os\ndef f(n): os._exit(0)", CodeVerdict.RUNTIME_ERROR),
    "raises": ("def f(n): raise ValueError", CodeVerdict.RUNTIME_ERROR),
    "a cycle": ("def f(n):\n    a = []\n    a.append(a)\n    return a", CodeVerdict.RUNTIME_ERROR),
    "text of the number": ("def f(n): return str(n + 1)", CodeVerdict.WRONG),
    "a generator": ("def f(n): yield n + 1", CodeVerdict.WRONG),
    # what wins in the official grader
    "equal to all": (
        "class E(int):\n    def __eq__(self, o): return True\n    def __ne__(self, o): return False\n"
        "def f(n): return E(0)",
        CodeVerdict.WRONG,
    ),
    "an object equal to all": (
        "class E:\n    def __eq__(self, o): return True\ndef f(n): return E()",
        CodeVerdict.WRONG,
    ),
    "a list equal to all": (
        "class E(list):\n    def __eq__(self, o): return True\ndef f(n): return E()",
        CodeVerdict.WRONG,
    ),
    "words that lie": ("class E(int):\n    def __repr__(self): return '2'\ndef f(n): return E(0)", CodeVerdict.WRONG),
    "says the result itself": (
        "import os\ndef f(n):\n    for fd in range(3, 20):\n        try: os.write(fd, b'result 3')\n"
        "        except OSError: pass\n    return 7",
        CodeVerdict.WRONG,
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(sandbox, name):
    program, verdict = FUNCTIONS[name]
    assert grade_program(sandbox, CodeProblem((CodeTest("1", "2"),), "f"), program).verdict is verdict


def test_integers_have_as_many_digits_as_in_the_official_runner(sandbox):
    """50,000, on both sides, where Python's own limit is 4,300."""
    long, longer = "9" * 50_000, "9" * 50_001
    problem = CodeProblem((CodeTest(f"{long}\n", long),))
    assert grade_program(sandbox, problem, "print(int(input()))").verdict is CodeVerdict.OK
    assert grade_program(sandbox, problem, "print(int(input()) - 1)").verdict is CodeVerdict.WRONG
    beyond = CodeProblem((CodeTest(f"{longer}\n", longer),))
    assert grade_program(sandbox, beyond, "print(int(input()))").verdict is not CodeVerdict.OK
    method = CodeProblem((CodeTest(long, long),), "f")
    assert grade_program(sandbox, method, "def f(n): return n").verdict is CodeVerdict.OK
    assert grade_program(sandbox, method, "def f(n): return n - 1").verdict is CodeVerdict.WRONG
    assert grade_program(sandbox, method, "def f(n): return n * 10").verdict is not CodeVerdict.OK
    assert same_value(long.encode(), int(long[:4000]) * 10**46_000 + 1) is False


def test_tuples_below_the_top_are_not_lists(sandbox):
    problem = CodeProblem((CodeTest("1", "[[1, 2]]"),), "f")
    assert grade_program(sandbox, problem, "def f(n): return ([1, 2],)").verdict is CodeVerdict.OK
    assert grade_program(sandbox, problem, "def f(n): return [(1, 2)]").verdict is CodeVerdict.WRONG


def test_the_expected_output_is_nowhere_inside(sandbox):
    """It looks through frames, every object and its whole memory for a token that only the expected output holds."""
    hunter = textwrap.dedent("""
        import gc, os, re, sys
        half = "quite-"
        found = []
        frame = sys._getframe()
        while frame:
            found += [repr(v) for v in frame.f_locals.values() if half + "hidden" in repr(v)]
            frame = frame.f_back
        found += [repr(o) for o in gc.get_objects() if type(o) in (dict, list, tuple) and half + "hidden" in repr(o)]
        for line in open("/proc/self/maps"):
            match = re.match("([0-9a-f]+)-([0-9a-f]+) r", line)
            if match and "[v" not in line:
                start, end = (int(part, 16) for part in match.groups())
                with open("/proc/self/mem", "rb", 0) as memory:
                    memory.seek(start)
                    found += re.findall((half + r"hidden-\\d+").encode(), memory.read(end - start))
        print(len(found) and found[-1])
    """)
    for function, program in ((None, hunter), ("f", f"def f(n):\n{textwrap.indent(hunter, ' ')}\n return str(found)")):
        secret = CodeProblem((CodeTest("1", json.dumps("quite-hidden-7731")),), function)
        grade = grade_program(sandbox, secret, program)
        assert (grade.verdict, "7731" in grade.detail) == (CodeVerdict.WRONG, False), grade


def test_many_at_once(sandbox):
    """Runs in threads do not count for each other, not even when one of them uses all it may."""
    greedy = "import os, time\nfor _ in range(8):\n    if os.fork() == 0: time.sleep(0.5); os._exit(0)\n"
    greedy += "print(2 * int(input()))"
    limits = Limits(processes=12)
    with ThreadPoolExecutor(4) as pool:
        grades = list(pool.map(lambda _: grade_program(sandbox, DOUBLE, greedy, limits).verdict, range(8)))
    assert grades == [CodeVerdict.OK] * 8


REAL = Path(os.environ.get("DSAFE_DATA", "/nonexistent"), "livecodebench-v1-public", "lcb_v1_public_tests.jsonl")


def real_problems() -> dict[str, CodeProblem]:
    if not REAL.exists():
        pytest.skip("not run: DSAFE_DATA has no livecodebench-v1-public")
    found = {}
    for line in REAL.read_text().splitlines():
        row = json.loads(line)
        tests = tuple(CodeTest(t["input"], t["output"]) for t in json.loads(row["public_test_cases"]))
        found[row["question_id"]] = CodeProblem(tests, json.loads(row["metadata"]).get("func_name"))
    return found


def looked_up(problem: CodeProblem, shift: int) -> str:
    """A program that knows the answers: those of the tests, or of the tests `shift` further on."""
    outputs = [problem.tests[(n + shift) % len(problem.tests)].output for n in range(len(problem.tests))]
    if problem.function is None:
        table = {test.input: output for test, output in zip(problem.tests, outputs, strict=True)}
        return f"import sys\nsys.stdout.write({table!r}[sys.stdin.read()])"
    table = {
        json.dumps([json.loads(part) for part in test.input.split("\n")]): json.loads(output)
        for test, output in zip(problem.tests, outputs, strict=True)
    }
    body = f"        import json\n        return {table!r}[json.dumps(list(a))]"
    return f"class Solution:\n    def {problem.function}(self, *a):\n{body}"


@pytest.mark.slow
def test_real_problems_all_the_way_through(sandbox):
    """400 problems: known answers pass everywhere, and shifted ones fail wherever the tests differ."""
    problems = real_problems()
    assert len(problems) == 400
    for name, problem in problems.items():
        grade = grade_program(sandbox, problem, looked_up(problem, 0))
        assert grade.verdict is CodeVerdict.OK, (name, grade.verdict)
        outputs = [test.output for test in problem.tests]
        differ = next(
            (n for n in range(len(outputs)) if outputs[n].strip() != outputs[(n + 1) % len(outputs)].strip()), None
        )
        if differ is not None and len({test.input for test in problem.tests}) == len(outputs):
            grade = grade_program(sandbox, problem, looked_up(problem, 1))
            assert (grade.verdict, grade.passed) == (CodeVerdict.WRONG, differ), name
