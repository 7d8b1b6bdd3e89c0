"""A suite file -> LoadedSuite, or every mistake in it at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from dsafe_runner.config import Document, read_document, validate
from dsafe_runner.errors import ConfigError
from dsafe_runner.suite.names import PACKAGE, Catalogue, Draft, name_mistakes
from dsafe_runner.suite.spec import BenchmarkUse, LoadedSuite, Model, Suite, Threshold, Waiver
from dsafe_runner.suite.waivers import from_environment

B = TypeVar("B", bound=BaseModel)


def load_suite(
    path: str | Path, environ: Mapping[str, str] = os.environ, *, catalogue: Catalogue = PACKAGE
) -> LoadedSuite:
    """Read a suite and what it includes, validate it, and check its names against what the benchmarks offer.

    catalogue  what the benchmarks offer; the package's own ones unless given

    Raises ConfigError with every mistake of every file involved. `sha256` of the result is of the bytes of the file,
    followed by those of the files it includes.
    """
    document = read_document(path, environ)
    checked = validate(document, Suite)
    mistakes = [*document.mistakes, *checked.mistakes]
    # where a whole file is missing from the tree, every name it would have defined would look unknown
    if document.readable and () not in document.incomplete:
        draft = _draft(document, checked.bad | document.bad)
        mistakes += name_mistakes(draft, catalogue, lambda *loc: document.where(loc))
    mistakes += from_environment(document.raw, lambda *loc: document.where(loc))
    if mistakes or checked.value is None:
        raise ConfigError(mistakes)
    positions: dict[tuple[Any, ...], tuple[str, int, int]] = {
        loc: (place.file, place.line, place.column) for loc, place in document.positions.items()
    }
    return LoadedSuite(checked.value, document.path, positions, document.sha256)


def _draft(document: Document, bad: set[tuple[str | int, ...]]) -> Draft:
    """The entries that validate by themselves; the others are None, and a section that is no mapping is None too."""
    data = document.data

    def entry(model: type[B], value: Any, *loc: str | int) -> B | None:
        if any(place[: len(loc)] == loc for place in bad):
            return None
        try:
            return model.model_validate(value)
        except ValidationError:
            return None

    def names(section: str, absent: dict[str, Any] | None = None) -> dict[str, Any] | None:
        found = data.get(section, absent)
        return found if isinstance(found, dict) and (section,) not in document.incomplete else None

    def entries(section: str, model: type[B]) -> dict[str, B | None] | None:
        found = names(section)
        return None if found is None else {name: entry(model, value, section, name) for name, value in found.items()}

    def items(section: str, model: type[B]) -> dict[int, B | None]:
        found = data.get(section, [])
        rows = found if isinstance(found, list) else []
        return {index: entry(model, value, section, index) for index, value in enumerate(rows)}

    engines, judges, baselines = names("engines"), names("judges", {}), names("baselines", {})
    return Draft(
        folder=document.path.parent,
        engines=None if engines is None else frozenset(engines),
        models=entries("models", Model),
        judges=None if judges is None else frozenset(judges),
        baselines=None if baselines is None else frozenset(baselines),
        benchmarks=entries("benchmarks", BenchmarkUse),
        thresholds=items("thresholds", Threshold),
        waivers=items("waivers", Waiver),
    )
