"""The channels of harmony, the format of gpt-oss: `analysis` is thinking, `final` and spoken `commentary` are answer.

    <|channel|>analysis<|message|>..<|end|><|start|>assistant<|channel|>final<|message|>answer<|return|>

Where a tokenizer has dropped the control tokens the same text reads `analysis..assistantfinalanswer`.
"""

from __future__ import annotations

import re

CHANNEL = "<|channel|>"
LETTERS_AFTER = "<|channel|>final<|message|>"
"""What is put between a prompt and an answer without thinking."""
ANALYSIS = "<|channel|>analysis<|message|>"
CONTROL = ("<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|constrain|>", "<|call|>", "<|return|>")

_MESSAGE = re.compile(
    r"(?:<\|start\|>(?P<role>[^<\n]*))?<\|channel\|>(?P<channel>[^<\n]*)(?:<\|constrain\|>[^<\n]*)?<\|message\|>"
    r"(?P<body>.*?)(?P<end><\|(?:end|return|call)\|>|(?=<\|(?:start|channel)\|>)|\Z)",
    re.DOTALL,
)
_HEADER = re.compile(r"<\|(?:start|channel)\|>(?:[^<\n]|<(?!\|message\|>))*\Z")
_DROPPED = re.compile(r"\s*analysis(?=[^\W_]|\s)")
_GLUED = re.compile(r"assistant(?:final|analysis|commentary)")
_SPACED = re.compile(r"assistant final")
_FINAL = re.compile(r"\s*final(?=[^a-z\s\d_.,;:!?'-])")


def split(text: str, *, cut: bool) -> tuple[str | None, str, bool] | None:
    """Thinking (None: there is none), answer, and whether the text ended inside the thinking.

    cut  the budget ended the text

    None: the text holds something that is neither, or more than one reading allows.
    """
    if CHANNEL not in text:
        return _without_control_tokens(text)
    thinking: list[str] = []
    answer: list[str] = []
    at = 0
    for message in _MESSAGE.finditer(text):
        if text[at : message.start()].strip() or (message["role"] or "assistant").strip() != "assistant":
            return None
        channel = message["channel"].strip()
        if channel not in ("analysis", "commentary", "final") or message["end"] == "<|call|>":
            return None  # a tool is spoken to
        (thinking if channel == "analysis" else answer).append(message["body"].strip())
        at = message.end()
    rest = text[at:].strip()
    if rest and (not cut or answer or not _HEADER.match(rest)):
        return None
    thought = "\n".join(thinking) if thinking else None
    return (thought, "\n".join(answer), False) if answer else (thought or "", "", True)


def _without_control_tokens(text: str) -> tuple[str | None, str, bool] | None:
    glued = _GLUED.findall(text)
    if (head := _DROPPED.match(text)) is None:
        if glued:
            return None
        spoken = _FINAL.match(text)
        return None, text[spoken.end() :].strip() if spoken else text, False
    ends = [match.span() for match in (_GLUED if glued else _SPACED).finditer(text)]
    if len(ends) > 1 or any(word != "assistantfinal" for word in glued):
        return None
    if not ends:
        # an answer may begin with the word; thinking is glued to it
        return (None, text, False) if text[head.end()].isspace() else (text[head.end() :].strip(), "", True)
    return text[head.end() : ends[0][0]].strip(), text[ends[0][1] :].strip(), False
