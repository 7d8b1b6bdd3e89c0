"""When is an output the expected one: LiveCodeBench's two rules, applied where no program can reach them.

Source: lcb_runner/evaluation/testing_util.py, grade_stdio and grade_call_based (LiveCodeBench 28fef95).
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from dsafe_runner.sandbox.prelude import INTEGER_DIGITS

_SHORT = 4000
"""Digits that every Python converts."""


def same_output(output: str, expected: str) -> bool:
    """As many lines, and each line equal as text or, token by token, as decimal numbers.

    Space at the ends of the whole and of each line does not count. There is no tolerance: 1.0 is 1.00 and not 1.0001.
    """
    given, wanted = _lines(output), _lines(expected)
    return len(given) == len(wanted) and all(
        line == want or _same_numbers(line, want) for line, want in zip(given, wanted, strict=True)
    )


def same_value(result: bytes, expected: Any) -> bool:
    """Whether a result, as inside.encode wrote it, equals a JSON value under Python's ==.

    1 is 1.0 and True, as there. What is no JSON value equals nothing, whatever it says of itself.
    """
    try:
        return bool(_decode(values(result)) == expected)
    except (ValueError, TypeError, KeyError, RecursionError):
        return False


def values(text: str | bytes) -> Any:
    """JSON whose integers may have as many digits as the official runner's; ValueError for more, or for no JSON."""
    return json.loads(text, parse_int=_integer)


def _integer(digits: str) -> int:
    if len(digits) > INTEGER_DIGITS:
        raise ValueError("an integer of too many digits")
    # Decimal has no limit of its own, and raising the process's would change what else runs in it
    return int(digits) if len(digits) < _SHORT else int(Decimal(digits))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().split("\n")]


def _same_numbers(line: str, want: str) -> bool:
    given, wanted = line.split(), want.split()
    try:
        return len(given) == len(wanted) and [Decimal(t) for t in given] == [Decimal(t) for t in wanted]
    except InvalidOperation:  # no number, or a signalling NaN
        return False


def _decode(node: Any) -> Any:
    """Inverse of inside.encode; an object equal to nothing else for what cannot be a right answer."""
    if isinstance(node, list):
        return [_decode(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "dict" in node:
        return {key: _decode(value) for key, value in node["dict"]}
    if "tuple" in node:
        return tuple(_decode(item) for item in node["tuple"])
    return object()
