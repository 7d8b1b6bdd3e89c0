"""YAML text -> nodes that know their place.

Built from ruamel's parser events rather than its round-trip objects: the same marks, but no ruamel scalar can leak (one
in a test report kills an xdist run), every duplicate key is found instead of the first, tags are seen before anything
acts on them, and nesting is bounded before ruamel's quadratic scanner feels it (100,000 brackets: 220 s).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from dsafe_runner.config.scalars import ScalarError, plain_text, resolve, substitute
from dsafe_runner.config.syntax import explain
from dsafe_runner.config.words import printable, quoted, shown
from dsafe_runner.errors import Mistake

MAX_DEPTH = 40
MAX_NODES = 100_000
"""Values in one file, aliases expanded. A 2,000-line suite has about 8,000."""


class Place(NamedTuple):
    """Where a value stands; line and column count from 1."""

    file: str
    line: int
    column: int


@dataclass(slots=True)
class Node:
    """A value and its place.

    value       a scalar, list[Node], or dict[str, (place of the key, Node)]
    bad         a Mistake about this very value has been reported: say nothing more about it
    incomplete  a mapping some key of which was refused: do not report keys as missing
    raw         the text before environment substitution, when that changed it
    """

    place: Place
    value: Any
    bad: bool = False
    incomplete: bool = False
    raw: str | None = None

    @property
    def pairs(self) -> dict[str, tuple[Place, Node]]:
        """The entries of a mapping; none for anything else."""
        return self.value if isinstance(self.value, dict) else {}


class _Stop(Exception):
    """Nothing after this point can be read."""


@dataclass
class _Composer:
    """One file's events -> nodes. Mistakes are collected, and reading goes on wherever it can."""

    file: str
    events: Iterator[Any]
    environ: Mapping[str, str]
    mistakes: list[Mistake]
    anchors: dict[str, Node | None] = field(default_factory=dict)
    nodes: int = 0
    last: Place = field(default_factory=lambda: Place("", 1, 1))

    def report(self, place: Place, what: str, todo: str) -> None:
        self.mistakes.append(Mistake(*place, printable(what), printable(todo)))

    def place(self, event: Any) -> Place:
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def document(self) -> Node | None:
        root: Node | None = None
        seen = False
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                if seen:
                    self.report(self.place(event), "a second document starts here", "keep one document per file")
                    raise _Stop
                seen = True
                if event.tags or event.version not in (None, (1, 2)):
                    self.report(Place(self.file, 1, 1), "%YAML and %TAG lines are not supported", "remove the line")
                root = self.node(next(self.events), 0)
        return root

    def node(self, event: Any, depth: int) -> Node:
        place = self.last = self.place(event)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.report(place, f"more than {MAX_NODES:,} values in one file", "split the file")
            raise _Stop
        if depth > MAX_DEPTH:
            self.report(place, f"nested more than {MAX_DEPTH} levels deep", "flatten it")
            raise _Stop
        if isinstance(event, AliasEvent):
            return self.alias(event, place)
        anchor = event.anchor
        if anchor:
            self.anchors[anchor] = None  # not finished: an alias inside itself is refused
        tagged = event.ctag is not None
        if tagged:
            self.report(place, f"tags such as {shown(str(event.ctag))} are not supported", "remove the tag")
        if isinstance(event, ScalarEvent):
            node = self.scalar(event, place)
        elif isinstance(event, SequenceStartEvent):
            node = Node(place, list(self.items(depth)))
        else:
            node = Node(place, {})
            self.fill(node, depth)
        node.bad = node.bad or tagged
        if anchor:
            self.anchors[anchor] = node
        return node

    def alias(self, event: Any, place: Place) -> Node:
        name = event.anchor
        target = self.anchors.get(name)
        if target is not None:
            return dataclasses.replace(target, place=place)
        if name in self.anchors:
            self.report(place, f"*{name} stands inside the value it repeats", "remove it")
        else:
            what = f"*{name} repeats an anchor that is not above it"
            self.report(place, what, f"write &{name} before the value to repeat")
        return Node(place, None, bad=True)

    def scalar(self, event: Any, place: Place) -> Node:
        text = event.value
        try:
            value = substitute(text, self.environ) if "${" in text or event.style else resolve(text)
            if isinstance(value, str) and not plain_text(value):
                raise ScalarError("a text with control characters in it", "write it without escapes such as \\0 or \\e")
        except ScalarError as error:
            self.report(place, error.what, error.todo)
            return Node(place, text, bad=True)
        return Node(place, value, raw=text if isinstance(value, str) and value != text else None)

    def items(self, depth: int) -> Iterator[Node]:
        for event in self.events:
            if isinstance(event, SequenceEndEvent):
                return
            node = self.node(event, depth + 1)
            if _is_empty(event):
                self.report(node.place, "an empty list item", "write a value or remove the line")
                node.bad = True
            yield node

    def fill(self, node: Node, depth: int) -> None:
        """Read the entries of a mapping up to its end."""
        for event in self.events:
            if isinstance(event, MappingEndEvent):
                return
            place = self.place(event)
            key = self.key(event, depth)
            value_event = next(self.events)
            empty = _is_empty(value_event)
            value = self.node(value_event, depth + 1)
            if key is None:
                node.incomplete = True
            elif key in node.value:
                first = node.value[key][0].line
                self.report(place, f"duplicate key {quoted(key)}, first on line {first}", "remove one of the two")
            else:
                if empty:
                    self.report(place, f"{quoted(key)} is empty", "write a value or remove the key")
                    value.bad = True
                node.value[key] = (place, value)

    def key(self, event: Any, depth: int) -> str | None:
        """The text of a key; None when it is refused."""
        place = self.place(event)
        if not isinstance(event, ScalarEvent) or event.ctag is not None:
            self.node(event, depth + 1)
            if isinstance(event, ScalarEvent):  # its tag has just been reported
                return None
            kind = "an alias" if isinstance(event, AliasEvent) else "a list or mapping"
            self.report(place, f"{kind} as a key", "write plain text before the colon")
            return None
        text: str = event.value
        if event.anchor:
            self.anchors[event.anchor] = Node(place, text)
        if event.style:
            return text
        if text == "<<":
            todo = "write the keys out, so that each limit can be read in its place"
            self.report(place, "merge keys (<<) are not supported", todo)
            return None
        try:
            value = resolve(text)
        except ScalarError:
            value = 0
        if isinstance(value, str):
            return text
        what = "an empty key" if text == "" else f"the key {text} is not text"
        self.report(place, what, "write text before the colon" if text == "" else f'put it in quotes: "{text}"')
        return None


