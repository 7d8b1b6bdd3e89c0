"""Short free answers: what a text gives as its answer, and whether that is a target. Numbers compare as numbers."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

from dsafe_runner.benchmarks.choice.markup import normalise, plain

_ANNOUNCED = re.compile(
    r"(?:答案|结果|\banswer)[ \t]*(?:应该|应当|应)?(?:(?:是|为|\bis\b)[ \t]*:?|[:=→])\s*"
    r"((?!答案|结果|answer)[^\s][^\n]*)?",
    re.IGNORECASE,
)
_CORRECTION = re.compile(
    r"(?:^|[。.!！?？;；,，…—(]|\n)\s*(?:哦|啊)?(?:不对|不(?=[,，])|错了|更正|纠正|订正|抱歉|对不起|不好意思|等等|等一下|应?改为|"
    r"no(?=[,.;: ])|wait|actually|correction|sorry|scratch that|oops)[,，。.!！:：…—\s]*(?P<rest>[^\n]*)",
    re.IGNORECASE,
)
_INSTEAD = re.compile(
    r"(?:[^。.!！?？;；\n]{0,40}?[,，。.!！]\s*)?(?:正确|最终)?(?:的)?(?:答案|结果)?(?:应该|应当|应|还)?"
    r"(?:是|为|改[为成]|:)\s*|"
    r"(?:[^。.!！?？;；\n]{0,40}?[,，。.!！]\s*)?"
    r"(?:it(?:'s|’s| is| should be| must be)|(?:that|the (?:correct |right |final )?"
    r"answer) (?:is|should be)|make (?:it|that)|i meant?|should be)\s*:?\s*",
    re.IGNORECASE,
)
_AGAIN = re.compile(r"再|重新|想|算错|看错|let me|re-?(?:do|check|count|calculate)|mistake|wrong", re.IGNORECASE)
_END = re.compile(r"[。;；!]|\.\s|\.$")
_ONE_LINE = 80
"""Longest whole answer (characters) that is taken for the answer itself."""

_SIGNS = str.maketrans({"−": "-", "–": "-", "—": "-", "⁄": "/", "\u00a0": " ", "\u202f": " ", "’": "'"})
_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}
_SCALES = {"万": 10**4, "亿": 10**8}
_WORDS = {"thousand": 10**3, "k": 10**3, "million": 10**6, "billion": 10**9} | _SCALES
_PLAIN = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?: \d{3})+(?:\.\d+)?|\d{1,3}(?:'\d{3})+(?:\.\d+)?|\d+[.,]\d+|\d+|\.\d+"
_NUMBER = re.compile(
    rf"(?P<before>[$¥€£]?)\s*(?P<sign>[+-]?)\s*(?P<again>[$¥€£]?)\s*(?:(?P<whole>\d+) +(?=\d+ */))?(?P<value>{_PLAIN})"
    rf"(?:\s*/\s*(?P<below>{_PLAIN}))?(?:\s*(?:e|(?:[x×*]\s*)10\s*\^)\s*\{{?(?P<power>[+-]?\d{{1,3}})\}}?(?![\w.]))?"
    r"\s*(?P<part>[%‰]?)\s*(?P<unit>.*)",
    re.IGNORECASE,
)
_CHINESE = re.compile(
    "(?P<sign>负?)(?P<part>(?:百分之)?)(?P<value>[零〇一二两三四五六七八九十百千万亿]+)"
    "(?:点(?P<after>[零〇一二三四五六七八九]+))?"
)
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_UNIT_CHARS = 16
_LONGEST = 100
"""Characters of a number with its unit."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number and what it counts ("" where nothing is said)."""

    value: Fraction
    unit: str = ""


def read_short(answer: str, *, cut: bool = False) -> str | None:
    """The last "答案：X" / "Answer: X", else the whole answer when it is one line; a correction behind it counts.

    None: no answer, several lines without an announced one, or one taken back.

    >>> read_short("12. No, it is 13.")
    '13'
    """
    text = normalise(_FRACTION.sub(r"\1/\2", answer)).strip()
    announced = [(m[1] or "", m.end()) for m in _ANNOUNCED.finditer(text)]
    said = [(a, end) for a, end in announced if comparable(a)]
    if said:
        value, end = said[-1]
        # a last line that the budget may have cut in the middle is no answer
        if cut and text.endswith(value.strip()) and not re.search(r"[。.!;；\n]\s*$", text):
            return None
        return _corrected(value + "\n" + text[end:], _first(value))
    if announced or cut or not text or "\n" in text or len(text) > _ONE_LINE:
        return None
    return _corrected(text, text) if comparable(text) else None


