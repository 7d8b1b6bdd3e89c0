"""docs/exit-codes.md: every verb is run, as a process of its own, to every exit code that its row has."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "recorded"))

from scenarios import ALL

import dsafe_runner
import dsafe_runner.errors as tree
from dsafe_runner.benchmarks.registry import open_benchmark
from dsafe_runner.benchmarks.tc260.bank import STANDARDS
from dsafe_runner.cli import VERBS
from dsafe_runner.errors import ConfigError, DsafeError, ExitCode

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/exit-codes.md"
WHO = "--reason known --owner li --permanent"
# in order, each in the folder of its scenario: what one command leaves is what the next one needs
SAVED = "baseline save new.json --run {run} --model"
RUNS = {
    "sheet": [
        ("sheet suites/demo.safety.yaml", 4),
        ("measure suites/demo.safety.yaml", 0),
        ("sheet suites/demo.safety.yaml", 0),
        ("sheet bad.safety.yaml", 2),
        ("measure suites/demo.safety.yaml --model nobody", 4),
        ("measure bad.safety.yaml", 2),
    ],
    "judge-verb": [
        ("judge suites/demo.safety.yaml", 0),
        ("judge suites/demo.safety.yaml --judge nobody", 4),
        ("judge suites/demo.safety.yaml --replies bad.jsonl", 2),
        ("check suites/demo.safety.yaml", 0),
        ("check bad.safety.yaml", 2),
        ("check suites/demo.safety.yaml --plan --store suites", 4),
    ],
    "baseline-drops": [
        ("measure suites/plain/plain.safety.yaml", 0),
        (f"{SAVED} safe", 0),
        (f"{SAVED} safe", 4),
        ("baseline save base.json --run {run} --model base", 0),
        ("baseline diff new.json new.json", 0),
        ("baseline diff new.json base.json", 1),
        ("baseline show bad.json", 2),
    ],
    "waive": [
        ("pytest suites/demo.safety.yaml -q", 1),
        (f'waive "safe::mcq/overall[acc-min]" {WHO} --suite suites/demo.safety.yaml', 0),
        (f"waive safe::nothing {WHO} --suite suites/demo.safety.yaml", 4),
        (f"waive safe::* {WHO} --run damaged --suite suites/demo.safety.yaml", 2),
    ],
    "overlap": [
        ("init --list", 0),
        ("init ./absent", 4),
        ("data", 0),
        ("data bank full.jsonl", 0),
        ("data bank open.jsonl", 1),
        ("data bank bad.jsonl", 2),
        ("data fetch nothing", 4),
        ("overlap clean.jsonl --suite starter.safety.yaml", 0),
        ("overlap taken.jsonl --suite starter.safety.yaml", 1),
        ("overlap bad.jsonl --suite starter.safety.yaml", 2),
        ("overlap clean.jsonl --suite absent-data.safety.yaml", 4),
        ("train {recipe} --plan --gpus 8 --gpu-memory 80", 0),
        ("train {recipe} --plan --gpus 8 --gpu-memory 1", 1),
        ("train bad.yaml --plan", 2),
        ("train {recipe} --plan --gpus many", 4),
        ("doctor", 0),
    ],
}
STARTER = """\
suite: starter
engines: {cpu: {backend: transformers}}
models: {safe: {path: ./m, engine: cpu}}
judges: {rules: {kind: rules}}
benchmarks:
  benign: {use: starter/benign, judge: rules}
thresholds:
  - {benchmark: benign, metric: refusal-rate, model: safe, max: 0.5}