def _is_empty(event: Any) -> bool:
    """Nothing was written, not even `null` or quotes."""
    return isinstance(event, ScalarEvent) and event.value == "" and not event.style and event.ctag is None


def compose(text: str, file: str, environ: Mapping[str, str], mistakes: list[Mistake]) -> Node | None:
    """The tree of one YAML document; None when nothing could be built. Mistakes are appended to `mistakes`.

    file  the name mistakes and places carry
    """
    events = iter(YAML(typ="safe", pure=True).parse(text))
    composer = _Composer(file, events, environ, mistakes)
    before = len(mistakes)
    try:
        root = composer.document()
    except _Stop:
        return None
    except MarkedYAMLError as error:
        mistakes.append(explain(error, text, file))
        return None
    except Exception as error:  # ruamel's scanner has bugs of its own, and a user's file must never give a traceback
        what = f"the YAML parser stumbled after this value ({type(error).__name__})"
        mistakes.append(Mistake(file, *composer.last[1:], what, "rewrite this line and the next"))
        return None
    if len(mistakes) == before and (root is None or root.value is None):
        mistakes.append(Mistake(file, 1, 1, "the file is empty", "write `key: value` lines"))
        return None
    if root is not None and not root.bad and not isinstance(root.value, dict):
        sort = shown(root.value) if isinstance(root.value, list) else "a single value"
        mistakes.append(Mistake(*root.place, f"the top level is {sort}, not a mapping", "write `key: value` lines"))
        return None
    return root if root is not None and isinstance(root.value, dict) else None
