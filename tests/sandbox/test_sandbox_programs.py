"""Correct programs pass, however they read and write: the ways contest programs are written."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import os
import shutil
import textwrap

import pytest

from dsafe_runner.errors import UnavailableError
from dsafe_runner.sandbox import bubblewrap, prelude, system_calls
from dsafe_runner.sandbox.bubblewrap import Sandbox, probe
from dsafe_runner.sandbox.runs import MEBIBYTE, CodeVerdict, Limits

STDIN = "3\n1 2 3\n"

ADDS = {
    "input": "input()\nprint(sum(map(int, input().split())))",
    "read": "import sys\nprint(sum(map(int, sys.stdin.read().split()[1:])))",
    "readline": "import sys\nsys.stdin.readline()\nprint(sum(map(int, sys.stdin.readline().split())))",
    "readlines": "import sys\nprint(sum(map(int, sys.stdin.readlines()[1].split())))",
    "iteration": "import sys\nfor line in sys.stdin: last = line\nprint(sum(map(int, last.split())))",
    "from-sys": """
        from sys import stdin, stdout
        stdin.readline()
        stdout.write(str(sum(map(int, next(stdin).split()))))
        """,
    "input-is-readline": "import sys\ninput = sys.stdin.readline\ninput()\nprint(sum(map(int, input().split())))",
    "input-is-buffer": "import sys\ninput = sys.stdin.buffer.readline\ninput()\nprint(sum(map(int, input().split())))",
    "buffer-read": "import sys\nprint(sum(map(int, sys.stdin.buffer.read().split()[1:])))",
    "buffer-lines": "import sys\nprint(sum(map(int, list(sys.stdin.buffer)[1].split())))",
    "open-0": "data = open(0).read().split()\nprint(sum(map(int, data[1:])))",
    "open-0-bytes": "data = open(0, 'rb').read().split()\nprint(sum(map(int, data[1:])))",
    "dev-stdin": "print(sum(map(int, open('/dev/stdin').read().split()[1:])))",
    "os-read": "import os\nprint(sum(map(int, os.read(0, 10**6).split()[1:])))",
    "fstat": """
        import io, os
        f = io.BytesIO(os.read(0, os.fstat(0).st_size))
        f.readline()
        print(sum(map(int, f.readline().split())))
        """,
    "mmap": "import mmap\nm = mmap.mmap(0, 0, access=mmap.ACCESS_READ)\nprint(sum(map(int, m[:].split()[1:])))",
    "sys-stdin-replaced": """
        import io, sys
        sys.stdin = io.StringIO(sys.stdin.read())
        input()
        print(sum(map(int, input().split())))
        """,
    "end-of-file": """
        total = 0
        try:
            input()
            while True:
                total += sum(map(int, input().split()))
        except EOFError:
            print(total)
        """,
    "main-guard": """
        def main():
            input()
            print(sum(map(int, input().split())))
        if __name__ == "__main__":
            main()
        """,
    "exit": "input(); print(sum(map(int, input().split()))); exit()",
    "exit-in-function": "def f():\n    input(); print(sum(map(int, input().split()))); exit(0)\nf()\nprint('no')",
    "quit": "input(); print(sum(map(int, input().split()))); quit()\nprint('no')",
    "sys-exit": "import sys\ninput(); print(sum(map(int, input().split()))); sys.exit()",
    "exit-status": "import sys\ninput(); print(sum(map(int, input().split()))); sys.exit(1)",
    "os-exit": "import os, sys\ninput(); print(sum(map(int, input().split()))); sys.stdout.flush(); os._exit(0)",
    "stdout-write": "import sys\ninput(); sys.stdout.write(str(sum(map(int, input().split()))) + '\\n')",
    "stdout-buffer": "import sys\ninput(); sys.stdout.buffer.write(b'%d' % sum(map(int, input().split())))",
    "os-write": "import os\ninput(); os.write(1, b'%d' % sum(map(int, input().split())))",
    "open-1": "input()\nwith open(1, 'w') as out: print(sum(map(int, input().split())), file=out)",
    "atexit": "import atexit\ninput(); n = sum(map(int, input().split())); atexit.register(lambda: print(n))",
    "global": """
        total = 0
        def add(n):
            global total
            total += n
        input()
        for n in map(int, input().split()):
            add(n)
        print(total)
        """,
    "future": """
        from __future__ import annotations
        def f(x: Undefined) -> Nowhere:
            return x
        input(); print(f(sum(map(int, input().split()))))
        """,
    "no-future": """
        import typing
        def f(x: int) -> "int": return x
        if typing.get_type_hints(f) and f.__annotations__["x"] is int:
            input(); print(sum(map(int, input().split())))
        """,
    "thread": """
        import sys, threading
        sys.setrecursionlimit(10**6)
        threading.stack_size(1 << 26)
        def main():
            def down(n): return 0 if n == 0 else 1 + down(n - 1)
            input(); print(sum(map(int, input().split())) + down(20000) - 20000)
        thread = threading.Thread(target=main)
        thread.start()
        """,
    "recursion": """
        import sys
        sys.setrecursionlimit(10**6)
        def down(n): return 0 if n == 0 else 1 + down(n - 1)
        input(); print(sum(map(int, input().split())) + down(30000) - 30000)
        """,
    "cached-recursion": """
        from functools import lru_cache
        @lru_cache(None)
        def down(n): return 0 if n == 0 else 1 + down(n - 1)
        input(); print(sum(map(int, input().split())) + down(400) - 400)
        """,
    "dataclass": """
        from dataclasses import dataclass
        @dataclass(order=True)
        class Point:
            x: int = 0
        input(); print(sum(Point(int(n)).x for n in input().split()))
        """,
    "pickle-of-its-own-class": """
        import pickle
        class Box:
            def __init__(self, n): self.n = n
        input(); print(sum(pickle.loads(pickle.dumps(Box(int(n)))).n for n in input().split()))
        """,
    "pool": """
        from multiprocessing import Pool
        def same(n): return n
        if __name__ == "__main__":
            input()
            with Pool(2) as pool: print(sum(pool.map(same, map(int, input().split()))))
        """,
    "executor": """
        from concurrent.futures import ThreadPoolExecutor
        input()
        with ThreadPoolExecutor() as pool: print(sum(pool.map(int, input().split())))
        """,
    "asyncio": """
        import asyncio
        async def main():
            await asyncio.sleep(0)
            input(); print(sum(map(int, input().split())))
        asyncio.run(main())
        """,
    "temporary-file": """
        import tempfile
        input()
        with tempfile.TemporaryFile("w+") as file:
            file.write(input()); file.seek(0)
            print(sum(map(int, file.read().split())))
        """,
    "exec": "input(); exec('print(reduce(add, map(int, input().split())))')",
    "prelude": "input(); print(reduce(lambda a, b: a + b, deque(map(int, stdin.readline().split()))))",
    "prelude-modules": "input(); print(functools.reduce(operator.add, map(int, sys.stdin.readline().split())))",
    "prelude-shadowed": "count = count(3)\ninput(); print(sum(map(int, input().split())) + next(count) - 3)",
    "prelude-in-annotations": """
        def f(n: List[int]) -> Optional[int]:
            return sum(n)
        input(); print(f(list(map(int, input().split()))))
        """,
    "own-name-of-the-prelude": "S = input(); e = 1; sub = lambda t: t\nprint(sub(sum(map(int, input().split()))))",
    "crlf-output": "input(); print(sum(map(int, input().split())), end='\\r\\n')",
}


@pytest.mark.parametrize("name", ADDS)
def test_idioms(sandbox, name):
    run = sandbox.run(textwrap.dedent(ADDS[name]), STDIN.encode())
    assert (run.verdict, run.stdout.strip()) == (CodeVerdict.OK, b"6"), run


@pytest.mark.parametrize("name", ["input", "dev-stdin", "fstat", "thread", "pool", "temporary-file", "prelude", "exit"])
def test_idioms_under_an_ordinary_user(ordinary_user, name):
    run = ordinary_user.run(textwrap.dedent(ADDS[name]), STDIN.encode())
    assert (run.verdict, run.stdout.strip()) == (CodeVerdict.OK, b"6"), run


@pytest.mark.skipif(importlib.util.find_spec("numpy") is None, reason="not run: numpy is not installed")
def test_numpy_is_there(sandbox):
    run = sandbox.run("import numpy as np\nprint(int(np.array(open(0).read().split()[1:], int).sum()))", STDIN.encode())
    assert (run.verdict, run.stdout) == (CodeVerdict.OK, b"6\n"), run


def test_large_input_and_output_in_any_language(sandbox):
    text = "安全第一\n" * 200_000
    run = sandbox.run("import sys\nfor line in sys.stdin: print(line, end='')", text.encode())
    assert (run.verdict, run.stdout.decode()) == (CodeVerdict.OK, text)


def test_input_that_nobody_reads(sandbox):
    assert sandbox.run("print(1)", b"x" * (20 * MEBIBYTE)).verdict is CodeVerdict.OK


@pytest.mark.parametrize(
    ("program", "verdict", "said"),
    [
        ("", CodeVerdict.OK, ""),
        ("print(1", CodeVerdict.RUNTIME_ERROR, "SyntaxError"),
        ("a\0b", CodeVerdict.RUNTIME_ERROR, "null bytes"),
        ("x = '\ud800'\nprint(x)", CodeVerdict.RUNTIME_ERROR, ""),
        ("int(input())", CodeVerdict.RUNTIME_ERROR, "EOFError"),
        ("import os\nos._exit(4)", CodeVerdict.RUNTIME_ERROR, "status 4"),
        ("raise KeyboardInterrupt", CodeVerdict.RUNTIME_ERROR, "KeyboardInterrupt"),
        ("raise MemoryError", CodeVerdict.MEMORY, "MemoryError"),
        ("try:\n    bytes(1 << 40)\nexcept MemoryError:\n    print('caught')", CodeVerdict.OK, ""),
        ("print(undefined)", CodeVerdict.RUNTIME_ERROR, "NameError"),
        ("import torch", CodeVerdict.RUNTIME_ERROR, "No module named 'torch'"),
        ("raise ValueError('\\x1b[31m\\u202e' + 'x' * 1000)", CodeVerdict.RUNTIME_ERROR, "ValueError: [31mxxx"),
    ],
)
def test_how_programs_end(sandbox, program, verdict, said):
    run = sandbox.run(program)
    assert run.verdict is verdict, run
    assert said in run.detail
    assert len(run.detail) <= 200
    assert run.detail.isprintable()


def test_sets_have_the_same_order_every_time(sandbox):
    program = "print(set('abcdefghijklmnop'), hash('x'))"
    assert sandbox.run(program).stdout == sandbox.run(program).stdout


def test_limits_are_the_callers(sandbox):
    names = ["RLIMIT_AS", "RLIMIT_FSIZE", "RLIMIT_CPU", "RLIMIT_NPROC"]
    program = f"import resource\nfor n in {names}: print(resource.getrlimit(getattr(resource, n))[0])"
    limits = Limits(cpu_seconds=3, memory_bytes=512 * MEBIBYTE, file_bytes=MEBIBYTE, processes=9)
    numbers = [int(line) for line in sandbox.run(program, limits=limits).stdout.split()]
    assert numbers == [512 * MEBIBYTE, MEBIBYTE, 3, 9]


def test_a_sandbox_that_breaks_is_no_fault_of_the_program(sandbox, tmp_path, monkeypatch):
    assert sandbox.run("print(1)", limits=Limits(wall_seconds=0.0)).verdict is CodeVerdict.SANDBOX_ERROR
    works = tmp_path / "works"
    works.touch()
    (tmp_path / "bwrap").write_text(f'#!/bin/sh\ntest -e {works} && exec {shutil.which("bwrap")} "$@"\nexit 1\n')
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    breaking = Sandbox()
    assert breaking.run("print(1)").verdict is CodeVerdict.OK
    works.unlink()
    assert breaking.run("1 / 0").verdict is CodeVerdict.SANDBOX_ERROR
    (tmp_path / "bwrap").unlink()
    assert breaking.run("1 / 0").verdict is CodeVerdict.SANDBOX_ERROR


def test_probe_says_what_it_found(sandbox):
    found = probe()
    assert found.usable
    assert found.facts["sandbox"].startswith("bubblewrap ")
    assert found.facts["python"]


def test_probe_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert not probe().usable
    assert "apt-get install bubblewrap" in probe().why
    with pytest.raises(UnavailableError, match="bubblewrap is not installed"):
        Sandbox()


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1", "apparmor_restrict_unprivileged_userns"),
        ('echo "bwrap: Unknown option --perms" >&2; exit 1', "bubblewrap 0.7"),
        ("exit 0", "did not start"),
        ('while [ "$1" != -S ]; do last=$1; shift; done; exec "$last" "$@"', "bubblewrap cannot start here"),
    ],
)
def test_probe_believes_no_bubblewrap_that_does_not_contain(tmp_path, monkeypatch, says, told):
    """One that fails, one that does nothing, and one that runs the program bare."""
    fake = tmp_path / "bwrap"
    fake.write_text(f"#!/bin/sh\n{says}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = probe()
    assert not found.usable
    assert told in found.why
    assert "\n" not in found.why


def test_unknown_machines_are_refused():
    with pytest.raises(UnavailableError, match="riscv64"):
        system_calls.filter_program("riscv64")
    assert len(system_calls.filter_program("aarch64")) % 8 == 0


def test_lent_names_are_those_of_the_official_text():
    """Every name the official star imports would bind is lent, from where the last of them would take it."""
    space: dict = {}
    stars = "".join(f"from {module} import *\n" for module in prelude._STARRED)
    exec(stars + "".join(f"import {module}\n" for module in prelude._IMPORTED), space)
    lent = {}
    for line in prelude.lent_names().strip("\n").split("\n"):
        name, module, attribute = line.split(" ")
        found = importlib.import_module(module)
        lent[name] = getattr(found, attribute) if attribute else found
    official = {name for name in space if not hasattr(builtins, name) and name != "__builtins__"}
    assert set(lent) == official
    assert [name for name in official if lent[name] is not space[name]] == []
    assert bubblewrap.RECURSION_LIMIT == 50_000
