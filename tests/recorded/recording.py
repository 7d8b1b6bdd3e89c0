"""Runs a scenario and says what came of it: exit codes, ids, verdicts and mistakes, without times and places."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import re
import shlex
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scenarios import ALL, Scenario

import dsafe_runner

EXPECTED = Path(__file__).parent / "expected"
_ROOT = Path(__file__).parents[2]
_TELLS = re.compile(
    r"^\S+:\d+:\d+: |^(?:ERROR|FAILED|INCONCLUSIVE|WAIVED|dsafe|PASS|NOT GATED|E  )|\d+ checks?: | collected| item"
)
_PASSING = re.compile(r"\d+/\d+ responses|^(?:FAILED|ERROR) \S+\.ya?ml::")
"""Progress depends on the hour, and pytest cuts the lines of its summary at the width of the terminal."""
_NEVER = (
    "versions",
    "seconds",
    "started",
    "python",
    "platform",
    "dsafe",
    "rules_sha256",
    "drawn",
    "responses_per_second",
)
_LIGHT = tuple(f"dsafe_runner.{room}" for room in ("runner", "report", "suite", "plan", "verdicts"))


def run(scenario: Scenario, folder: Path) -> list[dict[str, Any]]:
    """What each command of a scenario gives, in a folder that is empty at the start."""
    for name, content in scenario.files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    return [_command(line, folder, scenario) for line in scenario.commands]


def _command(line: str, folder: Path, scenario: Scenario) -> dict[str, Any]:
    before = set(folder.glob("reports/*"))
    newest = max(before, default=Path("none"), key=lambda path: path.name)
    program, *arguments = shlex.split(line.replace("{run}", str(newest.relative_to(folder)) if before else "none"))
    code, text = _in_a_child(program, arguments, folder, scenario.env)
    folders = sorted(set(folder.glob("reports/*")) - before)
    lines = [row for row in text.splitlines() if not _PASSING.search(row)]
    told = sorted({_plain(row, folder) for row in lines if _TELLS.search(row) or program == "dsafe"})
    return {
        "command": line,
        "exit": code,
        "told": told,
        "verdicts": [_json(path / "verdicts.json", folder) for path in folders if (path / "verdicts.json").exists()],
        "manifests": [_json(path / "manifest.json", folder) for path in folders if (path / "manifest.json").exists()],
    }


def _in_a_child(program: str, arguments: list[str], folder: Path, env: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and output of a command in a fork of this process, which has imported everything already."""
    output = folder / ".output"
    child = os.fork()
    if not child:
        code = 70
        try:
            os.chdir(folder)
            os.environ.update({"PYTHONPATH": str(_ROOT), "CI": "", "NO_COLOR": "1", "COLUMNS": "140", **env})
            with output.open("wb") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            code = _main(program, arguments)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    text = output.read_text(encoding="utf-8")
    output.unlink()
    return code, text


def _main(program: str, arguments: list[str]) -> int:
    import pytest

    from dsafe_runner.cli import main

    try:
        if program == "pytest":
            quick = ["--assert=plain", "-p", "no:hypothesispytest", "-p", "no:randomly"]
            return int(pytest.main(["-p", "dsafe_runner.plugin", *quick, *arguments]))
        return main(arguments)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1


def serve() -> None:
    """Run the scenarios that standard input names, each with the folder to use, and print where the result lies.

    In a process of its own: forking is for a process without threads.
    """
    _import_everything()
    by_name = {scenario.name: scenario for scenario in ALL}
    for line in sys.stdin:
        name, folder = json.loads(line)
        place = Path(folder).resolve()
        found = text_of(run(by_name[name], place))
        (place / ".found.json").write_text(found, encoding="utf-8")
        print(json.dumps(name), flush=True)


def _import_everything() -> None:
    """What the commands would import, so that a fork has it."""
    for module in pkgutil.walk_packages(dsafe_runner.__path__, "dsafe_runner."):
        if module.name.startswith(_LIGHT):
            importlib.import_module(module.name)


def _json(path: Path, folder: Path) -> Any:
    return json.loads(_plain(path.read_text(encoding="utf-8"), folder), object_hook=_lasting)


def _lasting(fields: dict[str, Any]) -> dict[str, Any]:
    fields = {key: value for key, value in fields.items() if key not in _NEVER}
    # a stored baseline holds when it was made
    return {
        key: value
        for key, value in fields.items()
        if key != "sha256" or not str(fields.get("path")).endswith("old.json")
    }


def _plain(text: str, folder: Path) -> str:
    text = text.replace(str(folder), "<root>")
    text = re.sub(r"old\.json: base, sha256 [0-9a-f]+", "old.json: base", text)
    text = re.sub(r"\d{8}T\d{6}\.\d+Z", "<time>", text)
    return re.sub(r"in \d+\.\d+s(?: \([\d:]+\))?|\d+\.\d+ ?s\b|\d+\.\d/s", "<seconds>", text)


def record(only: list[str]) -> None:
    """Write what is so now: `python tests/recorded/recording.py [NAME ...]`."""
    _import_everything()
    EXPECTED.mkdir(exist_ok=True)
    for scenario in ALL:
        if only and scenario.name not in only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            found = run(scenario, Path(folder).resolve())
        (EXPECTED / f"{scenario.name}.json").write_text(text_of(found), encoding="utf-8")
        print(scenario.name, [step["exit"] for step in found], flush=True)


def text_of(found: list[dict[str, Any]]) -> str:
    """The spelling that is compared byte by byte."""
    return json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        record(sys.argv[1:])
