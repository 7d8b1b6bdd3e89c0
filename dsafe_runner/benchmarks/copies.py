"""Items that ask the same: one draw, however often they stand in a benchmark.

Two items are copies when what they ask is equal but for spacing, width, case and signs, the order of the options, or,
where no number is asked for and the text is not all but a number, another number in it. The right options, or the
accepted answers, have to be equal too: who asks for another answer asks something else.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from dsafe_runner.records import Sample

_SIGNS = re.compile(r"[\W_]+")
_WORDS = re.compile(r"[㐀-鿿]|[^\W\d_㐀-鿿]+")
_SHORT = 10
"""Characters of Chinese or words: in a text of fewer, a number is much of what is asked."""
_FIRST = re.compile(r"(?m)^\s*A\s*[.、):]")
_NUMBERS = re.compile(r"[0-9零〇一二三四五六七八九十百千万亿两]+")


def copies(samples: Iterable[Sample]) -> dict[str, str]:
    """Items that have copies -> the first of them."""
    keys = {sample.id: _asked(sample) for sample in samples}
    times = Counter(keys.values())
    first: dict[tuple[object, ...], str] = {}
    return {item: first.setdefault(key, item) for item, key in keys.items() if times[key] > 1}


def draws(items: Iterable[str], first: Mapping[str, str]) -> list[str] | None:
    """Per item what it is a copy of, itself where of nothing; None where no item is a copy of another."""
    names = [first.get(item, item) for item in items]
    return names if len(set(names)) < len(names) else None


def _asked(sample: Sample) -> tuple[object, ...]:
    lettered = zip("ABCDEFGHIJ", sample.options, strict=False)
    right = [_plain(option) for letter, option in lettered if letter in sample.target]
    answers = sorted(right) if sample.options else sorted(map(_plain, sample.target))
    # of a problem in numbers, another number makes another problem
    numbered = sample.kind in ("short", "maths", "code") or any(re.search(r"\d", answer) for answer in answers)
    options = sorted(_plain(option) for option in sample.options)
    turns = []
    for message in sample.messages:
        text = unicodedata.normalize("NFKC", message.content)
        for option in sorted(sample.options, key=len, reverse=True):
            # a prompt lists the options after their letters: their order is no part of the question
            text = text.replace(unicodedata.normalize("NFKC", option), "")
        text = re.sub(r"(?m)^\s*[A-J]\s*[.、)）:：]?\s*$", "", text) if options else text
        # of a problem in numbers the signs are part too
        plain = "".join(text.split()).casefold() if numbered else _plain(text)
        # what follows the options is how to answer
        question = _FIRST.split(unicodedata.normalize("NFKC", message.content))[0] if options else text
        if not numbered and len(_WORDS.findall(_NUMBERS.sub(" ", question))) >= _SHORT:
            plain = _NUMBERS.sub("", plain)
        turns.append((message.role, plain or message.content))
    return (sample.kind, tuple(turns), tuple(options), tuple(answers))


def _plain(text: str) -> str:
    return _SIGNS.sub("", unicodedata.normalize("NFKC", text).casefold()) or text
