"""A file and what it includes -> plain Python data, and where each value stands."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dsafe_runner.config.include import read_tree
from dsafe_runner.config.source import display
from dsafe_runner.config.tree import MAX_DEPTH, MAX_NODES, Node, Place
from dsafe_runner.errors import Mistake

__all__ = ["Document", "Loc", "Place", "read_document"]

Loc = tuple[str | int, ...]
"""Keys and indices from the top level down, as pydantic gives them."""


@dataclass
class Document:
    """Plain data (no ruamel types), its positions, and every mistake found so far.

    positions   loc -> place: of a scalar its own, of a mapping or list that of its key
    keys        loc -> place of its key
    bad         values a mistake has been reported about; nothing more needs to be said about them
    incomplete  mappings that lost a refused key; what they lack is not reported
    raw         values changed by the environment -> their text in the file, so that no secret is printed
    files       the file itself, then what it includes, in reading order
    sha256      of the bytes of `files`, one after the other
    """

    path: Path
    shown: str
    data: dict[str, Any] = field(default_factory=dict)
    positions: dict[Loc, Place] = field(default_factory=dict)
    keys: dict[Loc, Place] = field(default_factory=dict)
    bad: set[Loc] = field(default_factory=set)
    incomplete: set[Loc] = field(default_factory=set)
    raw: dict[Loc, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    sha256: str = ""
    mistakes: list[Mistake] = field(default_factory=list)
    readable: bool = False

    def where(self, loc: Loc) -> Place:
        """The place of a value, or of the nearest one around it."""
        while loc and loc not in self.positions:
            loc = loc[:-1]
        return self.positions.get(loc, Place(self.shown, 1, 1))


class _TooMuch(Exception):
    def __init__(self, place: Place, what: str) -> None:
        super().__init__(what)
        self.mistake = Mistake(*place, what, "repeat less")


def read_document(path: str | Path, environ: Mapping[str, str] = os.environ) -> Document:
    """Read a YAML file and what it includes. Never raises for what is in a file: see `Document.mistakes`.

    `readable` is False when there is no data at all to validate.
    """
    path = Path(path)
    document = Document(path, display(path))
    root, sources = read_tree(path, environ, document.mistakes)
    document.files = tuple(p for p, _ in sources)
    document.sha256 = hashlib.sha256(b"".join(data for _, data in sources)).hexdigest()
    if root is None:
        return document
    try:
        document.data = _Plain(document).mapping(root, (), 0)
        document.readable = True
    except _TooMuch as error:
        document.mistakes.append(error.mistake)
    return document


class _Plain:
    """Nodes -> plain data. Aliases are expanded here, so this is where a bomb would go off: values are counted."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.count = 0

    def value(self, node: Node, loc: Loc, key: Place | None, depth: int) -> Any:
        self.count += 1
        if self.count > MAX_NODES:
            raise _TooMuch(node.place, f"aliases expand to more than {MAX_NODES:,} values")
        if depth > MAX_DEPTH:
            raise _TooMuch(node.place, f"aliases nest more than {MAX_DEPTH} levels deep")
        document = self.document
        if key is not None:
            document.keys[loc] = key
        if node.bad:
            document.bad.add(loc)
        if node.raw is not None:
            document.raw[loc] = node.raw
        value = node.value
        container = isinstance(value, (dict, list)) or value is None
        document.positions[loc] = key if container and key is not None else node.place
        if isinstance(value, dict):
            return self.mapping(node, loc, depth)
        if isinstance(value, list):
            return [self.value(item, (*loc, index), None, depth + 1) for index, item in enumerate(value)]
        return value

    def mapping(self, node: Node, loc: Loc, depth: int) -> dict[str, Any]:
        if node.incomplete:
            self.document.incomplete.add(loc)
        return {key: self.value(child, (*loc, key), place, depth + 1) for key, (place, child) in node.pairs.items()}