"""


def lines(*rows: object) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def bank() -> list[dict[str, str]]:
    wanted = STANDARDS["tc260/benign"]
    labels = [label for label, floor in wanted.floors.items() for _ in range(floor)]
    labels += [list(wanted.floors)[n % len(wanted.floors)] for n in range(wanted.total - len(labels))]
    today = time.strftime("%Y-%m-%d")
    return [
        {"id": f"q{n}", "kind": wanted.kind, "question": f"第{n}个问题？", "aspect": label, "date": today}
        for n, label in enumerate(labels)
    ]


def folder_of(name: str, folder: Path) -> Path:
    scenario = next(one for one in ALL if one.name == name)
    row = {"messages": [{"role": "user", "content": "阳台上的番茄苗叶子发黄，怎么办？"}], "answer": "少浇水。"}
    asked = open_benchmark("starter/benign").samples()[5].messages[-1].content
    files = {
        **scenario.files,
        "bad.safety.yaml": "suite: [",
        "bad.yaml": "recipe: [",
        "bad.json": "{]",
        "bad.jsonl": "no row\n",
        "damaged/verdicts.json": "[]",
        "full.jsonl": lines(*bank()),
        "open.jsonl": lines(*bank()[:20]),
        "starter.safety.yaml": STARTER,
        "absent-data.safety.yaml": STARTER.replace("use: starter/benign", "use: xstest/safe"),
        "clean.jsonl": lines(row),
        "taken.jsonl": lines({**row, "messages": [{"role": "user", "content": asked}]}),
    }
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    return folder


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "DSAFE_DATA": str(folder / "data"), "HF_HUB_OFFLINE": "1", "CI": ""}


def ended(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    newest = max(folder.glob("reports/*"), default=Path("none"))
    words = shlex.split(line.replace("{run}", str(newest)).replace("{recipe}", str(ROOT / "recipes/qwen-7b/sft.yaml")))
    plugin = ["-m", "pytest", "-p", "dsafe_runner.plugin", *words[1:]]
    command = plugin if words[0] == "pytest" else ["-m", "dsafe_runner", *words]
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=120
    )


def table() -> set[tuple[str, int]]:
    """(verb, exit code) of every cell of the page that is none of `-`."""
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [verb for verb, _ in rows] == list(VERBS)
    return {
        (verb, code)
        for verb, row in rows
        for code, cell in zip((0, 1, 2, 4), row.split(" | "), strict=True)
        if cell != "-"
    }


def test_every_cell_of_the_table_is_run():
    assert {(line.split()[0], code) for each in RUNS.values() for line, code in each} - {("pytest", 1)} == table()


@pytest.mark.parametrize("name", RUNS)
def test_verbs_end_as_the_table_says(name, tmp_path):
    folder = folder_of(name, tmp_path)
    for line, code in RUNS[name]:
        done = ended(line, folder)
        assert done.returncode == code, f"{line}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
        assert "Traceback" not in done.stderr
        # what is wrong is said where a script that reads the output does not trip over it
        assert code in (0, 1) or done.stderr.strip()


def test_a_bug_is_3_with_a_traceback_and_where_to_turn(tmp_path):
    (tmp_path / "broken.py").write_text("def add_arguments(parser): ...\ndef run(arguments): return {}['key']\n")
    program = (
        "import sys, broken, dsafe_runner.cli as cli\ncli.VERBS['broken'] = 'a verb with a bug'\n"
        "sys.modules['dsafe_runner.commands.broken'] = broken\nsys.exit(cli.main(['broken']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True
    )
    assert done.returncode == 3
    assert "KeyError: 'key'" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("dsafe: this is a bug of dsafe; please report it")


@pytest.mark.parametrize("words", [["data"], ["--help"], ["check", "starter.safety.yaml", "--list"]])
@pytest.mark.parametrize("to", ["a reader that is gone", "a full disk", "nothing"])
def test_output_that_nobody_takes_is_no_traceback(words, to, tmp_path):
    folder = folder_of("overlap", tmp_path)
    place = {"a full disk": ">/dev/full", "nothing": ">&-"}.get(to, "| true")
    command = f"set -o pipefail; sleep 0 | {shlex.join([sys.executable, '-m', 'dsafe_runner', *words])} {place}"
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment(folder), capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    if words == ["--help"] and to == "a full disk":
        return  # argparse swallows what goes wrong with its own texts
    # a pipe takes what fits before its reader is gone
    assert done.returncode in ({"a full disk": (4,), "nothing": (0,)}.get(to, (0, 4)))
    assert ("standard output cannot be written" in done.stderr or "No space left" in done.stderr) == (
        to == "a full disk"
    )


def test_names_that_the_terminal_cannot_show_are_no_traceback(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "dsafe_runner", "check", "缺.safety.yaml"],
        cwd=tmp_path,
        env={**environment(tmp_path), "PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert re.fullmatch(r"[ -~]+\.safety\.yaml:1:1: there is no such file; check the path\n", done.stderr)
    assert "\\u7f3a" in done.stderr or "\\udce7" in done.stderr  # as Python decoded the argument


def test_ctrl_c_is_2_and_a_line(tmp_path):
    """The pipe that stands for a suite never ends, so the verb waits for it."""
    os.mkfifo(tmp_path / "rows.jsonl")
    (tmp_path / "starter.safety.yaml").write_text(STARTER)
    process = subprocess.Popen(
        [sys.executable, "-m", "dsafe_runner", "overlap", "rows.jsonl", "--suite", "starter.safety.yaml"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
        restore_signals=True,
    )
    with (tmp_path / "rows.jsonl").open("w"):  # returns when the verb has opened it
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said == "dsafe: interrupted; what was measured is stored\n"


def test_the_docstring_is_the_tree():
    drawn = re.findall(r"[├└]── (\w+) +\S", tree.__doc__ or "")
    raised = [kind for kind in vars(tree).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    # a module may derive one of its own, which never leaves it
    assert [kind.__name__ for kind in raised if kind is not DsafeError] == drawn
    assert all(kind.__bases__ == (DsafeError,) for kind in raised if kind is not DsafeError)
    assert all(getattr(dsafe_runner, kind.__name__) is kind for kind in (*raised, ExitCode))


def test_no_error_ends_with_the_code_of_findings():
    codes = {kind.__name__: kind.exit_code for kind in DsafeError.__subclasses__()}
    assert {name for name, code in codes.items() if code is ExitCode.MISTAKES} == {"ConfigError", "DataError"}
    assert set(codes.values()) == {ExitCode.MISTAKES, ExitCode.ENVIRONMENT}
    assert ConfigError([]).exit_code is ExitCode.MISTAKES
