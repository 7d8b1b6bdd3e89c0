"""Takes a server's key out of texts, in whatever spelling it comes back.

A server may quote the key it was sent, and what a server says ends up in errors, logs, stores and reports. Gateways
quote it escaped (JSON in JSON, HTML, percent-encoding), in base64 or hex, in another case where it stood in a header,
or wrapped into lines. Texts are therefore looked at after decoding, and every character of the key counts in each of
its spellings.
"""

from __future__ import annotations

import base64
import io
import os
import re
from collections.abc import Callable, Iterator
from typing import Any, TextIO

MASK = "***"

_SHORT = 8
"""Keys of fewer characters may be words (`EMPTY`, `test`): only where they stand free, as they are spelt."""
_WORD = 4
"""Keys of fewer characters could be answers (`A`): never looked for in what a model says."""
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_GAP = r"(?:\s|\\{1,64}+[nrt]|%(?:25){0,3}(?:0[9ad]|20)|[\u00ad\u200b-\u200d\u2060\ufeff]){0,80}"
"""What wrapping puts between two characters."""
# bounded repeats throughout: a run of backslashes must not cost its square


class Redactor:
    r"""Masks one key.

    Args:
        key: None where there is none; then every text stays as it is.

    >>> Redactor("sk-geheim=0123").text(r'{"error": "no money on sk-geheim\u003d0123"}')
    '{"error": "no money on ***"}'
    """

    def __init__(self, key: str | None) -> None:
        self._spelt: list[_Spelt] = []
        self._free: re.Pattern[str] | None = None
        self._of_answers = key is not None and len(key) >= _WORD
        if not key:
            return
        if len(key) < _SHORT:
            self._free = re.compile(rf"(?<![^\W_]){re.escape(key)}(?![^\W_])")
            return
        raw = key.encode()
        self._spelt = [
            _Spelt(key, any_case=True),
            _Spelt(raw.hex(), any_case=True),
            *(_Spelt(core, any_case=False, run=True) for core in _base64_cores(raw)),
        ]

    def text(self, text: str) -> str:
        """A text without the key."""
        if self._free is not None:
            return self._free.sub(MASK, text)
        for spelt in self._spelt:
            text = spelt.masked(text)
        return text

    def answer(self, text: str) -> str:
        """What a model said without the key; a key too short to be one stays."""
        return self.text(text) if self._of_answers else text

    @property
    def sure(self) -> bool:
        """Whether what it masks can be nothing but the key."""
        return bool(self._spelt)

    def value(self, value: Any) -> Any:
        """A decoded JSON value without the key, the names of fields included."""
        if isinstance(value, str):
            return self.answer(value)
        if isinstance(value, list):
            return [self.value(one) for one in value]
        if isinstance(value, dict):
            return {self.answer(name): self.value(one) for name, one in value.items()}
        return value


class RedactingStream(io.TextIOBase):
    """Writes to a stream what it is given, line by line, without the key: tracebacks hold what exceptions quote."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        self._stream = stream
        self._redactor = redactor
        self._held = ""

    def write(self, text: str) -> int:
        """Hold the text until its line ends."""
        whole, end, self._held = (self._held + text).rpartition("\n")
        if end:
            self._stream.write(self._redactor.text(whole) + end)
            self._stream.flush()
        return len(text)

    def flush(self) -> None:
        """Write what is held."""
        if self._held:
            self._stream.write(self._redactor.text(self._held))
            self._held = ""
        self._stream.flush()

    def fileno(self) -> int:
        """Of the stream underneath, for libraries that write past Python."""
        return self._stream.fileno()


def redactor_of(engine: dict[str, Any]) -> Redactor:
    """The redactor of an engine's key; see spec.OpenAIEngine.api_key_env."""
    variable = engine.get("api_key_env")
    return Redactor(os.environ.get(variable, "").strip() if isinstance(variable, str) else None)


class _Spelt:
    """A text to mask in all spellings of its characters, cut ones included: its first or last half is enough."""

    def __init__(self, text: str, *, any_case: bool, run: bool = False) -> None:
        self._flags = re.IGNORECASE if any_case else 0
        self._run = run
        half = max(_SHORT, (len(text) + 1) // 2) if not run else len(text)
        head, tail = text[:half], text[-half:]
        self._head = self._compiled(head)
        self._tail = self._compiled(tail) if tail != head else None
        self._more = [self._compiled(c, _GAP) for c in text[half:]]

    def masked(self, text: str) -> str:
        text = self._replaced(text, self._head, self._on)
        return self._replaced(text, self._tail, lambda _, end: end) if self._tail else text

    def _replaced(self, text: str, pattern: re.Pattern[str], on: Callable[[str, int], int]) -> str:
        parts, last, place = [], 0, 0
        while found := pattern.search(text, place):
            start, place = found.start(), max(on(text, found.end()), found.start() + 1)
            if self._run:
                while start > last and text[start - 1] in _BASE64:
                    start -= 1
                while place < len(text) and (text[place] in _BASE64 or text[place] == "="):
                    place += 1
            parts += [text[last:start], MASK]
            last = place
        return "".join([*parts, text[last:]]) if parts else text

    def _on(self, text: str, place: int) -> int:
        """The end of what goes on from a head as the key does."""
        for pattern in self._more:
            found = pattern.match(text, place)
            if found is None:
                break
            place = found.end()
        return place

    def _compiled(self, text: str, before: str = "") -> re.Pattern[str]:
        # what it can begin with, told first, makes the search ten times as fast
        begins = before or rf"(?=[{re.escape(text[0])}\\%&=+/_-])(?<!\\)"
        return re.compile(begins + _GAP.join(map(_spellings, text)), self._flags)


def _spellings(char: str) -> str:
    """A pattern for one character however it is written."""
    if char == "\\":
        return r"(?:\\{1,16}(?:x5c|u005c)?|%(?:25){0,3}5c|&#92;)"
    # base64 has two alphabets
    chars = {"+": "+-", "/": "/_"}.get(char, char)
    ways = []
    for c in chars:
        code = ord(c)
        ways += [
            re.escape(c),
            rf"\\{{1,64}}+(?:{re.escape(c)}|(?i:u00{code:02x}|x{code:02x}|u\{{0{{0,4}}{code:x}\}})|0?{code:03o})",
            rf"(?i:%(?:25){{0,3}}{code:02x}|={code:02x})",
            rf"&(?:amp;){{0,3}}(?i:#0{{0,4}}{code};|#x0{{0,4}}{code:x};)",
        ]
        if name := _NAMED.get(c):
            ways.append(rf"&(?:amp;){{0,3}}(?:{name});")
    return f"(?:{'|'.join(ways)})"


_NAMED = {
    "&": "amp",
    "<": "lt",
    ">": "gt",
    '"': "quot",
    "'": "apos",
    "=": "equals",
    "/": "sol",
    "+": "plus",
    ".": "period",
    "_": "lowbar",
    "-": "hyphen|dash",
    ":": "colon",
    ";": "semi",
    "$": "dollar",
    "%": "percnt",
    "!": "excl",
}


def _base64_cores(raw: bytes) -> Iterator[str]:
    """What any base64 of a text that holds `raw` holds: the same at each of three offsets."""
    seen: set[str] = set()
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        first = (offset * 8 + 5) // 6
        last = (offset + len(raw)) * 8 // 6
        core = whole[first:last]
        if len(core) >= _SHORT and core not in seen:
            seen.add(core)
            yield core
