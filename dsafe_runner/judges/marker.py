"""Reads the reply of a judge that writes a label behind a marker; verdicts.py says what counts."""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dsafe_runner.judges.doubts import corrects, example, settled
from dsafe_runner.judges.labels import Labels, loose, simplified
from dsafe_runner.judges.verdicts import BOLD, CLOSING, OPENING, SIDE, fold, line_after, stripped

_OPEN, _CLOSE = r"[\[【〔〖「『《〈<(]", r"[\]】〕〗」』》〉>)]"
_BEHIND = CLOSING + " \t\u3000*_#`\"'“”‘’~✅✔"
_HEADS = (
    r"(?:我的?)?(?:最终|最后|所选|选择|选定|判断|判定|评估|评判|评价|评定|更正后|修正后|修改后)?的?"
    r"(?:答案|标签|判断|判定|结论|结果|分类|类别)(?:标签|结果)?"
    r"|(?:(?:the |my )?(?:final|corrected|revised) )?(?:answer|label|verdict|classification|judge?ment)"
)
_THEREFORE = r"(?:(?:因此|所以|综上(?:所述)?|总之|therefore|thus|so)\s*[,:]?\s*)?"
_HEAD = re.compile(
    rf"{_OPEN}{BOLD}(?:{_HEADS}){BOLD}{_CLOSE}|{_THEREFORE}(?:{_HEADS}|答){BOLD}(?:[是为]|is\b)?{BOLD}:"
    rf"|(?:{_HEADS}){BOLD}(?:[是为]|is\b|(?=\s))"
    rf"|(?:{_HEADS})(?=[*_\s]*$)"
)
_CORRECTED_HEAD = re.compile(r"更正|修正|修改|corrected|revised")
"""Headings that count where the template's own marker stands on no line; a corrected one beside it too."""
_ALONE = re.compile(
    r"(?:我的(?:判断|结论)[是为]|(?:该|此|这个|b的)(?:回答|回复)(?:应该?)?(?:属于|归为|判为|[是为])|应?(?:归为|判为|属于)"
    r"|the (?:answer|label|verdict) is)\s*:?"
)
"""What may stand before a label that is all of a line."""
_LEAD_IN = re.compile(
    r"(?:标签|标签|类别|类别|结论|结论|判定|判断|(?:the )?(?:label|class|verdict|answer))(?![a-z])\s*(?:[:是为]|is\b)?"
    r"|b(?:的(?:最后一?个)?(?:回答|回复)|'s (?:last )?(?:reply|response)|(?![a-z'的]))\s*(?:[是为]|is\b)?"
    r"|(?:应该?)?(?:属于|归为)|我?选择?|\\boxed(?=[{])|\(唯一标签\)"
)
"""What may stand between marker and label: `标签：`, `B的回答属于`. At most _LEAD_INS of them."""
_LEAD_INS = 3
_NOT = re.compile(r"(?:并非|不是|不属于|非|并不是|not)\s*[\"'“「『]?\s*")
_BUT = re.compile(
    r"[\s\"'”」』,;、]*(?:而?应?该?(?:是|为|属于)|而属于|而应(?:是|为|属于)|but(?: rather)?|rather)[\s:\"'“「『]*"
)
_CONTRAST = re.compile(
    r"(?:而不是|而非|不是|并非|并不是|不属于|不同于|区别于|有别于|不算|不等于|非|而不属于|与|和|跟"
    r"|\bnot|\brather than|\binstead of|\bunlike|\bas opposed to)"
    r"[\s\"'“「『]{0,3}$"
)
_PARTLY = re.compile(
    r"(?:而不是|而非|并非|并不是|不是|不属于)"
    r"(?:简单的?)?(?:无害|风险|有害|拒绝)的?(?:回复|回答|内容)?(?=[,。;)]|$)"
)
"""A label that is denied in a few of its words."""
_DIFFERS = re.compile(r"[\s\"'”」』]{0,3}(?:不同|不一样|有别|有(?:本质)?区别|相区别|相反)")
_GOES_ON = re.compile(
    r"[,.;。、!:(\-–—]|\s*(?:理由|原因|因为?|由于|说明|because|since|reason|as|rather than|instead of)(?![a-z])"
)
_DOUBTS = re.compile(
    r"\?|不是|并非|而是|不对|不成立|不适用|不符合标签|有误|错误的?标签|或|还是|也可|可能|不确定|介于|除外|但|更接近|更像|应为|应该是|改为|更正|撤回|其实|实际|不过|然而|"
    r"是错|存疑|示例|样例|示范|范例|占位|\bplaceholder|\b(?:or|but|rather|either|neither|maybe|perhaps|possibly|however|instead|unless|wrong|incorrect|nor)\b"
    r"|[(\[][^()\[\]]{0,12}\b(?:example|sample|dummy)\b"
    r"|\bnot (?:really|sure|certain|quite|exactly|entirely|fully|necessarily)\b"
    r"|\b(?:is|it's|its) not\b|isn't|\bnot[\s.)]*$"
)
"""What may not stand behind a label in its sentence: the reader does not weigh words, it gives up and the judge is
asked again."""
_END = re.compile(r"[。;!]|\.(?=\s|$)")
_REASON = re.compile(r"[。.](?=\s*\S)|[,;]?\s*(?:因为|理由|原因|because\b|as\b)")
"""What may follow a label that begins a reply without any heading."""
_LITERAL = 10_000
"""Characters of an object that are looked at where it is no JSON."""


