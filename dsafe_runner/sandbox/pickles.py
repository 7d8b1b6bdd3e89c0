"""LiveCodeBench's private tests: JSON, or base64 of zlib of a pickle of JSON text.

A pickle is a program. The official loader runs it; this one reads a pickle only if all its instructions build plain
data (text, numbers, lists, dicts), and refuses what would grow beyond its bounds.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import pickle
import pickletools
import zlib
from typing import Any, NoReturn

from dsafe_runner.errors import DataError
from dsafe_runner.sandbox.runs import MEBIBYTE

MAX_PACKED = 256 * MEBIBYTE
"""Longest text of one item's tests; the largest published ones are tens of MiB."""
MAX_UNPACKED = 1024 * MEBIBYTE

_TEXT = {"BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE"}
_PLAIN = _TEXT | {
    "PROTO",
    "FRAME",
    "STOP",
    "MARK",
    "MEMOIZE",
    "PUT",
    "BINPUT",
    "LONG_BINPUT",
    "GET",
    "BINGET",
    "LONG_BINGET",
    "NONE",
    "NEWTRUE",
    "NEWFALSE",
    "INT",
    "BININT",
    "BININT1",
    "BININT2",
    "LONG",
    "LONG1",
    "FLOAT",
    "BINFLOAT",
    "EMPTY_LIST",
    "APPEND",
    "APPENDS",
    "LIST",
    "EMPTY_DICT",
    "SETITEM",
    "SETITEMS",
    "DICT",
}
_MEMO = {"PUT", "BINPUT", "LONG_BINPUT"}


def decode_tests(packed: str) -> list[dict[str, Any]]:
    """The tests of one item, `{"input", "output", "testtype"}` each.

    Raises:
        DataError: the text is neither form, holds instructions that do more than build data, or is too large.
    """
    if len(packed) > MAX_PACKED:
        raise DataError(f"private tests of {len(packed)} characters; at most {MAX_PACKED} are read")
    try:
        tests = json.loads(packed)
    except ValueError:
        tests = _unpickled(_inflated(packed))
        if isinstance(tests, str):
            tests = _json(tests)
    except RecursionError:
        raise DataError("private tests are nested too deeply; fetch the file again") from None
    fields = ("input", "output", "testtype")
    if not isinstance(tests, list) or not all(
        isinstance(test, dict) and all(isinstance(test.get(name), str) for name in fields) for test in tests
    ):
        raise DataError("private tests are not a list of input, output and testtype; fetch the file again")
    return tests


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise DataError("private tests are not JSON; fetch the file again") from None


def _inflated(packed: str) -> bytes:
    try:
        data = base64.b64decode(packed, validate=True)
        inflater = zlib.decompressobj()
        plain = inflater.decompress(data, MAX_UNPACKED)
    except (binascii.Error, ValueError, zlib.error):
        raise DataError("private tests are neither JSON nor base64 of zlib data; fetch the file again") from None
    if inflater.unconsumed_tail or not inflater.eof:
        raise DataError(f"private tests are cut off, or unpack to more than {MAX_UNPACKED} bytes; fetch the file again")
    return plain


class _DataOnly(pickle.Unpickler):
    """Second lock: what the check of instructions would ever let through finds no class and no reference."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> NoReturn:
        raise pickle.UnpicklingError("persistent id")


def _unpickled(data: bytes) -> Any:
    """The value of a pickle of plain data; nothing of the pickle runs before all of it was looked through."""
    try:
        _check(data)
        value = _DataOnly(io.BytesIO(data)).load()
        _measure(value, len(data))
    except DataError:
        raise
    except Exception as error:  # a broken pickle raises nearly anything
        raise DataError(f"private tests are a broken pickle ({type(error).__name__}); fetch the file again") from None
    return value


def _check(data: bytes) -> None:
    for instruction, argument, _ in pickletools.genops(data):
        if instruction.name not in _PLAIN:
            raise DataError(
                f"private tests hold a pickle that does more than carry data ({instruction.name}): refused; "
                "do not trust where this file came from"
            )
        # the unpickler makes room for the highest number at once
        if instruction.name in _MEMO and int(argument or 0) > len(data):
            raise DataError("private tests hold a pickle with an impossible memo: refused")


def _measure(value: Any, budget: int) -> None:
    """A pickle can name one list many times over; written out, the value may not be larger than the pickle."""
    waiting = [value]
    while waiting:
        budget -= 1
        if budget < 0:
            raise DataError("private tests hold a pickle that repeats itself: refused")
        item = waiting.pop()
        if isinstance(item, list):
            waiting += item
        elif isinstance(item, dict):
            waiting += item.values()
            waiting += item.keys()
