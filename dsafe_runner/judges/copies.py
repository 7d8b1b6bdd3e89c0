"""Which labelled replies say the same: copies are no further evidence of how well a judge reads.

Compared is the text as a reader of many would see it: width, case, white space, punctuation and numbers aside. Texts
whose sets of three characters in a row overlap by NEAR (Jaccard) count as one; who replied to what does not matter.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

NEAR = 0.8
"""Share of all sequences of three characters that two texts must have in common."""

_WIDTH = 3
_NUMBERS = re.compile(r"[\d零〇一二两三四五六七八九十百千万]+")


def plain(text: str) -> str:
    """A text without what tells copies apart only in looks.

    >>> plain("第12次：不行！") == plain("第三次 不行")
    True
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in _NUMBERS.sub("0", folded) if c.isalnum())


def firsts(texts: Sequence[str]) -> list[int]:
    """Per text the index of the first one that says the same; its own where there is none."""
    spelt = [plain(text) for text in texts]
    pieces = [_pieces(text) for text in spelt]
    often = Counter(piece for one in pieces for piece in one)
    found: list[int] = []
    exact: dict[str, int] = {}
    index: dict[str, list[int]] = {}
    for n, own in enumerate(pieces):
        # two sets that overlap so much share one of the rarest pieces of each, so only those are looked up
        rare = sorted(own, key=lambda piece: (often[piece], piece))[: len(own) - math.ceil(NEAR * len(own)) + 1]
        near = {other for piece in rare for other in index.get(piece, ()) if _same(own, pieces[other])}
        if spelt[n] in exact:
            near.add(exact[spelt[n]])
        found.append(found[min(near)] if near else n)
        exact.setdefault(spelt[n], n)
        for piece in rare:
            index.setdefault(piece, []).append(n)
    return found


def _pieces(text: str) -> frozenset[str]:
    return frozenset(text[i : i + _WIDTH] for i in range(len(text) - _WIDTH + 1))


def _same(one: frozenset[str], two: frozenset[str]) -> bool:
    common = len(one & two)
    return common > 0 and common >= NEAR * (len(one) + len(two) - common)
