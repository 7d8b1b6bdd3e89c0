"""`dsafe init --suite | --recipe | --list`: every suite and recipe of the package works where it is written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dsafe_runner.cli import main
from dsafe_runner.suite.load import load_suite
from dsafe_runner.training.recipe import load_recipe

ROOT = Path(__file__).parents[2]
SUITES = sorted(
    path.relative_to(ROOT / "suites").as_posix().removesuffix(".safety.yaml")
    for path in (ROOT / "suites").rglob("*.safety.yaml")
)
RECIPES = sorted(
    path.relative_to(ROOT / "recipes").as_posix().removesuffix(".yaml").removesuffix("/sft")
    for path in (ROOT / "recipes").glob("*/*.yaml")
)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_is_whole_where_it_is_written(here, name, capsys):
    assert main(["init", "--suite", name]) == 0
    path = Path(f"suites/{name}.safety.yaml")
    assert f"dsafe check {path}" in capsys.readouterr().out
    loaded = load_suite(path)
    assert loaded.suite.thresholds == load_suite(ROOT / path).suite.thresholds
    schema = path.read_text().splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / schema).is_file()


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_whole_where_it_is_written(here, name):
    assert main(["init", "--recipe", name]) == 0
    path = next(path for path in (Path(f"recipes/{name}/sft.yaml"), Path(f"recipes/{name}.yaml")) if path.is_file())
    recipe = load_recipe(path).value
    if (start := recipe.start.path) is not None and start.startswith("."):
        assert (path.parent / start / "model.safetensors").is_file()


def test_what_the_package_cannot_hold_is_said(capsys):
    assert main(["init", "--suite", "r1-distill/qwen-7b"]) == 0
    said = capsys.readouterr().out
    assert "model base: Qwen/Qwen2.5-Math-7B-Instruct, from the hub" in said
    assert "model safe: ../../out/DeepSeek-R1-Distill-Qwen-7B-Safe, a folder of yours" in said
    assert "engine fleet: a server at http://127.0.0.1:8000/v1" in said
    assert "benchmark mcq: " in said
    assert "dsafe data fetch chisafetybench" in said


def test_the_tiny_suite_needs_nothing_else(capsys):
    assert main(["init", "--suite", "tiny"]) == 0
    assert "not in the package" not in capsys.readouterr().out
    assert Path("recipes/tiny/models/safe/model.safetensors").is_file()


def test_a_part_is_written_for_a_suite_to_include(capsys):
    assert main(["init", "--suite", "fragments/xstest"]) == 0
    assert "include: xstest.fragment.yaml" in capsys.readouterr().out
    assert Path("suites/fragments/xstest.fragment.yaml").is_file()


def test_the_list_has_every_name(capsys):
    assert main(["init", "--list"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert {(row[0], row[1]) for row in rows} >= {
        *(("--suite", name) for name in SUITES),
        *(("--recipe", name) for name in RECIPES),
    }
    assert all(len(row) > 2 for row in rows), "each says what it is"


def test_what_is_there_stays_and_nothing_is_half_written(here, capsys):
    mine = here / "recipes/data/benign.jsonl"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine\n")
    assert main(["init", "--recipe", "qwen-7b"]) == 4
    assert "recipes/data/benign.jsonl is there already and differs" in capsys.readouterr().err
    assert mine.read_text() == "mine\n"
    assert [path for path in (here / "recipes").rglob("*") if path.is_file()] == [mine]
    mine.unlink()
    # files that two recipes share are no obstacle, and writing one again changes nothing
    for name in ("qwen-7b", "qwen-14b", "qwen-7b"):
        assert main(["init", "--recipe", name]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--suite", "tinny"], "there is no suite 'tinny' in this package; did you mean 'tiny'?"),
        (["--recipe", "xyz"], "`dsafe init --list` names them"),
        (["--suite", "../tests"], "there is no suite '../tests'"),
        (["--suite", "tiny", "--out", "x.safety.yaml"], "--out is for a model of yours"),
    ],
)
def test_usage(arguments, said, capsys):
    assert main(["init", *arguments]) == 4
    assert said in capsys.readouterr().err


def test_a_checkout_is_not_written_over(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert main(["init", "--suite", "tiny"]) == 4
    assert "this is the checkout it comes from" in capsys.readouterr().err


@pytest.mark.slow
def test_the_wheel_alone_does_what_the_docs_say(tmp_path):
    """The script of `make wheel-check`, with the dependencies of this environment instead of downloads."""
    site = next(path for path in sys.path if path.endswith("site-packages") and (Path(path) / "torch").is_dir())
    done = subprocess.run(
        [ROOT / ".ci/wheel-check"],
        env={**os.environ, "PYTHON": sys.executable, "WHEEL_CHECK_SITE": site, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("wheel-check: ok\n")
    assert "34 passed, 14 waived" in done.stdout
