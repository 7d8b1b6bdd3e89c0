"""Suites that no run would see: each is an error that names the file, unless the command line leaves it out.

Also what looks like a part of a suite and is part of none: another YAML file under suites/ that no suite names, a
fragment with thresholds that nothing includes, a link to nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from dsafe_runner.pytest_plugin.exit_status import may_be_absent
from dsafe_runner.pytest_plugin.nodes import shown
from dsafe_runner.pytest_plugin.walk import Found, folders_of, identity, ignored_by_option, walk

SEEN: pytest.StashKey[set[tuple[str, str]]] = pytest.StashKey()
"""Identities of the suites that pytest has made nodes of."""

_SUITE = (".safety.yaml", ".safety.yml")
_FRAGMENT = (".fragment.yaml", ".fragment.yml")
_YAML = (".yaml", ".yml")


def is_suite_name(config: pytest.Config, name: str) -> bool:
    """Would pytest run a file of this name? `dsafe_suites` says so, of YAML files."""
    return name.endswith(_YAML) and any(fnmatch(name, pattern) for pattern in config.getini("dsafe_suites"))


def means_a_suite(config: pytest.Config, name: str) -> bool:
    """Is this name meant for a suite, whether or not pytest would run it?"""
    return name.casefold().endswith(_SUITE) or any(fnmatch(name, pattern) for pattern in config.getini("dsafe_suites"))


def require_plain_patterns(config: pytest.Config) -> None:
    """`dsafe_suites` are patterns of names; one with a folder would match nothing.

    Raises:
        UsageError: naming the pattern and files that it was meant for.
    """
    for pattern in config.getini("dsafe_suites"):
        if "/" not in pattern and "\\" not in pattern:
            continue
        meant = pattern.replace("\\", "/").lstrip("/")
        try:
            files = [shown(path) for path in sorted(config.rootpath.glob(meant))[:3]]
        except (ValueError, OSError, NotImplementedError):
            files = []
        name = meant.rsplit("/", 1)[-1] or "*.safety.yaml"
        raise pytest.UsageError(
            f"{config.inipath or 'dsafe_suites'}: dsafe_suites: {pattern!r} names a folder, and patterns are compared "
            f"with file names only, so {', '.join(files) or 'nothing'} would never be run by it; write {name!r}"
        )


@dataclass
class Survey:
    """What lies in the folders that pytest was asked to look into.

    errors  file -> what is wrong with it
    told    what is left out with leave, a line each
    """

    errors: dict[Path, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)


def survey(config: pytest.Config, session: pytest.Session | None) -> Survey:
    """Look through the folders; without a session nothing is known of what pytest has seen, and it is not asked."""
    made = Survey()
    seen = config.stash[SEEN] if session is not None else None
    parts = _Parts(config, session)
    known: set[tuple[str, str]] = set()
    for top in folders_of(config, session):
        for found in walk(top, ignored_by_option(config), lambda name: _wanted(config, name)):
            if identity(found.path) in known:
                continue
            known.add(identity(found.path))
            if found.ignored:
                if means_a_suite(config, found.path.name):
                    made.told.append(f"left out by --ignore: {shown(found.path)}")
            elif why := _wrong(config, found, seen, parts):
                if not found.dangling and _is_fragment(found.path) and (pattern := may_be_absent(config, found.path)):
                    made.told.append(f"NOT GATED, allowed by dsafe_may_be_absent ({pattern}): {shown(found.path)}")
                else:
                    made.errors[found.path] = f"{shown(found.path)}:1:1: {why}"
    for nodeid in config.getoption("deselect", None) or ():
        if is_suite_name(config, Path(nodeid.split("::", 1)[0]).name):
            made.told.append(f"left out by --deselect: {nodeid}")
    return made


def report_unseen(session: pytest.Session) -> None:
    """Make a collection error of each file that no run would see."""
    for path, text in survey(session.config, session).errors.items():
        root = session.config.rootpath
        nodeid = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
        report = pytest.CollectReport(nodeid, "failed", text, [])
        session.config.hook.pytest_collectreport(report=report)


def _wanted(config: pytest.Config, name: str) -> bool:
    return name.casefold().endswith(_YAML) or means_a_suite(config, name)


def _is_fragment(path: Path) -> bool:
    return path.name.casefold().endswith(_FRAGMENT)


def under_suites(config: pytest.Config, path: Path) -> bool:
    """Is there a folder `suites` above it? The root counts: `cd suites && pytest` makes suites/ itself the root."""
    root = config.rootpath
    above = (root.name, *path.relative_to(root).parts[:-1]) if path.is_relative_to(root) else path.parts[:-1]
    return "suites" in (part.casefold() for part in above)


def _wrong(config: pytest.Config, found: Found, seen: set[tuple[str, str]] | None, parts: _Parts) -> str | None:
    """What is wrong with a file, or None."""
    path, inside = found.path, under_suites(config, found.path)
    suite = means_a_suite(config, path.name)
    if found.closed:
        return "this folder cannot be read, so nobody knows what gates lie in it; make it readable" if inside else None
    if found.dangling:
        # a link to a folder may have led to suites
        if suite or _is_fragment(path) or (inside and not parts.name(path)):
            return "a link to nothing: what it led to is not gated; mend or remove it"
        return None
    if suite:
        return _unseen(config, path) if seen is not None and identity(path) not in seen else None
    if _is_fragment(path):
        return parts.wrong_with(path, inside)
    return stray(path) if inside and not parts.name(path) else None


def _unseen(config: pytest.Config, path: Path) -> str:
    if not is_suite_name(config, path.name):
        return f"no run would see this suite: its name does not match `dsafe_suites`; {_rename(path)}"
    return (
        "pytest does not look into its folder (hidden, `norecursedirs` such as dist and build, or a conftest), so this "
        "suite would never be run; move it, or leave it out in the open with --ignore"
    )


def stray(path: Path) -> str:
    """What is wrong with a YAML file under suites/ that is neither a suite nor named by one."""
    return (
        "a YAML file under suites/ that no pattern of `dsafe_suites` matches and no suite names would never be run; "
        + _rename(path)
    )


def _rename(path: Path) -> str:
    stem = path.name
    for ending in (*_SUITE, *_FRAGMENT, *_YAML):
        if stem.casefold().endswith(ending):
            stem = stem[: -len(ending)]
            break
    return f"rename it to {stem}.safety.yaml, or to {stem}.fragment.yaml if it is only included"


class _Parts:
    """What the suites of a project include and name, read when it is first asked for."""

    def __init__(self, config: pytest.Config, session: pytest.Session | None) -> None:
        self.config = config
        self.session = session
        self.documents: dict[Path, Any] = {}

    def name(self, path: Path) -> bool:
        """Does a suite name this file, or a folder around it?"""
        real = os.path.realpath(path)
        plain = os.path.join(os.path.realpath(path.parent), path.name)
        return any(
            at in (real, plain) or plain.startswith(at + os.sep) for suite in self._suites for at in self._named(suite)
        )

    def wrong_with(self, fragment: Path, inside: bool) -> str | None:
        """What is wrong with a fragment: thresholds of it that no suite takes in."""
        if os.path.realpath(fragment) in self._included:
            return None
        document = self._document(fragment)
        if not document.readable:
            return "nothing includes this fragment, and it cannot be read; mend or remove it" if inside else None
        if "thresholds" not in document.data:
            return None
        if "suite" in document.data:
            stem = fragment.name[: -len(".fragment.yaml")].rstrip(".")
            return f"a whole suite under the name of a fragment would never be run; rename it to {stem}.safety.yaml"
        return "no suite includes this fragment, so its thresholds hold for nothing; include it, or remove it"

    @cached_property
    def _suites(self) -> list[Path]:
        """All suites below the root, of the folders pytest looks into, and of each suites/ around those."""
        tops = [self.config.rootpath, *folders_of(self.config, self.session)]
        tops += [above for top in tops for above in top.parents if above.name.casefold() == "suites"]
        found = {
            identity(found.path): found.path
            for top in dict.fromkeys(tops)
            for found in walk(top, lambda path: False, lambda name: means_a_suite(self.config, name))
            if not found.dangling and not found.closed
        }
        return list(found.values())

    @cached_property
    def _included(self) -> set[str]:
        return {os.path.realpath(file) for suite in self._suites for file in self._document(suite).files}

    def _document(self, path: Path) -> Any:
        if path not in self.documents:
            from dsafe_runner.config import read_document

            self.documents[path] = read_document(path, os.environ)
        return self.documents[path]

    def _named(self, suite: Path) -> Iterator[str]:
        """Places that the texts of a suite lead to, its own folder and those around it left out."""
        own = os.path.realpath(suite.parent)
        for text in _texts(self._document(suite).data):
            if len(text) < 1024 and "\n" not in text and "\0" not in text:
                at = os.path.realpath(os.path.join(own, os.path.expanduser(text)))
                if not f"{own}{os.sep}".startswith(at.rstrip(os.sep) + os.sep):
                    yield at


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
