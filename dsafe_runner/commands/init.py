"""`dsafe init`: a working suite for a model of the user's."""

from __future__ import annotations

import argparse
import re
from importlib.resources import as_file, files
from pathlib import Path

from dsafe_runner.engines.thinking_format import format_of
from dsafe_runner.errors import UsageError
from dsafe_runner.files import write_atomically
from dsafe_runner.suite.load import load_suite
from dsafe_runner.suite.template import render_suite


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What stands after `dsafe init`."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("model", nargs="?", help="a checkpoint folder or a hub id")
    what.add_argument("--suite", metavar="NAME", help="write a suite of the package, with what it includes and needs")
    what.add_argument("--recipe", metavar="NAME", help="write a training recipe of the package, with its data")
    what.add_argument("--list", action="store_true", help="name the suites and recipes of the package")
    parser.add_argument("--base", metavar="MODEL", help="the model it must not fall behind")
    parser.add_argument(
        "--reasoning",
        choices=["deepseek-r1", "qwen3", "harmony", "mistral", "none"],
        help="the format of its thinking; unless said, what its chat template and tokenizer show",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: suites/<name>.safety.yaml")


def run(arguments: argparse.Namespace) -> int:
    """0 fine; errors as `dsafe_runner.errors` says."""
    if arguments.model is not None:
        path = write_suite(arguments.model, base=arguments.base, reasoning=arguments.reasoning, out=arguments.out)
        print(f"wrote {path}\ncheck it:   dsafe check {path}\nrun it:     pytest {path}")
        return 0
    for option in ("base", "reasoning", "out"):
        if getattr(arguments, option) is not None:
            raise UsageError(f"--{option} is for a model of yours; what the package brings is written as it is")
    from dsafe_runner.commands.templates import list_templates, write_template

    if arguments.list:
        return list_templates()
    kind = "suite" if arguments.suite is not None else "recipe"
    return write_template(kind, arguments.suite or arguments.recipe or "")


def write_suite(model: str, *, base: str | None, reasoning: str | None, out: Path | None) -> Path:
    """Write a suite file, and beside it the schema that editors check it with.

    reasoning  the format of the model's thinking; unless said, what its chat template and tokenizer show

    Raises:
        UsageError: a file of that name is there already, or a folder given as a model is no checkpoint.
        ConfigError: the written suite does not load (it always should).
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(model).name).strip("-._") or "model"
    path = out or Path("suites") / f"{name}.safety.yaml"
    if path.exists():
        raise UsageError(f"{path} is there already; remove it or choose another name with --out")
    if not path.name.endswith(".safety.yaml"):
        raise UsageError(f"{path}: pytest only finds suites named *.safety.yaml; choose such a name")
    folder = path.resolve().parent
    schema = folder / ".dsafe-suite.schema.json"
    text = render_suite(
        _as_written(model, folder),
        name,
        reasoning=reasoning or format_of(model),
        base=_as_written(base, folder) if base else None,
        base_reasoning=format_of(base) if base else None,
        schema=f"./{schema.name}",
    )
    with as_file(files("dsafe_runner.suite") / "suite.schema.json") as source:
        write_atomically(schema, source.read_text(encoding="utf-8"))
    write_atomically(path, text)
    load_suite(path)
    return path


def _as_written(model: str, folder: Path) -> str:
    """A folder as the suite spells it (absolute, or relative to the suite), a hub id as it is."""
    here = Path(model).expanduser()
    if here.is_dir():
        if not (here / "config.json").is_file():
            raise UsageError(f"{model} holds no config.json, so it is no checkpoint; name the folder that does")
        resolved = here.resolve()
        if resolved.is_relative_to(folder.parent):
            return "../" + resolved.relative_to(folder.parent).as_posix()
        return str(resolved)
    if here.is_file():
        raise UsageError(f"{model} is a file; name a checkpoint's folder or a hub id")
    if model.startswith((".", "/", "~")):
        raise UsageError(f"{model} is not a folder")
    return model
