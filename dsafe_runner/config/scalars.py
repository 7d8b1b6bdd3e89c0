"""Plain YAML scalars -> Python values, by the YAML 1.2 core schema, plus dates.

`no`, `on` and `off` stay text and `010` is ten, as in YAML 1.2. Numbers that are not finite are refused: a limit of
`.nan` would compare false with everything.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from typing import Any

from dsafe_runner.config.words import printable, quoted

_WORDS: dict[str, Any] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_REFERENCE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{")
_LONGEST_NUMBER = 40


class ScalarError(Exception):
    """A scalar that has no value; internal, always turned into a Mistake."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what)
        self.what, self.todo = what, todo


def resolve(text: str) -> Any:
    """The value of an unquoted scalar: None, bool, int, float, date or str. Raises ScalarError."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INT.fullmatch(text):
        if len(text) > _LONGEST_NUMBER:
            raise ScalarError(f"a number of {len(text)} digits", "write a shorter one, or put it in quotes")
        return int(text, 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10)
    if _FLOAT.fullmatch(text):
        value = float(text)
        if not math.isfinite(value):
            raise ScalarError(f"{printable(text)[:_LONGEST_NUMBER]} is too large", "write a finite number")
        return value
    if _NOT_FINITE.fullmatch(text):
        raise ScalarError(f"{text} is not a finite number", "write a finite number, or put it in quotes")
    if _DATE.fullmatch(text):
        try:
            return datetime.date.fromisoformat(text)
        except ValueError:
            raise ScalarError(f"{text} is no day of the calendar", "write YYYY-MM-DD") from None
    return text


def plain_text(text: str) -> bool:
    """Whether a text has no control characters but line ends and tabs: paths and terminals take none."""
    return all((c >= " " and c != "\x7f") or c in "\n\t\r" for c in text)


def substitute(text: str, environ: Mapping[str, str]) -> str:
    """The text with every `${NAME}` replaced from the environment; `$${` stands for `${`. Raises ScalarError."""
    if "${" not in text:
        return text

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if match.group() == "$${":
            return "${"
        if name is None:
            raise ScalarError(f"{quoted(text)}: a ${{ that is no ${{NAME}}", "write ${NAME}, or $${ for a plain ${")
        if name not in environ:
            todo = f"set it (export {name}=...), or write $${{ for a plain ${{"
            raise ScalarError(f"environment variable {name} is not set", todo)
        found = environ[name]
        if not found.isprintable():  # also unpaired surrogates, which no file can hold
            raise ScalarError(f"environment variable {name} has control characters in it", "set it to plain text")
        return found

    return _REFERENCE.sub(value, text)