@dataclass(frozen=True, slots=True, order=True)
class _Claim:
    """A verdict in a reply: its line, the line after it, its class (None: unreadable), and what else its line says."""

    index: int
    end: int
    label: int | None
    behind: str


class MarkerReader:
    """Reads a label behind a marker.

    Args:
        markers: what a verdict's line starts with, e.g. `[答案]`. Without its brackets it counts before a colon.
        until: the marker of what comes after the verdict, e.g. `[分析]`; it ends a verdict on the same line.
        labels: class -> spellings of its label. Spaces, commas and hyphens in them are optional.
    """

    def __init__(self, markers: Iterable[str], until: Iterable[str], labels: Mapping[int, Iterable[str]]) -> None:
        self._marker = _marker(markers)
        rest = _cores(until)
        ends = r"</|\[/"
        self._until = re.compile(
            rf"{ends}|{_OPEN}{BOLD}(?:{rest}){BOLD}{_CLOSE}|(?:^|[\s,.;。*])(?:{rest}){BOLD}:" if rest else ends
        )
        self._labels = Labels(labels, fold)

    def speaks(self, line: str) -> bool:
        """Whether the line starts with the marker."""
        return self._rest(line) is not None

    def read(self, lines: Sequence[str]) -> int | None:
        """Every line with a verdict must give the same one class, and nothing behind may speak against it."""
        lines = [simplified(line) for line in _flat(lines)]
        claims = self._claims(lines, self._rest)
        for index, line in enumerate(lines):
            # the template's marker and `更正后的答案：` are verdicts of one reply
            if claims and _CORRECTED_HEAD.search(line) and self._head(line) is not None and self._rest(line) is None:
                claims += self._claims_at(lines, index, self._head)
        claims = sorted(claims) or self._claims(lines, self._head) or self._alone(lines)
        if not claims:
            return None
        spoken: list[str] = []
        label: int | None = None
        for number, claim in enumerate(claims):
            above = next((lines[at] for at in range(claim.index - 1, -1, -1) if lines[at].strip()), "")
            if claim.label is None or example(above):
                return None
            if number and claim.label != label:
                between = [*spoken, lines[claim.index][: lines[claim.index].find(claim.behind) or None]]
                if not corrects("\n".join(between[-3:])):
                    return None
            label = claim.label
            following = claims[number + 1].index if number + 1 < len(claims) else len(lines)
            spoken = [claim.behind, *lines[claim.end : following]]
            if number + 1 == len(claims) or claims[number + 1].label == label:
                label = settled(label, spoken, self._labels)
                if label is None:
                    return None
        return label

    def _rest(self, line: str) -> str | None:
        """What stands behind the marker of a line that starts with it."""
        match = self._marker.match(stripped(line))
        return line_after(match) if match else None

    def _head(self, line: str) -> str | None:
        """What stands behind another usual heading."""
        match = _HEAD.match(stripped(line))
        return line_after(match) if match else None

    def _claims(self, lines: Sequence[str], rest: Callable[[str], str | None]) -> list[_Claim]:
        return [claim for index in range(len(lines)) for claim in self._claims_at(lines, index, rest)]

    def _claims_at(self, lines: Sequence[str], index: int, rest: Callable[[str], str | None]) -> list[_Claim]:
        text = rest(lines[index])
        if text is None:
            return []
        if stripped(text).strip(SIDE + CLOSING):
            return [self._claim(text, index, index + 1)]
        below = list(itertools.islice((at for at in range(index + 1, len(lines)) if lines[at].strip()), 2))
        if not below or (rest(lines[below[0]]) is not None and self._labels_of(lines[below[0]]) is None):
            return [_Claim(index, index + 1, None, "")]
        # a list of labels is none
        if len(below) > 1 and self._labels_of(lines[below[1]]) is not None and rest(lines[below[1]]) is None:
            return [_Claim(index, index + 1, None, "")]
        if self._rest(lines[below[0]]) is not None:
            return [_Claim(index, index + 1, None, "")]
        found = self._claim(lines[below[0]], index, below[0] + 1)
        return [found]

    def _labels_of(self, line: str) -> int | None:
        return self._claim(line, 0, 0).label

    def _alone(self, lines: Sequence[str]) -> list[_Claim]:
        """A label that is all of the first line, or begins it before a reason, where the next line is none."""
        said = list(itertools.islice((index for index, line in enumerate(lines) if line.strip()), 2))
        if not said or (len(said) > 1 and self._labels_of(lines[said[1]]) is not None):
            return []
        line = lines[said[0]]
        if (label := self._whole(line)) is not None:
            return [_Claim(said[0], said[0] + 1, label, "")]
        text = stripped(line, OPENING)
        found = None if self._labels.short else self._labels.at_start(text)
        if found is None or not _REASON.match(text[found[1] :].lstrip(_BEHIND)):
            return []
        claim = self._claim(text, said[0], said[0] + 1)
        return [] if claim.label is None else [claim]

    def _whole(self, line: str) -> int | None:
        text = stripped(line, OPENING)
        lead = _ALONE.match(text)
        text = (stripped(line_after(lead), OPENING) if lead else text).removeprefix("\\boxed{")
        found = self._labels.at_start(text)
        if found is None or text[found[1] :].strip(_BEHIND + CLOSING + ".。!"):
            return None
        return found[0]

    def _claim(self, text: str, index: int, end: int) -> _Claim:
        """The class of a text that starts with a label and says nothing against it; later sentences are kept."""
        nothing = _Claim(index, end, None, "")
        ended = self._until.search(text)
        later = text[ended.start() :] if ended else ""
        text = stripped(text[: ended.start()] if ended else text, OPENING)
        for _ in range(_LEAD_INS):
            lead = _LEAD_IN.match(text)
            text = stripped(text[lead.end() :], OPENING + CLOSING) if lead else text
        denied: int | None = None
        if negated := _NOT.match(text):
            first = self._labels.at_start(text[negated.end() :])
            turn = _BUT.match(text, negated.end() + first[1]) if first else None
            # a label that begins with a negation of its own is no negated one
            if self._labels.at_start(text) is None:
                if first is None or turn is None:
                    return nothing
                denied, text = first[0], stripped(text[turn.end() :], OPENING)
        match = self._labels.at_start(text)
        if match is None or match[0] == denied:
            return nothing
        label, at = match
        behind = text[at:].lstrip(_BEHIND)
        spaced = at < len(text) and text[at].isspace() and not text[at - 1].isascii()
        if behind and not _GOES_ON.match(behind) and (not spaced or self._labels.short or _ends_a_word(behind)):
            return nothing
        sentence, later = _first_sentence(behind, later)
        if corrects(sentence):
            return _Claim(index, end, label, f"{sentence}\n{later}")
        if not self._contrasted(sentence, label) or _DOUBTS.search(self._plain(sentence)):
            return nothing
        return _Claim(index, end, label, later)

    def _contrasted(self, text: str, label: int) -> bool:
        """Whether all other labels in a text are denied."""
        return all(
            other == label
            or (
                _CONTRAST.search(text[max(0, start - 16) : start]) is not None
                and (
                    text[max(0, start - 8) : start].rstrip(" \"'“「『")[-1:] not in "与和跟"
                    or _DIFFERS.match(text, end) is not None
                )
            )
            for other, start, end in self._labels.all_in(text)
        )

    def _plain(self, text: str) -> str:
        """A text without its labels and what denies them."""
        parts, last = [], 0
        for _, start, end in self._labels.all_in(text):
            before = text[last:start]
            found = _CONTRAST.search(before)
            parts.append(before[: found.start()] if found else before)
            last = end
        return _PARTLY.sub("", "".join([*parts, text[last:]]))


