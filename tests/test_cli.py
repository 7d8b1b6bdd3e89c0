"""`dsafe` as its user meets it: what is printed, and the exit code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dsafe_runner.cli import main

BASE = Path(__file__).parents[1] / "recipes/tiny/models/base"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path / "data"))
    return tmp_path


def test_init_writes_a_suite_that_check_accepts(here, capsys):
    shutil.copytree(BASE, here / "mine")
    assert main(["init", "./mine", "--base", "Qwen/Qwen2.5-0.5B-Instruct"]) == 0
    assert "../mine" in (here / "suites/mine.safety.yaml").read_text()
    assert (here / "suites/.dsafe-suite.schema.json").is_file()
    assert main(["check", "suites/mine.safety.yaml", "--list"]) == 0
    assert "mine::" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["init", "./absent"], "./absent is not a folder"),
        (["init", "."], "holds no config.json"),
        (["init", "a/model", "--out", "x.yaml"], "named *.safety.yaml"),
        (["data", "fetch"], "name what to fetch: chisafetybench"),
        (["data", "fetch", "chisafetybench", "nothing"], "no data set 'nothing'"),
    ],
)
def test_usage_and_environment_are_4(capsys, arguments, said):
    assert main(arguments) == 4
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


def test_init_never_overwrites(here, capsys):
    (here / "x.safety.yaml").write_text("mine")
    assert main(["init", "a/model", "--out", "x.safety.yaml"]) == 4
    assert (here / "x.safety.yaml").read_text() == "mine"


def test_mistakes_of_all_files_are_2_and_name_their_place(here, capsys):
    for name in ("a", "b"):
        (here / f"{name}.safety.yaml").write_text(f"suite: {name}\n")
    assert main(["check", "a.safety.yaml", "b.safety.yaml"]) == 2
    said = capsys.readouterr().err
    assert "a.safety.yaml:1:1: " in said
    assert "b.safety.yaml:1:1: " in said


def test_measure_says_what_it_could_not_measure(here, capsys):
    (here / "x.safety.yaml").write_text("""\
suite: x
engines: {local: {backend: transformers, device: cpu}}
models:
  base: {path: ./absent, stage: base, engine: local}
benchmarks:
  mcq: {use: tiny/mcq}
thresholds:
  - {benchmark: mcq, metric: acc, model: base, min: 0.5}
""")
    assert main(["measure", "x.safety.yaml", "--model", "nobody"]) == 4
    assert main(["measure", "x.safety.yaml"]) == 4
    captured = capsys.readouterr()
    assert "not measured: base::mcq: base: " in captured.err
    (manifest,) = (here / "reports").glob("*-x/manifest.json")
    assert '"base::mcq"' in manifest.read_text()


def test_data_lists_every_benchmark_and_what_it_lacks(capsys):
    assert main(["data"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("starter/mcq ") and line.endswith(" ready") for line in lines)
    assert any(line.startswith("chisafetybench/mcq ") and "dsafe data fetch chisafetybench" in line for line in lines)


def test_version(capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--version"])
    assert capsys.readouterr().out.startswith("dsafe 0.")
