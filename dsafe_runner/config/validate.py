"""Plain data -> a pydantic model, or every mistake in plain words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from dsafe_runner.config.document import Document, Loc, read_document
from dsafe_runner.config.tree import Place
from dsafe_runner.config.wording import Wording
from dsafe_runner.errors import ConfigError, Mistake

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Loaded(Generic[M]):
    """A file that has been read and is right: its model, where its values stand, which files it came from."""

    value: M
    path: Path
    positions: dict[Loc, Place]
    files: tuple[Path, ...]
    sha256: str


@dataclass(frozen=True)
class Validated(Generic[M]):
    """`value` is None when there are mistakes; `bad` holds the places they are about."""

    value: M | None
    mistakes: list[Mistake]
    bad: set[Loc]


def load_yaml(path: str | Path, model: type[M], environ: Mapping[str, str] = os.environ) -> Loaded[M]:
    """Read and validate a YAML file. `model` should be strict and forbid extra keys.

    Raises ConfigError with all mistakes of the file and of what it includes.
    """
    document = read_document(path, environ)
    checked = validate(document, model)
    if checked.value is None or document.mistakes or checked.mistakes:
        raise ConfigError([*document.mistakes, *checked.mistakes])
    return Loaded(checked.value, document.path, document.positions, document.files, document.sha256)


def validate(document: Document, model: type[M]) -> Validated[M]:
    """Validate a document's data. What its own mistakes already say is not said again."""
    if not document.readable:
        return Validated(None, [], set())
    try:
        return Validated(model.model_validate(document.data), [], set())
    except ValidationError as error:
        found = error.errors(include_url=False)
    except (RecursionError, OverflowError) as error:  # numbers and nesting are bounded, so this is a belt to the braces
        where = document.where(())
        return Validated(None, [Mistake(*where, f"the file cannot be validated ({type(error).__name__})")], set())
    wording = Wording(document, model)
    mistakes = wording.mistakes([dict(e) for e in found])
    return Validated(None, mistakes, wording.bad)
