"""A model's output without its markup: one script, no decoration, every announced answer a line of its own."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from importlib import resources
from typing import Any

MARK_RIGHT, MARK_WRONG, MARK_NONE = "✅", "❌", "☐"
"""What every sign of approval or disapproval becomes."""

_ALIKE = str.maketrans("АВСЕ", "ABCE")  # Cyrillic letters that look like option letters
_SIGNS = str.maketrans(dict.fromkeys("✅✔☑√✓", MARK_RIGHT) | dict.fromkeys("❌✗✘✖×", MARK_WRONG))
_KEY = re.compile(
    r"(?:\w+[_ ])?answer(?:[_ ](?:letter|choice|option|key|is))?|choice|selected(?:[_ ]option)?|option|result|"
    r"prediction|(?:最终|正确)?答案|选项|选择|结果|结论",
    re.IGNORECASE,
)
_PAIR = re.compile(
    rf"""["'](?:{_KEY.pattern})["']\s*:\s*(\[[^\]\[{{}}]*\]|"[^"\n]*"|'[^'\n]*'|null|none|[A-Z])""", re.IGNORECASE
)
_QUOTES = r"[\"'\[\]]"
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*$", re.MULTILINE)
_TAG = re.compile(r"<(answer|final_answer|答案|ans)>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_BOX_TOKEN = re.compile(r"<\|begin_of_box\|>([^<\n]{0,200})<\|end_of_box\|>")
_BOXED = re.compile(r"\\f?boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_TEX_WORD = re.compile(r"\\(?:text|mathrm|mathbf|textbf|boldsymbol|mathsf|operatorname)\s*\{([^{}]*)\}")
_ITEM_TAG = re.compile(r"</?(?:li|ul|ol|p|div|br|tr|td|th|table|h\d)\b[^>\n]{0,80}>", re.IGNORECASE)
_EMPTY_THOUGHT = re.compile(r"\A\s*<think>\s*</think>")
_MARKS = re.compile(
    r"\*+|`+|\$+|__|~~|\\[()\[\]]|^[ \t]*(?:#+|>)+[ \t]*|[\u200b-\u200f\ufeff\ufe0e\ufe0f]|</?(?:b|strong|u|i|em)>",
    re.MULTILINE,
)
_RULE = re.compile(r"^[ \t]*(?:\|?[ \t:|-]*---[ \t:|-]*|=+)[ \t]*$", re.MULTILINE)
_ROW = re.compile(r"^[ \t]*\|(.*)\|[ \t]*$", re.MULTILINE)
_TICKED = re.compile(r"^([ \t]*(?:[-*+•]|\d+[.)])?[ \t]*)\[([ xX✅])\][ \t]*", re.MULTILINE)


@cache
def _table() -> dict[int, str]:
    text = resources.files("dsafe_runner.benchmarks").joinpath("data", "simplified.tsv").read_text("utf-8")
    traditional, simplified = [line for line in text.splitlines() if not line.startswith("#")]
    return dict(zip(map(ord, traditional), simplified, strict=True))


def plain(text: str) -> str:
    """NFKC, look-alike letters and traditional characters replaced."""
    return unicodedata.normalize("NFKC", text).translate(_ALIKE).translate(_table())


def normalise(text: str) -> str:
    r"""Plain text without markup; boxed, tagged and JSON answers become `答案是 X` on a line of their own.

    >>> normalise(r"**Answer**: \boxed{B}").split()
    ['Answer:', '答案是', 'B']
    """
    text = plain(text).replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("🅰", "A").replace("🅱", "B")
    text = _EMPTY_THOUGHT.sub("", _TICKED.sub(_ticked, text)).translate(_SIGNS)
    text = _TEX_WORD.sub(r"\1", text)
    text = _BOXED.sub(_announced, text)
    text = _BOX_TOKEN.sub(_announced, text)
    text = _TAG.sub(lambda m: f"\n答案是 {' '.join(m[2].split())} \n", text)
    if "{" in text or '["' in text:
        text = _read_json(text)
    text = _ITEM_TAG.sub("\n", text)
    text = _ROW.sub(lambda m: ": ".join(filter(None, map(str.strip, m[1].split("|")))), _RULE.sub("", text))
    return _MARKS.sub("", text)


def _announced(found: re.Match[str]) -> str:
    return f"\n答案是 {found[1]} \n"


def _ticked(found: re.Match[str]) -> str:
    return f"{found[1]}{MARK_NONE if found[2] == ' ' else MARK_RIGHT} "


def _read_json(text: str) -> str:
    """The answers of JSON objects announced, everything else in them dropped: a list of the options is no choice."""
    body = _FENCE.sub("", text)
    start, end = body.find("{"), body.rfind("}")
    if 0 <= start < end:
        try:
            found = json.loads(body[start : end + 1], strict=False)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            said = "".join(f"\n答案是 {_value(found[key])} \n" for key in found if _KEY.fullmatch(str(key)))
            return body[:start] + said + body[end + 1 :]
    pairs = [f"\n答案是 {re.sub(_QUOTES, '', m[1]) or '空'} \n" for m in _PAIR.finditer(text)]
    if body.lstrip().startswith("{") and '"' in body:  # an object that was cut, or is not quite JSON
        return "".join(pairs)
    return _PAIR.sub(lambda m: f"\n答案是 {re.sub(_QUOTES, '', m[1]) or '空'} \n", text)


def _value(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "、".join(value) or "空"
    return " ".join(value.split()) or "空" if isinstance(value, str) else "空"
