"""What the layout of an answer says: bare letters on a line of their own, lists of the options."""

from __future__ import annotations

import re

from dsafe_runner.benchmarks.mcq_text import OPENERS, Options, squeeze

Reading = tuple[tuple[int, ...], str]
"""Indices of the options read, and how; no indices where the line contradicts itself."""

# "B." or "选项B：" opening a line or a clause; "A、B和C" is no opening
_LEAD = re.compile(
    r"(?:^|(?<=[\n。;；,，!！]))[ \t]*(?:[-•·]|\d+[.)])?[ \t]*\(?(?:选项|option )?([A-Z])(?:选项|项)?\)?[ \t]*"
    r"(?:(?:[.:)(—-]+|、(?!\s*[A-Z](?![A-Za-z])))[ \t]*|(?=[√✓✅✔×✗❌✘✖]))",
    re.IGNORECASE,
)
_INLINE_LEAD = re.compile(r"(?<![A-Za-z0-9])\(?([A-Z])\)?[ \t]*[.、:)][ \t]*")
_EDGE = " \t\n\"'“”‘’「」『』《》<>[]【】(){}.。,，;；:!！、…~-—*·•✅✔☑√👉"
_ADVERB = re.compile(
    r"^(?:definitely|clearly|obviously|surely|certainly|probably|yes,|"
    r"显然是?|肯定是?|当然是?|应该是?|我猜是?|无疑是?|毫无疑问,?)[\s,:]*",
    re.IGNORECASE,
)
_REPEATED = re.compile(r"^(.{1,20}?)(?:[\s,，。]*\1){2,}$")  # a small model in a loop
_LISTED = re.compile(r"^\s*(?:[-•·>]|\d+[.)])\s+")
_AFTER_ANSWER = re.compile(r"(?:[都均皆全](?:对|正确|选|是|可以?)的?|选项|项|的|吧|的吧|无疑)")
_REASONED = re.compile(r"\s*\(?([A-Z])\)?\s*[,，]?\s*(?:因为|理由|\bbecause\b|\bsince\b)")
_HEAD_CHARS = 12
"""Longest opening clause that can be the whole answer ("是的，这种行为……")."""


def bare(line: str, item: Options, *, letters_only: bool = False) -> tuple[int, ...] | None:
    """Options named if the line is nothing else: letters, a letter with its own text, or an option's text."""
    line = _ADVERB.sub("", _LISTED.sub("", line).strip(_EDGE))
    line = _REPEATED.sub(r"\1", line)
    if not line:
        return None
    start = OPENERS.match(line).end()  # type: ignore[union-attr]  # matches the empty string
    named = item.named_at(line, start)
    if named is None or named.outside or named.alternative or named.contradiction:
        return None
    rest = line[named.end :].strip(_EDGE)
    if named.by_text and re.fullmatch(r"[A-Z]", rest):  # "Yes (A)"
        return named.indices if ord(rest) - 65 == named.indices[0] else None
    if rest and not _AFTER_ANSWER.fullmatch(rest):
        return None
    if letters_only and (named.by_text or len(re.sub("选项|项|option|choice", "", squeeze(line))) > len(named.indices)):
        return None
    return named.indices


def leads(text: str, item: Options) -> list[tuple[int, int, int]]:
    """Places where an option is listed: (index, start of its block, end of the block)."""
    marks = [(ord(m[1].upper()) - 65, m.start(), m.end()) for m in _LEAD.finditer(text)]
    for m in _INLINE_LEAD.finditer(text):
        index = ord(m[1]) - 65
        own = item.text_at(text, m.end(), whole=False) if index < item.count else None
        if own and own[0] == index and all(not a <= m.start(1) < b for _, a, b in marks):
            marks.append((index, m.start(), m.end()))
    marks = sorted((m for m in marks if m[0] < item.count), key=lambda m: m[1])
    ends = [m[1] for m in marks[1:]] + [len(text)]
    return [(index, after, end) for (index, _, after), end in zip(marks, ends, strict=False)]


def ends_with_options(text: str, item: Options) -> bool:
    """Whether the last things listed are the options themselves, all of them."""
    listed = [index for index, _, _ in leads(text, item)]
    return len(listed) >= 2 and listed[-item.count :] == list(range(item.count))


def by_line(text: str, item: Options) -> Reading | None:
    """A bare last or first line, an opening word, or a single "B. ..." line; what repeats the options is no answer."""
    lines = [line for line in text.splitlines() if line.strip(_EDGE)]
    if not lines:
        return None
    places = leads(text, item)
    listed = [index for index, _, _ in places]
    in_list = _runs(listed)
    alone = [index for n, index in enumerate(listed) if n not in in_list]
    if not in_list and len(set(alone)) > 1 and len(lines) == len(alone):
        return tuple(alone), "lines"
    last = _last(lines[-1], item)
    several = last is not None and len(last) > 1
    repeats = bool(listed) and len(listed) - 1 in in_list and (opens_option(lines[-1]) or several)
    if last is not None and not repeats:
        return last, "last line"
    if (first := _first(lines[0], item, in_list)) is not None:
        return first
    if len(set(alone)) != 1:
        return None
    index = alone[0]
    after = next(a for n, (i, a, _) in enumerate(places) if i == index and n not in in_list)
    other = item.text_at(text, after)
    if other is not None and other[0] != index:
        return (), "letter and text contradict"
    leading = opens_option(lines[0]) and listed[0] == index
    if leading or (len(listed) == 1 and after < 6 and "\n" not in text[: after - 1]):
        return (index,), "first line"
    return None


def _last(line: str, item: Options) -> tuple[int, ...] | None:
    if (whole := bare(line, item)) is not None:
        return whole
    sentences = [s for s in re.split(r"[。!！?？→⇒]", line) if s.strip(_EDGE)]
    return bare(sentences[-1], item) if len(sentences) > 1 else None


def _first(line: str, item: Options, in_list: set[int]) -> Reading | None:
    whole = bare(line, item)
    if whole is not None and not (0 in in_list and opens_option(line)):
        return whole, "first line"
    head = re.match(r"[^。,，;；.!！:\n]*", line)
    clause = bare(head[0], item) if head and len(squeeze(head[0])) <= _HEAD_CHARS and not opens_option(line) else None
    if clause is not None:
        return clause, "first words"
    reason = _REASONED.match(line)
    if reason and ord(reason[1]) - 65 < item.count:
        return (ord(reason[1]) - 65,), "first words"
    return None


def opens_option(line: str) -> bool:
    """Whether the line begins like a listed option: "B. ...", "选项B：..."."""
    return _LEAD.match(line) is not None


def _runs(listed: list[int]) -> set[int]:
    """Places in a sequence of listed options that belong to a list A, B, C ... of at least two."""
    inside: set[int] = set()
    for start, first in enumerate(listed):
        end = start + 1
        while first == 0 and end < len(listed) and listed[end] == listed[end - 1] + 1:
            end += 1
        if end - start >= 2:
            inside.update(range(start, end))
    return inside
