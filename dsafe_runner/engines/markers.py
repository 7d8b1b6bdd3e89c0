"""Signs, in a text that should be an answer, of thinking and of turns the model played for somebody else.

A text is looked at as it came: with control tokens, and as it reads where a tokenizer has dropped them. What stands in
code, or is copied from the prompt, is no sign. In doubt it is one: a response with a sign is missing, never an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_WORD = r"(?:(?:[a-z0-9]{1,12}[_:]|ant)?think(?:ing)?|thoughts?)"
_LEFT, _RIGHT = r"[<＜‹〈《⟨◁\[【]|&lt;", r"[>＞›〉》⟩▷\]】]|&gt;"
_TAG = re.compile(
    rf"(?:{_LEFT})\s{{0,2}}(?P<close>[/／]?)\s{{0,2}}{_WORD}\s{{0,2}}(?:{_RIGHT})"
    r"|<\|(?P<end>/|end_of_|end_?)?(?:(?:begin|start)_(?:of_)?)?(?:thinking|thoughts?|think|reasoning)(?:_(?:start|begin|(?P<ended>end)))?\|>",
    re.IGNORECASE,
)
"""Tags of thinking in any spelling that models or renderers give them."""
_ALOUD_NAME = (
    r"(?:think|thought|reason|rationale|deliberat|ponder|contemplat|reflect|monologue|scratch_?pad|思考|推理|思维"
    r"|(?<![a-z])cot(?![a-z]))"
)
_ASIDE = re.compile(
    rf"<\|?\s?(?=[\w:-]*(?:{_ALOUD_NAME}|analysis|分析))[\w:-]{{1,30}}\s?\|?>"
    rf"|\[(?=[\w:-]*{_ALOUD_NAME})[\w:-]{{1,30}}\]"
    # a heading of an answer looks the same, until it is closed
    rf"|(?P<left>[\[【〔])(?=[\w:-]*(?:{_ALOUD_NAME}|analysis|分析))(?P<name>[\w:-]{{1,30}})[\]】〕]"
    r"(?=.*?(?P=left)\s?[/／]\s?(?P=name))",
    re.IGNORECASE | re.DOTALL,
)
"""Tags that begin a text only where it thinks aloud; elsewhere they may be markup somebody asked for."""
_CHANNEL = re.compile(r"<\|(?:channel|constrain)\|?>|<\|message\|>")
_GLUED = re.compile(r"assistant(?:final|analysis|commentary)")
_DROPPED = re.compile(r"(?:analysis|commentary)(?:(?=[^\s\W_])|\b(?=.*?assistant ?final))", re.DOTALL)
"""A text of harmony channels whose control tokens are gone: `analysisWe need ...assistantfinalHello`."""
_ALOUD = re.compile(
    r"(?:here(?:'s| is) my (?:thought|thinking|reasoning) process|thinking process|<unused\d+>thought)\b", re.IGNORECASE
)
_OPENINGS: list[tuple[re.Pattern[str], str | None]] = [
    (_TAG, "deepseek-r1"),
    (_CHANNEL, "harmony"),
    (_DROPPED, "harmony"),
    (_ASIDE, None),
    (_ALOUD, None),
]
_BEFORE = re.compile(r"[\s\ufeff\u200b\u200e*_>#\"'“”‘’-]*")
"""What may stand before the first word of a text."""

_PIPES = r"[|｜]"
_TURN = re.compile(
    rf"<{_PIPES}(?:im_start|start_header_id|start_of_role|begin_of_turn|start_of_turn_token|user_token|chatbot_token"
    r"|header_start|role_start"
    rf"|(?:user|assistant|system|human|observation|prompter)){_PIPES}>"
    rf"|<\|start\|>(?=(?:user|system|developer|tool)\b)"
    r"|<start_of_turn>|\[INST\]|<<SYS>>|<\|?turn\|?>(?=\s?(?:user|model|assistant))"
    r"|\[\|(?:human|user|assistant|ai|system)\|\]|<extra_id_1>(?=\s?(?:user|assistant|system))"
    r"|<s>(?=\s?(?:user|human|assistant)\b)|<\|end_?of_?text\|>(?=\s*[^\s<])",
    re.IGNORECASE,
)
"""Control tokens that open a turn, or end the text they stand in."""
# Llama 3 without its control tokens: the role is glued to the end of what was said before
_GLUED_ROLE = re.compile(r"(?<=[.!?。！？…\"”』】）)])(?:assistant|user)\n\n(?=\S)")
# ChatML and its like without them: a role alone on its line, and the answer's role again after it
_USER_LINE = re.compile(r"(?<=\n)(?:user|human)[ \t\r]*\n")
_ANSWER_LINE = re.compile(r"(?<=\n)(?:assistant|model|bot)[ \t\r]*\n")
_SPEAKERS: list[tuple[re.Pattern[str], re.Pattern[str]]] = [
    (
        re.compile(r"(?<=\S\n\n)(?:human|user|用户|人类)[ \t]*[:：]", re.IGNORECASE),
        re.compile(r"(?<=\n\n)(?:assistant|ai|model|bot|助手|助理)[ \t]*[:：]", re.IGNORECASE),
    ),
    (
        re.compile(r"(?<=\n)#{2,4} ?(?:instruction|input|user|human|指令)[ \t]*[:：]", re.IGNORECASE),
        re.compile(r"(?<=\n)#{2,4} ?(?:response|output|assistant|回复|回答)[ \t]*[:：]", re.IGNORECASE),
    ),
]
"""Templates of plain text: what opens the user's turn, and the answer's after it."""
_DIALOGUE = re.compile(
    r"dialogue|dialog\b|conversation|transcript|script|chat|role-?play|interview|prompt|template|alpaca|instruction"
    r"|对话|聊天|剧本|台词|访谈|问答|提示词|模板|指令",
    re.IGNORECASE,
)
"""A prompt that may ask for speakers, or a template, in the answer."""

_FENCE = re.compile(r"^[ \t]{0,3}(?P<mark>`{3,}|~{3,})(?P<info>[^\n]*)$", re.MULTILINE)
_INLINE = re.compile(r"(?<!`)(`{1,2})(?!`)[^`\n]{1,120}?(?<!`)\1(?!`)")
_CONTEXT = 8
"""Characters on either side that must stand in the prompt too for a mark to count as copied from it."""

_READ = {"<think>": "deepseek-r1", "</think>": "deepseek-r1", "[THINK]": "mistral", "[/THINK]": "mistral"}
"""Tags that a format reads; the others only tell that there is thinking."""

FIELD = "a reasoning field"
"""What is seen where a server or a log hands thinking over apart."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Thinking that was seen.

    what  the mark, as it is told to the user
    key   the `reasoning:` that reads it, None where none does
    """

    what: str
    key: str | None


def thinking_sign(text: str, *, prompt: str = "", aloud: bool = True) -> Sign | None:
    r"""The first sign of thinking in a text that should be an answer.

    Args:
        text: the text.
        prompt: what the model was shown.
        aloud: marks that announce thinking in words count too.

    Examples:
        >>> thinking_sign("Let me see.\n</think>\n\nNo.")
        Sign(what='</think>', key='deepseek-r1')
        >>> thinking_sign("analysisWe must refuse.assistantfinalNo.").key
        'harmony'
        >>> thinking_sign("The tag `</think>` ends it.") is None
        True
    """
    if (opening := _opening(text, prompt, aloud)) is not None:
        return opening
    code = list(_code(text))
    for pattern, key in ((_TAG, "deepseek-r1"), (_CHANNEL, "harmony"), (_GLUED, "harmony")):
        for found in pattern.finditer(text):
            if not _hidden(found, text, code) and not _copied(found, text, prompt):
                return _sign(found[0], key)
    return None


def turn_sign(text: str, *, prompt: str = "") -> str | None:
    """The first sign that a text goes on with a turn of somebody else's, as it is told to the user."""
    if not text:
        return None
    code = list(_code(text))
    looked_for = [(_TURN, len(text)), (_GLUED_ROLE, len(text)), (_USER_LINE, _last(_ANSWER_LINE, text))]
    if not _DIALOGUE.search(prompt):
        looked_for += [(user, _last(answer, text)) for user, answer in _SPEAKERS]
    for pattern, end in looked_for:
        for found in pattern.finditer(text):
            if found.start() >= end:
                break
            if not _hidden(found, text, code) and not _copied(found, text, prompt):
                return found[0].strip()
    return None