def same_answer(given: str, target: str) -> bool:
    """Whether a given answer is the target: as numbers where both are, else as text without decoration.

    >>> same_answer("1,000 km", "1000"), same_answer("1/2", "12"), same_answer("5 %", "5")
    (True, False, False)
    """
    left, right = number(given), number(target)
    if left is not None and right is not None:
        return left.value == right.value and (not left.unit or not right.unit or left.unit == right.unit)
    return comparable(given) == comparable(target)


def number(text: str) -> Number | None:
    """The number a text is, with its unit; None where it is something else, or more than a number."""
    text = (
        plain(_FRACTION.sub(r"\1/\2", text)).translate(_SIGNS).strip(" \t\n\"'“”‘’「」。!，;；:()[]*`=≈").rstrip(".,")
    )
    text = re.sub(r"\A[a-z]\s*=\s*", "", text, flags=re.IGNORECASE)
    if len(text) > _LONGEST:
        return None
    found = _NUMBER.fullmatch(text)
    if found is None:
        return _chinese(text)
    unit = found["before"] + found["again"] + found["unit"].strip().casefold()
    if re.search(r"[\d/:~^=±]|半|(?<!\w)(?:or|to|and)(?!\w)|或|到|至", unit) or len(unit) > _UNIT_CHARS:
        return None
    value, below = _fraction(found["value"]), _fraction(found["below"] or "1")
    if not below:
        return None
    value = (Fraction(found["whole"] or 0) + value / below) * Fraction(10) ** int(found["power"] or 0)
    value /= {"%": 100, "‰": 1000}.get(found["part"], 1)
    for word, factor in _WORDS.items():
        if unit == word or (word in _SCALES and unit.startswith(word)) or unit.startswith(word + " "):
            value, unit = value * factor, unit[len(word) :].strip()
            break
    return Number(-value if found["sign"] == "-" else value, unit)


def comparable(text: str) -> str:
    """Text without spaces, decoration and case; what stands between two digits is part of them."""
    text = unicodedata.normalize("NFKC", plain(text)).casefold().translate(_SIGNS)
    kept = []
    for n, char in enumerate(text):
        before, after = text[n - 1 : n], text[n + 1 : n + 2]
        between = before.isdigit() and after.isdigit()
        sign = char in "-." and after.isdigit() and not before.isalnum()
        if between or sign or unicodedata.category(char)[0] not in "PZC" or char == "%":
            kept.append(char)
    return "".join(kept)


def _first(value: str) -> str:
    """The first sentence of what was announced."""
    return _END.split(value, maxsplit=1)[0].strip()


def _corrected(text: str, value: str) -> str | None:
    """`value`, or what the last correction in `text` puts in its place; None where it only takes it back."""
    said: str | None = value
    for found in _CORRECTION.finditer(text):
        rest = found["rest"]
        lead = _INSTEAD.match(rest)
        instead = _first(rest[lead.end() if lead else 0 :])
        alone = number(instead)
        if comparable(instead) and (lead or (alone is not None and not alone.unit)):
            said = instead
        elif _AGAIN.search(rest):
            said = None
    return said


def _fraction(text: str) -> Fraction:
    grouped = re.fullmatch(r"\d{1,3}(?:[, ']\d{3})+(?:\.\d+)?", text)
    return Fraction(re.sub("[, ']", "", text) if grouped else text.replace(",", "."))


def _chinese(text: str) -> Number | None:
    found = _CHINESE.match(text)
    if found is None or len(text) - found.end() > 1:  # at most a counting word of one character: 十二个
        return None
    whole = _whole(found["value"])
    if whole is None:
        return None
    value = Fraction(f"{whole}.{''.join(str(_DIGITS[c]) for c in found['after'] or '零')}")
    value /= 100 if found["part"] else 1
    return Number(-value if found["sign"] else value, text[found.end() :])


def _whole(text: str) -> int | None:
    """The value of 一千二百零三 or 二〇二四; None where the characters make no number."""
    if all(c in _DIGITS for c in text):
        return int("".join(str(_DIGITS[c]) for c in text))
    total = part = digit = 0
    for c in text:
        if c in _DIGITS:
            digit = _DIGITS[c]
        elif c in _TENS:
            part, digit = part + (digit or 1) * _TENS[c], 0
        else:
            total, part, digit = (total + part + digit) * _SCALES[c], 0, 0
    return total + part + digit