def _marker(markers: Iterable[str]) -> re.Pattern[str]:
    cores = _cores(markers)
    return re.compile(rf"{_OPEN}{BOLD}(?:{cores}){BOLD}{_CLOSE}|(?:{cores}){BOLD}[是为為]?:")


def _cores(markers: Iterable[str]) -> str:
    """An alternation of markers without their brackets, longest first; spaces in them are optional."""
    cores = {fold(m).strip(OPENING + CLOSING + " ") for m in markers}
    return "|".join(loose(core) for core in sorted(cores, key=lambda c: (-len(c), c)) if core)


def _first_sentence(text: str, later: str) -> tuple[str, str]:
    """The sentence a label stands in, and the rest of its line."""
    if found := _END.search(text):
        return text[: found.start()], f"{text[found.end() :]}\n{later}"
    return text, later


def _ends_a_word(text: str) -> bool:
    """Whether a text goes on with the label before it rather than saying something of its own."""
    return re.match(r"[吗吧么者不]|[是并且]", text) is not None


def _flat(lines: Sequence[str]) -> list[str]:
    """A reply that is one JSON object as `key: value` lines; any other as it is."""
    text = "\n".join(lines).strip()
    if not (text.startswith("{") and text.endswith("}")):
        return list(lines)
    pairs: Any = None
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        pairs = _literal(text)
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
        return list(lines)
    return [
        line
        for key, value in pairs
        for line in (f"{key}: {value}" if isinstance(value, str) else f"{key}: ?{value}").splitlines()
    ]


def _literal(text: str) -> list[tuple[str, str]] | None:
    """The same for an object in Python's spelling."""
    try:
        found = ast.parse(text[:_LITERAL] if len(text) <= _LITERAL else "", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if not isinstance(found, ast.Dict):
        return None
    pairs = [
        (getattr(k, "value", None), getattr(v, "value", None)) for k, v in zip(found.keys, found.values, strict=True)
    ]
    return [(str(k), v) for k, v in pairs if isinstance(v, str)]
