"""The alphabet of multiple-choice answers: option letters and option texts.

Everything here answers one question: which options does the text name at this position? What the naming means
(chosen, rejected, only mentioned) is decided in `mcq_claims.py`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from dsafe_runner.benchmarks.choice.markup import plain

# Words that make the letter before them something else than an option: A股, B超, C语言, A公司, D某.
_NOT_OPTION_BEFORE = (
    "股|超|语言|端|站|轮|盘|面(?!项)|级|国|公司|企业|市|城|区|省|某|先生|女士|同学|老师|君|校|店|厂|座|栋|"
    "罩杯|杯|队|组|班|照|证|"
    "型|字|大调|小调|员工|用户|客户|村|县|镇|品牌|平台|网站|软件|医院|大学|医生|教授|学生|打印|族|粉|车|罗|"
    "位|楼|地(?!域)|厅|"
    "柱|栏|球|货|套餐|计划|方案|学校|商家|品|款|单位|商场|人(?!身|格)|男|女|方(?!案|法)|点(?!评)"
)
_AFTER = re.compile(rf"\s?(?:{_NOT_OPTION_BEFORE})")
_BEFORE = re.compile(
    r"(?:维生素|乙型|甲型|血型|甲方|乙方|丙方|方案|计划|vitamin|hepatitis|plan|grade|class|type|group|company|"
    r"person|user|team|party|mr\.|ms\.)\s?$",
    re.IGNORECASE,
)
_INSIDE_WORD = re.compile(r"[A-Za-z0-9_°]\Z|[A-Za-z0-9]['’-]\Z")
_NUMBERED = re.compile(r"(?:\A|[;；\n。])\s*\d{1,2}\Z")  # "①A错误;②B正确" after NFKC
_LETTERS = re.compile(r"[A-Z]{1,8}(?![A-Za-z0-9_°]|['’-][A-Za-z0-9])")
_LOWER = re.compile(r"[a-h](?=\s*(?:$|[)\].,:;\"'。、，；}】>\n]))")
# `A` before one of these is an option; before any other lower-case English word it is the article.
_ARTICLE = re.compile(
    r"\s+(?!(?:is|are|was|were|because|as|since|and|or|not|but|which|for|due|would|should|can|could|may|does|"
    r"seems|alone|only|here|with|if|violates|correctly|best|over|instead|too|also|"
    r"both)\b)[a-z]"
)
_PRONOUN = re.compile(r"['’]|\s+[a-z]")
OPENERS = re.compile(r"[\s\"'“”‘’「」『』《》〈〉<>\[\]【】(){}:=\-—–→⇒~,，.✅]*")
_NOUN = re.compile(r"(?:选项|选择|the\s+|both\s+)?(?:选项|option|choice|letter|alternative)?\s*", re.IGNORECASE)
_CLOSERS = re.compile(
    r"[ \t\"'“”‘’」』》\])】}]*(?:这个|这一)?(?:选项|项(?!目)|option\b)?[ \t\"'”’」』)\]】]*", re.IGNORECASE
)
_DELIMITER = re.compile(r"[ \t]*[.、:,，(\-—–]*[ \t\"'“‘「『(]*")
_AND = re.compile(r"[ \t]*(?:和|与|及|以及|、|/|&|\+|,|，|\band\b|,\s*and\b|同|跟|并)[ \t]*")
_LIST_GOES_ON = re.compile(
    r"\s*(?:$|[。.;；\n)\]】!]|[,，、]?\s*(?:and\b|or\b|和|与|及|或)|[,，、]\s*[A-Z]\b|[都均两]|选项|项)"
)
_SPACED_LIST = re.compile(r"\s*(?:$|[。.;；\n)\]】!]|\s[A-Z]\b|[都均两])")
_SPACE = re.compile(r"(?<=[ \t])(?=[A-Z](?![A-Za-z]))")
_OR = re.compile(r"[ \t,，]*(?:或者?是?|还是|抑或|\bor\b|/(?=\s*[A-Z]\b))[ \t]*")
_ORDINAL = re.compile(
    r"第([一二三四五六七八1-8])(?:个|项|条|种)?(?:选项)?|(前者|后者)|the (first|second|third|"
    r"fourth) (?:option|choice|one)\b",
    re.IGNORECASE,
)
_ORDINALS = {c: i % 8 for i, c in enumerate("一二三四五六七八12345678")} | {
    "前者": 0,
    "后者": 1,
    "first": 0,
    "second": 1,
    "third": 2,
    "fourth": 3,
}

_YES = frozenset(
    [
        "是",
        "是的",
        "对",
        "对的",
        "正确",
        "正确的",
        "属于",
        "会",
        "有",
        "真",
        "成立",
        "肯定",
        "肯定的",
        "yes",
        "true",
        "correct",
        "right",
    ]
)
_NO = frozenset(
    [
        "否",
        "不是",
        "不是的",
        "不",
        "不对",
        "不对的",
        "错误",
        "错误的",
        "错",
        "错的",
        "不正确",
        "不正确的",
        "不属于",
        "不会",
        "没有",
        "假",
        "不成立",
        "否定",
        "否定的",
        "no",
        "false",
        "incorrect",
        "wrong",
    ]
)


@dataclass(frozen=True, slots=True)
class Named:
    """Options named at a place: their indices, where the naming ends, and how several are joined.

    alternative   joined by "or": a choice between them, not all of them
    contradiction a letter stands next to another option's text
    outside       a letter the item does not have
    """

    indices: tuple[int, ...]
    end: int
    alternative: bool = False
    contradiction: bool = False
    outside: bool = False
    by_text: bool = False


def squeeze(text: str) -> str:
    """Letters, digits and symbols only, case folded: what option texts are compared by."""
    return "".join(c for c in plain(text).casefold() if _counts(c))


def _counts(char: str) -> bool:
    return unicodedata.category(char)[0] not in "PZC"


class Options:
    """The options of one item, as something that can be read at a place in normalised text."""

    def __init__(self, texts: tuple[str, ...]) -> None:
        self.count = min(len(texts), 26)
        self.texts = tuple(squeeze(t) for t in texts[: self.count])
        yes = [i for i, t in enumerate(self.texts) if t in _YES]
        no = [i for i, t in enumerate(self.texts) if t in _NO]
        # a yes/no item: "对" answers 是/否 and "不属于" answers 是/否 as well
        self.polar = (yes[0], no[0]) if len(yes) == 1 and len(no) == 1 else None
        words = {t: i for i, t in enumerate(self.texts) if t and self.texts.count(t) == 1}
        if self.polar is not None:
            for word, index in [(w, self.polar[0]) for w in _YES] + [(w, self.polar[1]) for w in _NO]:
                words.setdefault(word, index)
        self._words: dict[str, list[tuple[str, int]]] = {}
        for word, index in sorted(words.items(), key=lambda pair: -len(pair[0])):
            self._words.setdefault(word[0], []).append((word, index))

    def letter_at(self, text: str, pos: int) -> tuple[tuple[int, ...], int] | None:
        """Option letter(s) standing alone at `pos` ("B", "AC"): indices (maybe beyond the options) and the end."""
        before = text[max(0, pos - 4) : pos]
        if _INSIDE_WORD.search(before) and not _NUMBERED.search(before):
            return None
        found = _LETTERS.match(text, pos)
        if found is None:
            low = _LOWER.match(text, pos)
            return ((ord(low[0]) - 97,), low.end()) if low else None
        run, end = found[0], found.end()
        if len(run) > 1 and (list(run) != sorted(set(run)) or ord(run[-1]) - 65 >= self.count):
            return None
        if _AFTER.match(text, end) or _BEFORE.search(text[max(0, pos - 12) : pos]):
            return None
        if run in "AI" and _ARTICLE.match(text, end):
            return None
        if run == "I" and self.count < 9 and _PRONOUN.match(text, end):
            return None
        return tuple(ord(c) - 65 for c in run), end

    def text_at(self, text: str, pos: int, *, whole: bool = True) -> tuple[int, int] | None:
        """An option's own text (or, for yes/no items, a word for it) at `pos`: index and end.

        whole  the text must not go on in the same word ("否" does not match in "否则")
        """
        for word, index in self._words.get(text[pos : pos + 1].casefold()[:1], ()):
            end = _skip(text, pos, word)
            if end is not None and (not whole or _boundary(text, end, short=len(word) <= 4)):
                return index, end
        return None

    def named_at(self, text: str, pos: int) -> Named | None:
        """Letters or option texts named from `pos` on, after quotes, brackets and "option"."""
        start = OPENERS.match(text, pos).end()  # type: ignore[union-attr]  # matches the empty string
        noun = _NOUN.match(text, start).end()  # type: ignore[union-attr]
        place = OPENERS.match(text, noun).end()  # type: ignore[union-attr]
        if (named := self.letters_from(text, place)) is not None:
            return named
        # "选项有：": a noun glued to a yes/no word names nothing
        for at in (start, place) if place > noun or noun == start else (start,):
            if (hit := self.text_at(text, at)) is not None:
                return Named((hit[0],), hit[1], by_text=True)
        if (nth := _ORDINAL.match(text, start)) is not None:
            index = _ORDINALS[(nth[1] or nth[2] or nth[3]).lower()]
            return Named((index,), nth.end(), outside=index >= self.count)
        return None

    def letters_from(self, text: str, pos: int) -> Named | None:
        """Letters named from exactly `pos` on: "B", "AC", "A、C", "B. <its text>", "A和C两项"."""
        indices: list[int] = []
        alternative = contradiction = False
        end = pos
        while (hit := self.letter_at(text, pos)) is not None:
            here, end = hit
            indices += [i for i in here if i not in indices]
            end = _CLOSERS.match(text, end).end()  # type: ignore[union-attr]
            bracket = not set(")]】").isdisjoint(text[hit[1] : end])
            label = _DELIMITER.match(text, end).end()  # type: ignore[union-attr]
            # "B 错误" of a right-or-wrong item says that B is wrong, "B. 错误" repeats its text
            marked = bracket or (label > end and (self.polar is None or bool(text[end:label].strip())))
            said = self.text_at(text, label) if len(here) == 1 and marked else None
            # behind a comma another option's word may be of another matter: "A，错误选项分析"
            if said is not None and (said[0] == here[0] or "," not in text[end:label]):
                contradiction |= said[0] != here[0]
                end = _CLOSERS.match(text, said[1]).end()  # type: ignore[union-attr]
            elif (
                len(here) == 1
                and self.polar is None
                and (said := self.text_at(text, end, whole=True)) is not None
                and said[0] == here[0]
            ):
                end = _CLOSERS.match(text, said[1]).end()  # type: ignore[union-attr]
            either = _OR.match(text, end)
            more = either or _AND.match(text, end) or _SPACE.match(text, end)
            if more is None:
                break
            pos = _NOUN.match(text, more.end()).end()  # type: ignore[union-attr]
            if self.letter_at(text, pos) is None or not self._list_goes_on(text, pos, more[0].strip()):
                break
            alternative |= either is not None
        if not indices:
            return None
        outside = any(i >= self.count for i in indices)
        return Named(tuple(sorted(indices)), end, alternative, contradiction, outside)

    def _list_goes_on(self, text: str, pos: int, joint: str) -> bool:
        """Whether the next letter belongs to the list: "A,C。" and "A, B and C" do, "A,B不对" does not."""
        hit = self.letter_at(text, pos)
        end = hit[1] if hit else pos
        if joint:
            return joint != "," or _LIST_GOES_ON.match(text, end) is not None
        return _SPACED_LIST.match(text, end) is not None


def _skip(text: str, pos: int, word: str) -> int | None:
    """Where `word` (squeezed) ends if the text from `pos` says it, ignoring spaces and punctuation inside."""
    at = 0
    for i in range(pos, min(len(text), pos + 3 * len(word) + 8)):
        char = text[i].casefold()
        if not _counts(char[:1]):
            if at == 0:
                return None
            continue
        if not word.startswith(char, at):
            return None
        at += len(char)
        if at == len(word):
            return i + 1
    return None


_WORD_ENDS = re.compile(r"的(?:$|[。,，\n]|话)|吧?$|这[个一]|项")


def _boundary(text: str, end: int, short: bool) -> bool:
    rest = text[end : end + 4]
    if not rest or not rest[0].isalnum():
        return True
    if rest[0].isascii():
        return not text[end - 1].isascii()
    return not short or rest[0] in "和与或及而" or _WORD_ENDS.match(text, end) is not None
