"""Statements about options in a model's output: chosen, rejected, retracted, judged right or wrong.

A cue ("答案是", "故选", "the answer is") says what the option named after it means; its clause says whether the cue
counts at all ("如果选A", "不选A", "答案是A吗？" do not choose A).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from dsafe_runner.benchmarks import mcq_cues as cues
from dsafe_runner.benchmarks.mcq_text import Named, Options

_CAPITAL = re.compile("[A-Z]")


class Strength(IntEnum):
    """How much a choice commits: LIKELY may be part of the reasoning ("选B", "应该是B"), FINAL announces the answer."""

    LIKELY = 1
    FINAL = 2


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement at `pos`. kind: choose, reject, hedge, retract; right, wrong, asserted of an option."""

    pos: int
    kind: str
    indices: tuple[int, ...] = ()
    strength: Strength = Strength.LIKELY
    tentative: bool = False
    contradiction: bool = False


def statements(text: str, options: Options) -> list[Statement]:
    """Every statement about an option, in order of place."""
    found = [*_chosen(text, options), *_rejected(text, options), *_judged(text, options), *_retracted(text)]
    return sorted(found, key=lambda s: (s.pos, s.strength))


def polarity(text: str) -> bool | None:
    """What the last word of approval or disapproval in a passage says; None without one."""
    last = None
    for match in cues.POLARITY.finditer(text):
        last = match.lastgroup == "right"
    return last


def clause_before(text: str, pos: int) -> str:
    """The clause up to `pos`."""
    start = 0
    for match in cues.CLAUSE.finditer(text, max(0, pos - 60), pos):
        start = match.end()
    return text[max(start, pos - 60) : pos]


def _chosen(text: str, options: Options) -> Iterator[Statement]:
    for pattern, strength in ((cues.FINAL, Strength.FINAL), (cues.LIKELY, Strength.LIKELY)):
        for cue in pattern.finditer(text):
            named = options.named_at(text, cue.end())
            if named is None and cue[0].endswith("是"):  # "答案是是": the cue took the option's own word
                named = options.named_at(text, cue.end() - 1)
            if named is None or cues.LABEL.search(text[max(0, cue.start() - 6) : cue.start()]):
                continue
            groups = cue.groupdict()
            if strength is Strength.LIKELY and not _near(text, cue.end(), named):
                continue
            single = len(named.indices) == 1 and not named.by_text
            if groups.get("colon") and not (single and cues.ENDS.match(text, named.end)):
                continue
            # "是B" chooses only where the clause ends with it; "是否" and "是A股" do not even name an option
            if groups.get("be") and not cues.STOPS.match(text, named.end):
                continue
            short = named.by_text and len(options.texts[named.indices[0]]) < 4
            if groups.get("be") and short and not _quoted(text, cue.end()):
                continue
            yield from _meant(text, cue, named, strength)


def _near(text: str, end: int, named: Named) -> bool:
    gap = text[end : named.end].strip(" \n")
    return "\n" not in text[end : named.end].strip(" ") or gap.startswith((":", "："))


def _quoted(text: str, pos: int) -> bool:
    return text[pos : pos + 3].lstrip()[:1] in set("“\"'‘「『")


def _meant(text: str, cue: re.Match[str], named: Named, strength: Strength) -> Iterator[Statement]:
    groups = cue.groupdict()
    before = clause_before(text, cue.start())
    if cues.ASKED.match(text, named.end):
        if "还是" in text[named.end : named.end + 8]:
            yield Statement(cue.start(), "hedge", named.indices, strength)
        return
    if groups.get("no") or groups.get("nay") or groups.get("neg") or cues.NEGATED.search(before):
        yield Statement(cue.start(), "reject", named.indices)
        return
    if cues.NOT_MEANT.search(before + cue[0]):
        return
    if named.alternative or cues.EITHER.search(text[max(0, cue.start() - 16) : cue.start()]):
        yield Statement(cue.start(), "hedge", named.indices, strength)
        return
    wrong = "错" in text[named.end : named.end + 4] and cues.WRONG.match(text, named.end) is not None
    if wrong and strength is Strength.LIKELY and not groups.get("only"):
        yield Statement(cue.start(), "reject", named.indices)
        return
    yield Statement(
        cue.start(), "choose", () if named.outside else named.indices, strength,
        tentative=cues.TENTATIVE.search(before[-6:] + cue[0]) is not None, contradiction=named.contradiction,
    )  # fmt: skip


def _rejected(text: str, options: Options) -> Iterator[Statement]:
    for cue in cues.REJECT.finditer(text):
        named = options.named_at(text, cue.end())
        if named is None or named.by_text or named.outside or cue["keep"]:
            continue
        yield Statement(cue.start(), "reject", named.indices)


def _judged(text: str, options: Options) -> Iterator[Statement]:
    """Letter first: "B正确", "选项A不对", "C is the correct answer"."""
    pos = 0
    while (found := _CAPITAL.search(text, pos)) is not None:
        pos = found.start()
        named = options.letters_from(text, pos)
        if named is not None and not named.outside:
            before = clause_before(text, pos)
            if not cues.NOT_MEANT.search(before) and not cues.ASKED.match(text, named.end):
                yield from _verdict(text, pos, named, before)
        pos = max(named.end if named else pos, pos + 1)


def _verdict(text: str, pos: int, named: Named, before: str) -> Iterator[Statement]:
    if cues.FIRM.match(text, named.end):
        kind = "reject" if cues.NEGATED.search(before) else "hedge" if named.alternative else "choose"
        yield Statement(pos, kind, named.indices, Strength.FINAL)
    elif cues.WRONG.match(text, named.end):
        yield Statement(pos, "wrong", named.indices)
    elif named.alternative:
        if cues.RIGHT.match(text, named.end) or cues.MAY_BE.match(text, named.end):
            yield Statement(pos, "hedge", named.indices)
    elif cues.RIGHT.match(text, named.end):
        concluded = cues.THEREFORE.search(before + text[max(0, pos - 1) : pos]) is not None
        yield Statement(pos, "choose" if concluded else "right", named.indices)
    elif cues.ASSERTS.match(text, named.end):
        yield Statement(pos, "asserted", named.indices)
    elif (opinion := _sentence_opinion(text, named.end)) is not None and cues.SUBJECT.search(before):
        yield Statement(pos, "right" if opinion else "wrong", named.indices)


def _sentence_opinion(text: str, end: int) -> bool | None:
    """"D项传播虚假信息，当选。": approval later in the sentence whose subject the letter is."""
    rest = re.split(r"[。;；\n!！?？]|\.\s", text[end : end + 120], maxsplit=1)[0]
    return None if re.search(r"(?<![A-Za-z])[A-H](?![A-Za-z])", rest) else polarity(rest)


def _retracted(text: str) -> Iterator[Statement]:
    for cue in cues.RETRACT.finditer(text):
        if cues.RETHINK.search(cue["rest"]):
            yield Statement(cue.start() + 1, "retract")
