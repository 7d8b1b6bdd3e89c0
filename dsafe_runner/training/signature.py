"""What makes two mathematical texts different though their words are the same: numbers, signs, variables, in order.

signature("计算 12-5") == ("12", "-", "5"); prose has none but its numbers.
"""

from __future__ import annotations

import re
import unicodedata

_PIECE = re.compile(r"\\[A-Za-z]+|\d+|[^\W\d_]+|\S|\s+")
_BETWEEN = frozenset(".,:;'")
"""Signs of prose, unless both neighbours are operands and touch them: 3.14, [0,1)."""
_LETTER = re.compile(r"[a-zα-ω]")
_OPERATORS = frozenset("+*/^=<>|×÷±≤≥≠≈√∈∉∪∩⊂⊆∞∑∫%!°∠⊥∥→⇒∧∨¬-−()[]{}_&~·∶⋅∘△′″")
_WORDS = re.compile("[〇零一二两三四五六七八九十百千万亿半]|[最至][大小多少]|不|非|无|正|负|奇|偶|增|减|加|乘|除|倍")
"""Words that are numbers and signs in a problem told in Chinese."""


def signature(text: str, problem: bool) -> tuple[str, ...]:
    """Numbers and variables of a text, and the signs that stand beside them.

    problem  it is one to be solved: numbers and comparisons written as words count too
    """
    pieces = _PIECE.findall(unicodedata.normalize("NFKC", text).casefold())
    solid = [piece for piece in pieces if not piece.isspace()]
    held = _kept(solid, _touching(pieces))
    return (*held, *(_WORDS.findall(text) if problem else ()))


def _touching(pieces: list[str]) -> list[bool]:
    """For each piece that is no space: whether no space stands on either side of it."""
    found = []
    for number, piece in enumerate(pieces):
        if not piece.isspace():
            around = pieces[max(0, number - 1) : number] + pieces[number + 1 : number + 2]
            found.append(not any(one.isspace() for one in around))
    return found


def _kept(solid: list[str], touching: list[bool]) -> list[str]:
    operand = [_is_operand(piece) for piece in solid]
    sign = [piece in _OPERATORS for piece in solid]
    # a sign counts beside an operand, and beside a sign that counts: )^2, |-3|
    counts = list(operand)
    for order in (range(len(solid)), range(len(solid) - 1, -1, -1)):
        for n in order:
            if sign[n] and not counts[n]:
                counts[n] = any(0 <= m < len(solid) and counts[m] for m in (n - 1, n + 1))
    for n in range(1, len(solid) - 1):
        if solid[n] in _BETWEEN and touching[n]:
            counts[n] = counts[n - 1] and counts[n + 1]
    return [piece for piece, one in zip(solid, counts, strict=True) if one]


def _is_operand(piece: str) -> bool:
    return piece.isdigit() or (piece.startswith("\\") and len(piece) > 1) or bool(_LETTER.fullmatch(piece))
