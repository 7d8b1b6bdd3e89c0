"""What only the template may write: special tokens, the markers of its turns, and tokens that look like markers.

A row whose text holds one would be trained as if a turn ended, or began, in the middle of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dsafe_runner.records import Message, message_list
from dsafe_runner.training.templates import END_THINK, THINK

_MARKER = re.compile(r"<[|｜][^|｜<>\s]{1,64}[|｜]>|\[/?[A-Z][A-Z_]*\]|<<?/?[A-Za-z_]+>>?")
"""What a template writes around turns, as text."""
_SHAPE = re.compile(r"<[|｜].*[|｜]>|\[/?[A-Z][A-Z_]*\]", re.DOTALL)
"""Of a token that is a marker whatever its vocabulary says of it."""
_BARS = re.compile(r"<[|｜][^|｜<>\s]{1,64}[|｜]>")
"""Of another model's marker: no token here, but what such a text teaches is to play turns."""
_BRACKETED = re.compile(r"\s*[<\[{〈《【|#].+[>\]}〉》】|]\s*", re.DOTALL)
_PROBES: tuple[tuple[Message, ...], ...] = (
    (Message("user", "一"), Message("assistant", "二"), Message("user", "三")),
    (Message("system", "四"), Message("user", "一"), Message("assistant", "二"), Message("user", "三")),
)


@dataclass(frozen=True, slots=True)
class Markers:
    """`ids`: of tokens, with what they spell; `texts`: of markers the template writes, tokens or not."""

    ids: dict[int, str]
    texts: tuple[str, ...]

    def named(self, text: str, ids: list[int]) -> list[str]:
        """The markers in a text and its tokens, another model's too, each once."""
        held = [self.ids[one] for one in ids if one in self.ids] + [one for one in self.texts if one in text]
        return list(dict.fromkeys([*held, *_BARS.findall(text)]))


def markers_of(tokenizer: Any) -> Markers:
    """The markers of a tokenizer with its chat template."""
    written = "\n".join(_rendered(tokenizer))
    source = str(tokenizer.chat_template or "") + written
    texts = [text for text in dict.fromkeys(_MARKER.findall(written)) if text]
    ids = dict(zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True))
    for number, token in tokenizer.added_tokens_decoder.items():
        spelt = token.content.strip()
        used = bool(_BRACKETED.fullmatch(spelt)) and spelt in source
        if token.special or used or _SHAPE.fullmatch(spelt) or spelt in (THINK, END_THINK):
            ids[number] = spelt
    return Markers(ids, tuple(texts))


def _rendered(tokenizer: Any) -> Iterator[str]:
    for probe in _PROBES:
        try:
            yield str(tokenizer.apply_chat_template(message_list(probe), add_generation_prompt=True, tokenize=False))
        except Exception:  # it may refuse a system turn; whether it can be used is checked elsewhere
            continue