def _last(pattern: re.Pattern[str], text: str) -> int:
    """Where a pattern is found for the last time, -1 where it is not."""
    return max((found.start() for found in pattern.finditer(text)), default=-1)


def is_thinking_token(token: str) -> bool:
    """Whether a token of a tokenizer marks thinking, so that dropping it would turn thinking into the answer."""
    return bool(_TAG.fullmatch(token.strip()) or _CHANNEL.fullmatch(token.strip()))


def opens_thinking(prompt: str) -> str | None:
    """The mark with which a rendered prompt opens the model's thinking, None where it does not."""
    end = prompt.rstrip()[-60:]
    tags = list(_TAG.finditer(end))
    if tags and tags[-1].end() == len(end) and not (tags[-1]["close"] or tags[-1]["end"] or tags[-1]["ended"]):
        return tags[-1][0]
    return "<|channel|>analysis" if re.search(r"<\|channel\|>analysis(?:<\|message\|>)?$", end) else None


def _opening(text: str, prompt: str, aloud: bool) -> Sign | None:
    """The sign a text begins with."""
    start = _BEFORE.match(text)
    at = start.end() if start else 0
    for pattern, key in _OPENINGS if aloud else _OPENINGS[:3]:
        found = pattern.match(text, at)
        if found and not _quoted(found, text) and not _copied(found, text, prompt):
            return _sign(found[0], key)
    return None


