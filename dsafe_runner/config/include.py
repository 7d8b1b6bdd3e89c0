"""`include:` at the top level: several files become one tree.

Mappings of the same top-level key are joined key by key (a key in both is an error that names both places), lists are
put one after the other, what is included first. A file reached twice counts once, so two fragments may share a third.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dsafe_runner.config.source import MAX_BYTES, SourceError, decode, display, read_bytes
from dsafe_runner.config.tree import Node, Place, compose
from dsafe_runner.config.words import printable, quoted, shown
from dsafe_runner.errors import Mistake

MAX_FILES = 100
_KEY = "include"


def read_tree(
    path: Path, environ: Mapping[str, str], mistakes: list[Mistake]
) -> tuple[Node | None, list[tuple[Path, bytes]]]:
    """The joined tree of a file and its includes, and the bytes of each file read. Mistakes are appended."""
    reader = _Reader(environ, mistakes)
    return reader.read(path, None), reader.sources


@dataclass
class _Reader:
    environ: Mapping[str, str]
    mistakes: list[Mistake]
    sources: list[tuple[Path, bytes]] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    stack: list[tuple[str, str, Place | None]] = field(default_factory=list)  # real path, shown path, include place

    def read(self, path: Path, place: Place | None) -> Node | None:
        """The tree of one file, its includes joined in. `place`: of the include that asks for it."""
        name = display(path)
        try:
            real = os.path.realpath(path)
        except (ValueError, OSError):  # a NUL in the path; reading will say so
            real = str(path)
        self.done.add(real)
        self.stack.append((real, name, place))
        try:
            data = read_bytes(path, MAX_BYTES - sum(len(d) for _, d in self.sources))
            self.sources.append((path, data))
            text = decode(data)
        except SourceError as error:
            # trouble with the file itself is reported where the file was asked for
            if error.line == 0 and place is not None:
                self.mistakes.append(Mistake(*place, f"include: {name}: {error.what}", error.todo))
            else:
                self.mistakes.append(error.mistake(name))
            return None
        else:
            root = compose(text, name, self.environ, self.mistakes)
            return None if root is None else self.joined(root, path)
        finally:
            self.stack.pop()

    def joined(self, root: Node, path: Path) -> Node:
        """The root with everything it includes."""
        if _KEY not in root.pairs:
            return root
        _, wanted = root.value.pop(_KEY)
        whole = Node(root.place, {})
        for node in self.wanted(wanted):
            part = self.included(node, path)
            if part is not None:
                self.join(whole, part)
            else:
                root.incomplete = True
        self.join(whole, root)
        return whole

    def wanted(self, include: Node) -> list[Node]:
        """The nodes that name files."""
        nodes: list[Node] = include.value if isinstance(include.value, list) else [include]
        names: list[Node] = []
        for node in nodes:
            if node.bad:
                continue
            if isinstance(node.value, str) and node.value:
                names.append(node)
            else:
                what = f"include: {shown(node.value)} is not a file name"
                self.mistakes.append(Mistake(*node.place, what, "write a path, or a list of paths"))
        return names

    def included(self, node: Node, including: Path) -> Node | None:
        """The tree of an included file; None when there is nothing to join."""
        path = including.parent / Path(os.path.expanduser(node.value))
        try:
            real = os.path.realpath(path)
        except (ValueError, OSError):
            self.mistakes.append(Mistake(*node.place, f"include: {quoted(node.value)} is not a path", "check it"))
            return None
        chain = [entry[0] for entry in self.stack]
        if real in chain:
            self.cycle(chain.index(real), node)
            return None
        if real in self.done:
            return Node(node.place, {})
        if len(self.done) >= MAX_FILES:
            self.mistakes.append(Mistake(*node.place, f"more than {MAX_FILES} files included", "join some of them"))
            return None
        return self.read(path, node.place)

    def cycle(self, start: int, node: Node) -> None:
        """Report that `node` includes a file that is being read, naming every include line of the circle."""
        steps = [place for _, _, place in self.stack[start + 1 :] if place is not None] + [node.place]
        lines = " -> ".join(f"{place.file}:{place.line}" for place in steps)
        target = self.stack[start][1]
        what = f"include: {target} includes itself ({lines})"
        self.mistakes.append(Mistake(*node.place, what, "remove one of these lines"))

    def join(self, whole: Node, part: Node) -> None:
        """Put `part`'s top-level keys into `whole`."""
        whole.incomplete = whole.incomplete or part.incomplete
        for key, (place, node) in part.pairs.items():
            if key not in whole.value:
                whole.value[key] = (place, node)
                continue
            first, there = whole.value[key]
            if isinstance(there.value, dict) and isinstance(node.value, dict):
                whole.value[key] = (first, self.both(key, there, node))
            elif isinstance(there.value, list) and isinstance(node.value, list):
                whole.value[key] = (first, Node(there.place, there.value + node.value, there.bad or node.bad))
            else:
                self.duplicate(key, place, first)

    def both(self, section: str, one: Node, two: Node) -> Node:
        """Two mappings as one."""
        pairs = dict(one.value)
        for key, (place, node) in two.value.items():
            if key in pairs:
                self.duplicate(f"{section}.{key}", place, pairs[key][0])
            else:
                pairs[key] = (place, node)
        return Node(one.place, pairs, one.bad or two.bad, one.incomplete or two.incomplete)

    def duplicate(self, key: str, place: Place, first: Place) -> None:
        what = f'duplicate key "{printable(key)}", first in {first.file}:{first.line}'
        self.mistakes.append(Mistake(*place, what, "remove one of the two"))
