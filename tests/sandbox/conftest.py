"""The sandbox under both kinds of user: whoever runs the tests, and, where that is root, an ordinary user too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

import dsafe_runner
from dsafe_runner.errors import UnavailableError
from dsafe_runner.sandbox.bubblewrap import Sandbox
from dsafe_runner.sandbox.runs import CodeVerdict, Limits, Run

ORDINARY = 61_500
"""A uid that is nobody's."""

Runner = Callable[..., Run]


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    try:
        return Sandbox()
    except UnavailableError as error:
        pytest.skip(f"not run: {error}")


class OrdinaryUser:
    """A Sandbox in a process of another user, by way of an interpreter that user can reach."""

    def __init__(self, home: Path) -> None:
        source = Path(dsafe_runner.__file__).parent
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source / "sandbox", home / "dsafe_runner" / "sandbox", ignore=ignore)
        for name in ("__init__.py", "errors.py"):
            shutil.copy(source / name, home / "dsafe_runner" / name)
        shutil.copy(Path(__file__).with_name("ordinary_user.py"), home)
        subprocess.run(["chmod", "-R", "a+rX", home], check=True)
        self._process = subprocess.Popen(
            [interpreter_for_everyone(), str(home / "ordinary_user.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
            text=True,
            user=ORDINARY,
            group=ORDINARY,
            extra_groups=[],
            env={"PATH": "/usr/bin:/bin"},
        )

    def run(self, program: str, stdin: bytes = b"", limits: Limits | None = None) -> Run:
        question = {"program": program, "stdin": stdin.decode(), "limits": asdict(limits or Limits())}
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "unavailable" in answer:
            pytest.skip(f"not run: {answer['unavailable']}")
        return Run(CodeVerdict(answer["verdict"]), answer["stdout"].encode(), None, answer["detail"])

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(30)


def interpreter_for_everyone() -> str:
    """A Python 3.11 or newer that users who are not root can start."""
    for name in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        test = "import sys; sys.exit(sys.version_info < (3, 11))"
        try:
            done = subprocess.run(
                [name, "-c", test], user=ORDINARY, group=ORDINARY, extra_groups=[], cwd="/", capture_output=True
            )
        except OSError:
            continue
        if done.returncode == 0:
            return name
    pytest.skip("not run: no Python 3.11 here that an ordinary user could start")


@pytest.fixture(scope="session")
def ordinary_user():
    if os.getuid() != 0:
        pytest.skip("not run: only root can become another user; the tests themselves run as an ordinary one")
    home = Path(tempfile.mkdtemp(prefix="dsafe-ordinary-"))
    try:
        user = OrdinaryUser(home)
        yield user
        user.close()
    finally:
        shutil.rmtree(home)


@pytest.fixture(params=["whoever", "ordinary"])
def run(request, sandbox) -> Runner:
    """Runs a program as whoever we are, and as an ordinary user."""
    if request.param == "whoever":
        return sandbox.run
    return request.getfixturevalue("ordinary_user").run
