"""A waiver put into a suite's text: nothing else of the file is touched, comments and layout least of all."""

from __future__ import annotations

import io
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from dsafe_runner.errors import DataError

_SECTION = "waivers"


def with_waiver(text: str, waiver: dict[str, Any]) -> str:
    """The text of a suite with one more waiver, or with the one on the same `check` replaced.

    Raises:
        DataError: the text is no mapping, or its waivers are no list.
    """
    data = _read(text)
    waivers = data.get(_SECTION)
    ending = "\r\n" if "\r\n" in text else "\n"
    if not waivers:
        return _first(text, data, waiver, ending)
    if not isinstance(waivers, CommentedSeq):
        raise DataError("`waivers` is no list; make it one")
    if waivers.fa.flow_style():
        return _reflowed(text, data, waiver)
    replaced = [i for i, one in enumerate(waivers) if isinstance(one, dict) and one.get("check") == waiver["check"]]
    lines = text.splitlines(keepends=True)
    index = replaced[0] if replaced else len(waivers) - 1
    start, end = _span(lines, waivers, index)
    # the column of an entry is that of what follows its dash
    indent = re.match(r" *", lines[start])
    block = _block(waiver, len(indent[0]) if indent else 0, ending)
    if not replaced:
        start = end
        if lines[end - 1 : end] and not lines[end - 1].endswith("\n"):
            lines[end - 1] += ending
    lines[start:end] = block
    return _held(text, "".join(lines), waiver)


def _first(text: str, data: CommentedMap, waiver: dict[str, Any], ending: str) -> str:
    """Add the section: where an empty one stands, else at the end."""
    block = "".join([f"{_SECTION}:{ending}", *_block(waiver, 2, ending)])
    if _SECTION in data:
        line, _ = data.lc.key(_SECTION)
        lines = text.splitlines(keepends=True)
        if not re.fullmatch(rf"{_SECTION}:\s*(\[\s*\])?\s*(#.*)?\s*", lines[line]):
            raise DataError("`waivers` is empty and written over several lines; remove it, and try again")
        return _held(text, "".join([*lines[:line], block, *lines[line + 1 :]]), waiver)
    gap = "" if text.endswith(("\n", "\r")) or not text else ending
    return _held(text, f"{text}{gap}{ending}{block}", waiver)


def _span(lines: list[str], waivers: CommentedSeq, index: int) -> tuple[int, int]:
    """First line of an entry, and the line behind its last one; comments and blank lines after it are not its own."""
    start, column = waivers.lc.item(index)
    end = start + 1
    for number in range(start + 1, len(lines)):
        stripped = lines[number].strip()
        depth = len(lines[number]) - len(lines[number].lstrip(" "))
        if stripped and not stripped.startswith("#"):
            if depth < column:
                break
            end = number + 1
    return start, end


def _block(waiver: dict[str, Any], indent: int, ending: str) -> list[str]:
    """A waiver as an entry of a block sequence whose dash stands at a column."""
    yaml = YAML()
    yaml.width = 4096
    yaml.default_flow_style = False
    out = io.StringIO()
    yaml.dump(waiver, out)
    first, *rest = out.getvalue().splitlines()
    pad = " " * indent
    return [f"{pad}- {first}{ending}", *(f"{pad}  {line}{ending}" for line in rest)]


def _reflowed(text: str, data: CommentedMap, waiver: dict[str, Any]) -> str:
    """Waivers in `[...]`: the file goes through ruamel's round trip, which keeps comments but not every space."""
    waivers = data[_SECTION]
    kept = [one for one in waivers if not (isinstance(one, dict) and one.get("check") == waiver["check"])]
    data[_SECTION] = [*kept, waiver]
    yaml = _yaml()
    out = io.StringIO()
    yaml.dump(data, out)
    return _held(text, out.getvalue(), waiver)


def _held(before: str, after: str, waiver: dict[str, Any]) -> str:
    """The new text, which says what the old one said and the waiver, or nothing is written at all."""
    old, new = _plain(_read(before)), _plain(_read(after))
    rest = [one for one in old.pop(_SECTION, None) or [] if one.get("check") != waiver["check"]]
    found = new.pop(_SECTION)
    others = [one for one in found if one.get("check") != waiver["check"]]
    if old != new or others != rest or [one for one in found if one.get("check") == waiver["check"]] != [waiver]:
        raise DataError("the file is laid out in a way that cannot be added to; write the waiver by hand")
    return after


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _read(text: str) -> CommentedMap:
    try:
        data = _yaml().load(text)
    except YAMLError as error:
        raise DataError(f"is no YAML ({' '.join(str(error).split())[:160]}); `dsafe check` says where") from None
    if not isinstance(data, CommentedMap):
        raise DataError("is no suite")
    return data


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 4096
    yaml.preserve_quotes = True
    return yaml
