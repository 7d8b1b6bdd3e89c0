"""Every file below a folder that could be a suite or a part of one, also where pytest does not go.

pytest leaves out hidden folders, `dist`, `build` and whatever `norecursedirs` and conftests say; a suite that lies
there would be a gate nobody runs. Not walked are places that hold other people's files: virtual environments, installed
packages, version control, nested repositories, and the run folders of this package.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

_ELSEWHERE = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".bzr",
        "_darcs",
        "CVS",
        ".jj",
        "site-packages",
        "dist-packages",
        "node_modules",
        "__pycache__",
        ".dsafe",
    }
)
_RUN_FOLDER = re.compile(r"\d{8}T\d{6}")
_RUN_FILES = {"run.json", "manifest.json", "events.jsonl"}


@dataclass(frozen=True, slots=True)
class Found:
    """A file, or a folder that cannot be read.

    ignored   the command line says `--ignore` or `--ignore-glob` of it
    dangling  it is a link to nothing
    closed    it is a folder that cannot be read
    """

    path: Path
    ignored: bool = False
    dangling: bool = False
    closed: bool = False


def walk(top: Path, ignored: Callable[[Path], bool], wanted: Callable[[str], bool]) -> Iterator[Found]:
    """The wanted files below a folder, by name; links to nothing and closed folders, whatever they are called.

    Links to folders are followed, each folder once.
    """
    todo = [(top, ignored(top))]
    done: set[tuple[str, bool]] = set()
    while todo:
        folder, left_out = todo.pop()
        if (place := (os.path.realpath(folder), left_out)) in done:
            continue
        done.add(place)
        try:
            with os.scandir(folder) as entries:
                inside = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            yield Found(folder, left_out, closed=True)
            continue
        if folder != top and _belongs_elsewhere(folder.name, {entry.name for entry in inside}):
            continue
        for entry in inside:
            path = folder / entry.name
            out = left_out or ignored(path)
            if _is_folder(entry):
                if entry.name not in _ELSEWHERE:
                    todo.append((path, out))
            elif not os.path.exists(path):
                yield Found(path, out, dangling=True)
            elif wanted(entry.name):
                yield Found(path, out)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _belongs_elsewhere(name: str, inside: set[str]) -> bool:
    """A virtual environment, a repository of its own, or what a run has left."""
    if "pyvenv.cfg" in inside or "conda-meta" in inside or ".git" in inside:
        return True
    return bool(_RUN_FOLDER.match(name) and inside & _RUN_FILES)


def ignored_by_option(config: pytest.Config) -> Callable[[Path], bool]:
    """Tells what `--ignore` and `--ignore-glob` leave out; what a conftest leaves out is nobody's word on the day."""
    base = config.invocation_params.dir
    paths = {os.path.abspath(base / str(path)) for path in config.getoption("ignore", None) or ()}
    globs = [os.path.abspath(base / str(glob)) for glob in config.getoption("ignore_glob", None) or ()]
    return lambda path: str(path) in paths or any(fnmatch(str(path), glob) for glob in globs)


def folders_of(config: pytest.Config, session: pytest.Session | None = None) -> list[Path]:
    """The folders that pytest was asked to look into, of the command line or of `testpaths`."""
    base = config.invocation_params.dir
    asked = [Path(os.path.abspath(base / str(arg).split("::", 1)[0])) for arg in config.args]
    # --pyargs: pytest alone knows where a package lies
    asked += sorted(getattr(session, "_initialpaths", ()))
    return [path for path in dict.fromkeys(asked) if path.is_dir()]


def identity(path: Path) -> tuple[str, str]:
    """What tells two files apart. A link to a suite is a suite of its own: the files it names lie beside the link."""
    return os.path.realpath(path.parent), path.name
