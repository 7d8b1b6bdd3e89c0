"""File -> text: everything that can be wrong with a file before it is YAML."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from dsafe_runner.config.words import printable
from dsafe_runner.errors import Mistake

MAX_BYTES = 1_000_000
"""Of a file and all it includes. 2,000 lines are 60 kB and 0.2 s; the limit keeps the worst input at a few seconds."""

_REFUSED = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML 1.2 calls non-printable (5.1)."""


class SourceError(Exception):
    """A file that cannot become text; internal, always turned into a Mistake.

    line, column  0 when the trouble is the file itself (missing, a folder, too big)
    """

    def __init__(self, what: str, todo: str, line: int = 0, column: int = 0) -> None:
        super().__init__(what)
        self.what, self.todo, self.line, self.column = what, todo, line, column

    def mistake(self, path: str) -> Mistake:
        """This error as a Mistake of the file `path`."""
        return Mistake(path, self.line or 1, self.column or 1, self.what, self.todo)


def display(path: Path) -> str:
    """The path as mistakes name it: relative to the working directory when below it, else absolute."""
    absolute = os.path.abspath(path)
    try:
        here = os.getcwd()
    except OSError:  # the working directory was removed
        return printable(absolute)
    below = os.path.relpath(absolute, here)
    return printable(absolute if below == ".." or below.startswith(f"..{os.sep}") else below)


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The bytes of a regular file of at most `limit` bytes. Raises SourceError."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise SourceError("this is a folder", "name a file")
        if not stat.S_ISREG(mode):  # a pipe would block, a device would never end
            raise SourceError("this is not a regular file", "name a file")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise SourceError("there is no such file", "check the path") from None
    except PermissionError:
        raise SourceError("the file may not be read", "check its permissions") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise SourceError(f"the file cannot be read ({printable(reason)})", "check the path") from None
    if len(data) > limit:
        size = f"{MAX_BYTES / 1e6:g} MB"
        raise SourceError(f"the file is larger than {size}, with what it includes", "split it into several files")
    return data


def decode(data: bytes) -> str:
    """UTF-8 text, with or without a BOM, no control characters. Raises SourceError."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError("the file is UTF-16, not UTF-8", "save it as UTF-8", 1, 1)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # a BOM is not part of what the error indexes
        payload = data.removeprefix(b"\xef\xbb\xbf")
        line, column = _place(payload[: error.start].decode("utf-8", "replace"))
        what = f"byte 0x{payload[error.start]:02x} is not UTF-8"
        raise SourceError(what, "save the file as UTF-8", line, column) from None
    bad = _REFUSED.search(text)
    if bad is not None:
        line, column = _place(text[: bad.start()])
        raise SourceError(f"control character U+{ord(bad.group()):04X}", "remove it", line, column)
    return text


def _place(before: str) -> tuple[int, int]:
    """Line and column (from 1) of what follows `before`."""
    lines = re.split("\r\n|\r|\n", before)
    return len(lines), len(lines[-1]) + 1
