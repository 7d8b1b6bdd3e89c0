r"""What math-verify does not see in an answer: forms it cannot read, and differences it does not look at.

`tidy` writes an answer as math-verify reads it; `differs` names the answers that it would take for the right one:
another base (52_9 for 52_8), a later decimal (.0000673 for .0000672), powers too large to compute, sets for tuples.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

_LONGEST_EXPONENT = 4
"""Digits; no right answer of the set has more, and what is larger is not computed but overflows, equal to all such."""
_WRAPPED = re.compile(
    r"\\(?:underline|mathbf|mathrm|boldsymbol|bm|mathsf|overline\s*(?=\{\s*\d+\s*\}\s*$))\s*\{([^{}]*)\}"
)
_SPACING = re.compile(r"\\[!,;: ]|\\(?:left|right|big|Big)(?![a-zA-Z])|\\q?quad(?![a-zA-Z])|\s+")
_BASE = re.compile(r"(?<![A-Za-z\\])(?<![\w}])([0-9A-Fa-f]+)\s*_\s*\{?\s*(?:\\text\s*\{)?\s*(\d+|[a-z]+)\s*\}{0,2}$")
_BASE_WORDS = {"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9"}
_DECIMAL = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?")
_UNIT = re.compile(r"\\(?:mbox|text|textrm|mathrm)\{[^{}]*[A-Za-z][^{}]*\}\^\{?(\d)")
_EXPONENT = re.compile(r"\^\s*\{?\s*[+-]?(\d[\d, ]*)")


def tidy(answer: str) -> str:
    r"""The answer in characters and commands that math-verify reads.

    >>> tidy(r"\underline{１２}°."), tidy("(3,4].")
    ('12^\\circ', '(3,4]')
    """
    text = unicodedata.normalize("NFKC", answer.replace("°", r"^\circ").replace("º", r"^\circ")).strip()
    text = text.replace("。", ".").replace("−", "-")
    before = None
    while before != text:
        before, text = text, _WRAPPED.sub(lambda found: found[1] if _plain(found[1]) else found[0], text)
    return re.sub(r"(?<=[^.\s])\s*\.\s*$", "", text)


def differs(gold: str, answer: str) -> bool:
    """Whether a tidied answer is surely not the right one, whatever math-verify says."""
    gold, answer = _squeezed(gold), _squeezed(answer)
    if gold == answer:
        return False
    if any(len(re.sub("[, ]", "", power)) > _LONGEST_EXPONENT for power in _EXPONENT.findall(answer)):
        return True
    if _unit_power(gold, answer) or _other_base(gold, answer) or _other_brackets(gold, answer):
        return True
    left, right = _decimal(gold), _decimal(answer)
    return left is not None and right is not None and left != right


def _plain(inside: str) -> bool:
    return "_" not in inside


def _squeezed(latex: str) -> str:
    return _SPACING.sub("", latex).strip("$")


def _other_base(gold: str, answer: str) -> bool:
    """A base beside another one, or beside none where the right answer has none; digits alone may stand for both."""
    wanted, given = _BASE.search(gold), _BASE.search(answer)
    if given is None:
        return False
    if wanted is None:
        return _decimal(gold) is not None
    bases = [_BASE_WORDS.get(found[2], found[2]) for found in (wanted, given)]
    return bases[0] != bases[1] or wanted[1].lower() != given[1].lower()


def _unit_power(gold: str, answer: str) -> bool:
    """Square beside cubic units."""
    wanted, given = _UNIT.search(gold), _UNIT.search(answer)
    return wanted is not None and given is not None and wanted[1] != given[1]


def _other_brackets(gold: str, answer: str) -> bool:
    """A tuple, point or interval beside a set."""
    kinds = []
    for text in (gold, answer):
        inside = re.sub(r"^[A-Za-z]+(?:\\in|=)", "", text)
        kinds.append(
            "set" if inside.startswith(r"\{") else "tuple" if re.match(r"[(\[][^()\[\]]*,.*[)\]]$", inside) else ""
        )
    return set(kinds) == {"set", "tuple"}


def _decimal(text: str) -> Fraction | None:
    plain = text.replace(r"\$", "").replace("{,}", ",")
    if not _DECIMAL.fullmatch(plain) or not re.search(r"\d", plain):
        return None
    return Fraction(plain.replace(",", "").rstrip("."))