def _sign(mark: str, key: str | None) -> Sign:
    if key == "deepseek-r1":
        key = _READ.get(mark)
    return Sign(" ".join(mark.split()), key)


def _copied(found: re.Match[str], text: str, prompt: str) -> bool:
    """Whether the prompt holds the mark with what stands around it: a mark alone may be the model's own."""
    if not prompt or found[0] not in prompt:
        return False
    around = text[max(0, found.start() - _CONTEXT) : found.end() + _CONTEXT]
    return " ".join(around.split()) in " ".join(prompt.split())


def _quoted(found: re.Match[str], text: str) -> bool:
    """Whether a mark stands in backticks."""
    return text[found.start() - 1 : found.start()] == "`" and text[found.end() : found.end() + 1] == "`"


def _code(text: str) -> Iterator[tuple[int, int]]:
    """Spans of code: closed fenced blocks, and inline code.

    A fence that is opened twice (thinking that broke off in a block) hides nothing.
    """
    opened: re.Match[str] | None = None
    blocks: list[tuple[int, int]] = []
    for fence in _FENCE.finditer(text):
        if opened is None:
            opened = fence
        elif fence["mark"].startswith(opened["mark"]) and not fence["info"].strip():
            blocks.append((opened.end(), fence.start()))
            opened = None
        else:
            return
    if opened is not None:
        blocks = [block for block in blocks if block[1] <= opened.start()]
    yield from blocks
    for inline in _INLINE.finditer(text):
        yield inline.span()


def _hidden(found: re.Match[str], text: str, code: list[tuple[int, int]]) -> bool:
    """Whether a mark is part of code.

    A closing tag that begins a line of a block counts as code only after its opening tag: thinking ends like that, and
    may have left a block open.
    """
    for start, end in code:
        if start <= found.start() and found.end() <= end:
            line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
            block = "\n" in text[start:end]
            closes = "/" in found[0] or "end" in found[0]
            return not (block and closes and not line.strip() and not _TAG.search(text, start, found.start()))
    return False


def told(sign: Sign) -> str:
    """What to do about thinking that a model does not declare."""
    if sign.what == FIELD:
        return "say `reasoning: deepseek-r1` (or qwen3, harmony, mistral: the format of its thinking) for this model"
    if sign.key is None:
        return (
            "no format that `reasoning:` knows reads it: have the server split it off (its reasoning parser) and say "
            "`reasoning: deepseek-r1`, or say `reasoning: none` if such marks are text"
        )
    return f"say `reasoning: {sign.key}` for this model, or `reasoning: none` if such marks are text"
