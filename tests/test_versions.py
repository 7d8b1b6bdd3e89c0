"""Versions are told once: what pyproject.toml allows, what constraints pin, what the linters before a commit are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(package): version for package, version in pairs}


def bounds(requirements: list[str]) -> dict[str, str]:
    """Package -> the lower bound that is asked for."""
    found = {}
    for text in requirements:
        wanted = Requirement(text)
        lower = [part.version for part in wanted.specifier if part.operator == ">="]
        if canonicalize_name(wanted.name) != "dsafe-runner":
            found[canonicalize_name(wanted.name)] = lower[0]
    return found


def test_the_oldest_versions_are_the_lower_bounds():
    oldest = pins("constraints-oldest.txt")
    # digits that are not written are zeros
    asked = bounds(PROJECT["dependencies"] + EXTRAS["math"] + EXTRAS["dev"])
    assert {name: version for name, version in oldest.items() if name in asked} == {
        name: version + ".0" * (oldest.get(name, "").count(".") - version.count(".")) for name, version in asked.items()
    }


@pytest.mark.parametrize("extra", [None, "train", "math", "dev"])
def test_the_pinned_versions_are_allowed(extra):
    pinned = pins("constraints.txt")
    for text in PROJECT["dependencies"] if extra is None else EXTRAS[extra]:
        wanted = Requirement(text)
        if canonicalize_name(wanted.name) != "dsafe-runner":
            assert wanted.specifier.contains(pinned[canonicalize_name(wanted.name)]), text


def test_hooks_before_a_commit_have_the_pinned_linters():
    pinned = pins("constraints.txt")
    config = YAML(typ="safe", pure=True).load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = {hook["id"]: hook for repository in config["repos"] for hook in repository["hooks"]}
    for name in ("ruff-check", "ruff-format"):
        assert hooks[name]["additional_dependencies"] == [f"ruff=={pinned['ruff']}"]
    # mypy runs in the environment that make sets up from constraints.txt, so there is no second version of it
    assert hooks["mypy"]["entry"] == "make types"
    assert "mypy" in pinned
    assert not re.search(r"mypy==", (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))


def test_the_workflow_runs_every_python_that_is_promised():
    workflow = YAML(typ="safe", pure=True).load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    promised = [
        found[1] for line in PROJECT["classifiers"] if (found := re.search(r"Python :: (3\.\d+)$", line)) is not None
    ]
    assert matrix["python"] == promised
    for constraints in {*matrix["constraints"], *(row["constraints"] for row in matrix["include"])}:
        assert Path(constraints).is_absolute() or (ROOT / constraints).is_file()
