"""Claims about options in a model's output, sentence by sentence: announced, picked, judged right or wrong, taken back.

A claim counts only where the writer makes it: what is supposed, asked, reported of others or given as an example claims
nothing. No claim reaches beyond its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from dsafe_runner.benchmarks.choice import words
from dsafe_runner.benchmarks.choice.lines import bare
from dsafe_runner.benchmarks.choice.text import Named, Options

Kind = Literal["announced", "picked", "right", "wrong", "retracted"]
_SENTENCE_END = re.compile(r"[。！!？?;；]+|…+|\.{3,}|\.(?=\s|$)")
_CLAUSE_END = re.compile(r"[。！!？?;；\n,，:]|\.(?=\s|$)|\.\.\.|…|——| - |[)）】\]]")
_LEAD_BEFORE = re.compile(r"(?:^|[\n,，;；。:：(])\s*(?:[-•·]\s*)?(?:选项|option )?(?:[A-Z]|\d{1,2})$", re.IGNORECASE)
_SUBJECT = re.compile(r"the (?:first|second|third|fourth)\b|[A-Z]|第[一二三四五六七八1-8]|[前后]者", re.IGNORECASE)
_CLOSING = re.compile('[”」』"]')
_SCOPE_CHARS = 240
"""How far a supposition or a quotation reaches within a sentence."""
_OWN_CHARS = 48
"""Longest clause before an answer that is looked through for whose answer it is."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim. `line` counts the non-blank lines; `final`: it says of itself that it concludes.

    unsettled: it names options without settling on what can be one answer ("A或B", a letter with another's text), or
    announces a second look that takes nothing back yet.
    """

    kind: Kind
    line: int
    indices: tuple[int, ...] = ()
    unsettled: bool = False
    final: bool = False
    how: str = "stated"


def sentences(line: str, item: Options) -> Iterator[str]:
    """The sentences of one line, end marks included. `A. <text>` is not torn apart."""
    start = 0
    for end in _SENTENCE_END.finditer(line):
        if end[0] == ".":
            label = _LEAD_BEFORE.search(line[max(start, end.start() - 12) : end.start()])
            own = item.text_at(line, min(len(line), end.end() + 1), whole=False)
            if label or (own and line[end.start() - 1 : end.start()].isupper()):
                continue
        if line[end.end() : end.end() + 1] in tuple("”’」』") and line[end.end() + 1 :].strip():
            continue  # the sentence goes on behind the quotation
        yield line[start : end.end()]
        start = end.end()
    if line[start:].strip():
        yield line[start:]


def meant(before: str) -> bool:
    """Whether the writer means what follows `before` in its sentence."""
    before = before[-_SCOPE_CHARS:]
    turn = 0
    for found in words.TURN.finditer(before):
        turn = found.start()
    if words.SUPPOSED.search(before, turn) is not None:
        return False
    return words.ASIDE.search(clause_before(before, len(before))) is None


def _quoted(text: str, pos: int) -> bool:
    """Whether `pos` stands in a quotation that is not all there is: somebody's words."""
    text, pos = text[max(0, pos - _SCOPE_CHARS) : pos + _SCOPE_CHARS], min(pos, _SCOPE_CHARS)
    opened = max(text.rfind(mark, 0, pos) for mark in "“「『")
    if text.count('"', 0, pos) % 2 == 1:
        opened = max(opened, text.rfind('"', 0, pos))
    elif opened <= max(text.rfind(mark, 0, pos) for mark in "”」』"):
        return False
    closed = _CLOSING.search(text, pos)
    outside = text[:opened] + (text[closed.end() :] if closed else "")
    return re.search(r"\w", outside) is not None


def clause_before(text: str, pos: int) -> str:
    """The clause up to `pos`."""
    start = 0
    for found in _CLAUSE_END.finditer(text, max(0, pos - 60), pos):
        start = found.end()
    return text[max(start, pos - 60) : pos]


def claims(sentence: str, line: int, item: Options) -> list[Claim]:
    """All claims of one sentence, in order of place."""
    asked = sentence.rstrip("\"'”’ ").endswith(("?", "？")) or re.search("[吗呢][。!]?$", sentence.rstrip()) is not None
    found = list(_retractions(sentence, line, item))
    if not asked:
        found += _announced(sentence, line, item)
        found += _picked(sentence, line, item)
        found += _judged(sentence, line, item)
        found += _rejected(sentence, line, item)
    return [claim for _, claim in sorted(found, key=lambda pair: pair[0])]


def _retractions(text: str, line: int, item: Options) -> Iterator[tuple[int, Claim]]:
    for found in words.CORRECTION.finditer(text):
        changed = "改" in found[0] or "修正" in found[0]
        if not meant(text[: found.start()]) and not words.OWN_PAST.search(text, 0, found.start()):
            continue
        if changed and item.named_at(text, found.end()) is None:  # the question may be changed as well
            continue
        yield found.start(), Claim("retracted", line, unsettled=found["weak"] is not None)
        corrected = bare(text[found.end() :], item)
        if corrected is not None and words.SAYS_NEXT.search(found[0]):
            yield found.end(), Claim("announced", line, corrected, final=True, how="corrected")


def _claim(kind: Kind, line: int, named: Named, *, final: bool = False, how: str = "stated") -> Claim:
    unsettled = named.alternative or named.contradiction
    return Claim(kind, line, () if named.outside else named.indices, unsettled, final, how)


def _announced(text: str, line: int, item: Options) -> Iterator[tuple[int, Claim]]:
    for cue in words.ANNOUNCE.finditer(text):
        named = item.named_at(text, cue.end())
        if named is None and cue[0].endswith("是") and text.startswith("。", cue.end()):  # the answer is "是"
            named = item.named_at(text, cue.end() - 1)
        elif text.startswith((",", "、"), cue.end()):  # "B是正确答案，A是干扰项"
            continue
        before = text[max(0, cue.start() - _SCOPE_CHARS) : cue.start()]
        if named is None or words.LABEL.search(before[-6:]) or not _stands(text, cue, named):
            continue
        clause = clause_before(text, cue.start())
        # "D. ... 答案：B"
        label = before.endswith((" ", "\t")) and cue[0].startswith("答案") and text.startswith(":", cue.end())
        if not label and (len(clause) > _OWN_CHARS or not words.own(clause)):
            continue
        if _open(text, cue, named, item):
            yield cue.start(), Claim("announced", line, named.indices, unsettled=True)
            continue
        groups = cue.groupdict()
        if groups.get("no") or groups.get("nay") or words.NEGATED.search(before[-12:]):
            yield cue.start(), _claim("wrong", line, named)
            continue
        final = words.MARKED_FINAL.search(before[-12:] + cue[0]) is not None
        yield cue.start(), _claim("announced", line, named, final=final, how="final answer")


def _stands(text: str, cue: re.Match[str], named: Named) -> bool:
    """Whether a claim about `named` is the writer's, neither asked nor supposed nor disowned."""
    return (
        meant(text[: cue.end()])
        and not _quoted(text, cue.start())
        and not words.ASKED.match(text, named.end)
        and not words.UNSURE.match(text, named.end)
        and not words.DISOWNED.match(text, named.end)
    )


def _open(text: str, cue: re.Match[str], named: Named, item: Options) -> bool:
    """Whether a tentative claim is one of several: "也许是A，也许是B"."""
    if not words.TENTATIVE.search(text[max(0, cue.start() - 6) : cue.end()]):
        return False
    others = (item.named_at(text, found.end()) for found in words.TENTATIVE_IS.finditer(text, named.end))
    return any(other is not None and other.indices != named.indices for other in others)


def _picked(text: str, line: int, item: Options) -> Iterator[tuple[int, Claim]]:
    for cue in words.CHOOSE.finditer(text):
        before = clause_before(text, cue.start())
        named = item.named_at(text, cue.end())
        if named is not None and _stands(text, cue, named):
            yield from _choosing(text, line, cue, before, named)
    for pattern in (words.BECOMES, words.ONLY, words.PICK_EN, words.THUS):
        for cue in pattern.finditer(text):
            named = item.named_at(text, cue.end())
            before = "" if cue[0].startswith("而") else clause_before(text, cue.start())
            if named is None or not _stands(text, cue, named):
                continue
            if words.LABEL.search(text[max(0, cue.start() - 6) : cue.start()]):
                continue
            if pattern is words.BECOMES:
                if cue["neg"] or not words.STOPS.match(text, named.end) or not words.SUBJECT_OF.search(before):
                    continue
                if named.by_text and len(item.texts[named.indices[0]]) < 3 and before.strip() and "应" not in cue[0]:
                    continue
            elif (
                words.NEGATED.search(before)
                or words.WRONG.match(text, named.end)
                or (pattern in (words.PICK_EN, words.THUS) and not words.STOPS.match(text, named.end))
                or (pattern is words.THUS and named.by_text)
            ):
                continue
            if pattern is words.BECOMES and cue["left"] and len(named.indices) > 1:  # "剩下B和C" goes on
                yield cue.start(), Claim("picked", line, named.indices, unsettled=True)
                continue
            concluding = words.THEREFORE.search(before + cue[0]) is not None
            yield cue.start(), _claim("announced" if concluding else "picked", line, named, final=concluding)


def _choosing(text: str, line: int, cue: re.Match[str], before: str, named: Named) -> Iterator[tuple[int, Claim]]:
    if words.NEGATED.search(before):
        yield cue.start(), _claim("wrong", line, named)
    elif words.EITHER.search(text[max(0, cue.start() - 16) : cue.start()]):
        yield cue.start(), Claim("picked", line, named.indices, unsettled=True)
    elif len(before) <= _OWN_CHARS and words.own(before) and not words.WRONG.match(text, named.end):
        concluding = words.THEREFORE.search(before) is not None
        yield cue.start(), _claim("announced" if concluding else "picked", line, named, final=concluding)


def _judged(text: str, line: int, item: Options) -> Iterator[tuple[int, Claim]]:
    """Option first: "B正确", "选项A不对", "C is the correct answer"."""
    own = item.text_at(text, 0)
    if own is not None and words.FIRM.match(text, own[1]):
        yield 0, Claim("announced", line, (own[0],), how="final answer")
    pos = 0
    while (found := _SUBJECT.search(text, pos)) is not None:
        pos = found.start()
        named = item.letters_from(text, pos) if found[0].isupper() and len(found[0]) == 1 else item.named_at(text, pos)
        usable = named is not None and not named.outside and not named.by_text
        if named is not None and usable and meant(text[:pos]) and not _quoted(text, pos):
            claim = _verdict(text, line, named, text[:pos])
            if claim is not None and not words.EXCEPT.search(text[:pos]) and not words.ASKED.match(text, named.end):
                yield pos, claim
        pos = max(named.end if named else pos, pos + 1)


def _verdict(text: str, line: int, named: Named, before: str) -> Claim | None:
    if named.alternative:
        said = words.RIGHT.match(text, named.end) or _rest_opinion(text, named.end) is not None
        return _claim("picked", line, named) if said else None
    if words.FIRM.match(text, named.end):
        kind: Kind = "wrong" if words.NEGATED.search(before) else "announced"
        return _claim(kind, line, named, how="final answer")
    if words.WRONG.match(text, named.end):
        return Claim("wrong", line, named.indices)
    if words.RIGHT.match(text, named.end):
        if words.THEREFORE.search(clause_before(text, len(before))):
            return _claim("picked", line, named)
        return Claim("right", line, named.indices)
    opinion = _rest_opinion(text, named.end)
    if opinion is not None and re.search(r"(?:^|[而但其中则和\s、,，])(?:选项|option\s*)?$", before, re.IGNORECASE):
        return Claim("right" if opinion else "wrong", line, named.indices)
    return None


def _rest_opinion(text: str, end: int) -> bool | None:
    """Approval later in the sentence whose only subject the letter is: "D项传播虚假信息，当选。"."""
    rest = text[end : end + 120]
    return None if re.search(r"(?<![A-Za-z])[A-H](?![A-Za-z])", rest) else polarity(rest)


def _rejected(text: str, line: int, item: Options) -> Iterator[tuple[int, Claim]]:
    for cue in words.REJECT.finditer(text):
        named = item.named_at(text, cue.end())
        if named is not None and not named.by_text and not named.outside and meant(text[: cue.start()]):
            yield cue.start(), Claim("wrong", line, named.indices)
    if item.count != 2 or item.polar is not None:
        return
    for cue in words.DENIED.finditer(text):
        said = item.text_at(text, cue.end())
        if said is not None and words.DENIED_ENDS.match(text, said[1]) and meant(text[: cue.start()]):
            yield cue.start(), Claim("wrong", line, (said[0],))


def polarity(text: str) -> bool | None:
    """What the last word of approval or disapproval in a passage says; None without one."""
    last = None
    for match in words.POLARITY.finditer(text):
        last = match.lastgroup == "right"
    return last
