"""`dsafe init --suite | --recipe | --list`: the product's own suites and recipes, as files of the user's.

In the wheel they lie in `dsafe_runner/templates/`, in a checkout beside the package. One is written with everything in
the package that it names (what it includes, models, data), at the same places below the working folder, since it names
them by relative paths.
"""

from __future__ import annotations

import difflib
import re
import shutil
from collections.abc import Iterable, Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import dsafe_runner
from dsafe_runner.config import read_document
from dsafe_runner.errors import UnavailableError, UsageError
from dsafe_runner.files import write_atomically, writing
from dsafe_runner.plan import make_plan
from dsafe_runner.suite.load import load_suite
from dsafe_runner.training.recipe import load_recipe

_SUITE, _PART = ".safety.yaml", ".fragment.yaml"
_MODELINE = re.compile(r"^# yaml-language-server: \$schema=\S*/(suite|recipe)\.schema\.json$", re.MULTILINE)
_SCHEMAS = {"suite": "dsafe_runner.suite", "recipe": "dsafe_runner.training"}


def list_templates() -> int:
    """A line per suite, part of a suite, and recipe: its name and how its own description begins."""
    root = _root()
    for option, found in (("--suite", _suites(root)), ("--recipe", _recipes(root))):
        for name, path in found.items():
            part = "to be included: " if path.name.endswith(_PART) else ""
            print(f"{option:8} {name:30} {part}{_about(path)}")
    return 0


def write_template(kind: str, name: str) -> int:
    """Write a `suite` (or a part of one) or a `recipe` and what it names; say what it needs besides.

    Raises:
        UsageError: there is none of that name, or a file of it is there already and differs.
    """
    root = _root()
    path = _write(root, _named(name, _suites(root) if kind == "suite" else _recipes(root), kind))
    print(f"wrote {path}, and what it names")
    if kind == "recipe":
        load_recipe(path)
        print(f"what it needs:   dsafe train {path} --plan\ntrain:           dsafe train {path}")
    elif path.name.endswith(_PART):
        print(f"a part of a suite: say `include: {path.name}` in a suite beside it")
    else:
        for need in _needs(path):
            print(f"not in the package: {need}")
        print(f"check it:   dsafe check {path}\nrun it:     pytest {path}")
    return 0


def _needs(path: Path) -> Iterator[str]:
    """What a written suite names that no package can hold: one line each."""
    plan = make_plan(load_suite(path))
    suite = plan.loaded.suite
    for name, model in suite.models.items():
        if not model.path.startswith((".", "/", "~")):
            yield f"model {name}: {model.path}, from the hub"
        elif not (path.parent / Path(model.path).expanduser()).exists():
            yield f"model {name}: {model.path}, a folder of yours"
    for name, engine in suite.engines.items():
        if engine.backend == "openai":
            yield f"engine {name}: a server at {', '.join(engine.base_urls)}"
    for name, benchmark in plan.benchmarks.items():
        try:
            benchmark.samples()
        except UnavailableError as error:
            yield f"benchmark {name}: {error}"


def _root() -> Path:
    """The folder that holds `suites` and `recipes`."""
    package = Path(dsafe_runner.__file__).resolve().parent
    for root in (package / "templates", package.parent):
        if (root / "suites").is_dir() and (root / "recipes").is_dir():
            return root
    raise UnavailableError("this installation of dsafe has no templates; install the wheel, or work in a checkout")


def _suites(root: Path) -> dict[str, Path]:
    found = {}
    for suffix in (_SUITE, _PART):
        for path in sorted((root / "suites").rglob(f"*{suffix}")):
            found[path.relative_to(root / "suites").as_posix().removesuffix(suffix)] = path
    return found


def _recipes(root: Path) -> dict[str, Path]:
    """`<folder>` for its sft.yaml, `<folder>/<name>` for any other."""
    found = {}
    for path in sorted((root / "recipes").glob("*/*.yaml")):
        name = path.relative_to(root / "recipes").as_posix().removesuffix(".yaml")
        found[name.removesuffix("/sft")] = path
    return found


def _named(name: str, found: dict[str, Path], kind: str) -> Path:
    if name not in found:
        close = difflib.get_close_matches(name, found, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "`dsafe init --list` names them"
        raise UsageError(f"there is no {kind} {name!r} in this package; {hint}")
    return found[name]


def _about(path: Path) -> str:
    """The first sentence of a file's opening comment, as far as its line goes."""
    lines = path.read_text(encoding="utf-8").splitlines()
    said = next((line for line in lines if line.startswith("# ") and not _MODELINE.match(line)), "# ")
    first, _, _ = said[2:].partition(". ")
    return first.rstrip(".:;,")


def _write(root: Path, template: Path) -> Path:
    """Every file at its place, or none: what is there and differs is not touched."""
    here = Path.cwd()
    written = template.relative_to(root)
    if root == here.resolve():
        raise UsageError(f"{written} is here already: this is the checkout it comes from")
    wanted: dict[Path, str | Path] = {}
    for path in sorted(_needed(root, template)):
        target = here / path.relative_to(root)
        wanted[target] = path
        if path.suffix == ".yaml":
            wanted |= _with_schema(target, path.read_text(encoding="utf-8"))
    for target, content in wanted.items():
        same = content.read_bytes() if isinstance(content, Path) else content.encode()
        if target.exists() and not (target.is_file() and target.read_bytes() == same):
            shown = target.relative_to(here)
            raise UsageError(f"{shown} is there already and differs; move it away, or work in another folder")
    for target, content in wanted.items():
        if isinstance(content, str):
            write_atomically(target, content)
        else:
            with writing(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(content, target)
    return written


def _needed(root: Path, template: Path) -> set[Path]:
    """The template, what it includes, and every file or folder of the package that it names."""
    document = read_document(template, {})
    needed = {template, *(path.resolve() for path in document.files)}
    for text in _strings(document.data):
        path = (template.parent / text).resolve()
        if not path.exists() or not path.is_relative_to(root) or path in (root, template.parent):
            continue
        # the plan of a recipe proposes the other DeepSpeed files beside its own
        whole = path.parent if path.parent.name == "deepspeed" else path
        needed |= {file for file in whole.rglob("*") if file.is_file()} if whole.is_dir() else {path}
    return needed


def _strings(data: Any) -> Iterator[str]:
    """Every text that could be a relative path."""
    if isinstance(data, str):
        if "/" in data:
            yield data
    elif isinstance(data, dict | list):
        inner: Iterable[Any] = data.values() if isinstance(data, dict) else data
        for value in inner:
            yield from _strings(value)


def _with_schema(target: Path, text: str) -> dict[Path, str | Path]:
    """A YAML file's text, and the schema that editors check it with beside it."""
    found = _MODELINE.search(text)
    if found is None:
        return {}
    schema = target.parent / f".dsafe-{found[1]}.schema.json"
    with as_file(files(_SCHEMAS[found[1]]) / f"{found[1]}.schema.json") as source:
        content = source.read_text(encoding="utf-8")
    return {target: _MODELINE.sub(f"# yaml-language-server: $schema=./{schema.name}", text), schema: content}
