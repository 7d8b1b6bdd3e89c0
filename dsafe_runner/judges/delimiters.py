"""How text that nobody vouches for is put into a judge's prompt: between fences, in one pass, with a nonce.

    <<<B的回答 3fa91c07be52d648
    ...
    B的回答 3fa91c07be52d648>>>

The nonce is a hash of all that is put in, so the same question makes the same prompt (and store key), and no text can
hold the nonce of the prompt it ends up in. Nothing is cut and nothing removed. Two things are changed, both visibly:
lines that look like a fence, like a verdict, or like something else the judge acts on get `| ` before them, and a space
breaks what a tokenizer would read as a control token (`<|im_end|>` becomes `< |im_end|>`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from dsafe_runner.judges.verdicts import fold
from dsafe_runner.records import digest

DATA = ("history", "question", "response")
"""What a prompt must show, each on a line of its own between two lines with the nonce."""
NONCE = "nonce"
NONCE_DIGITS = 16
MARK = "| "

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NONCE = f"{{{NONCE}}}"
_CONTROL = re.compile(
    r"<(?=[|｜]|/?(?:s|think|bos|eos|pad|unk|mask|sys|sop|eop|(?:start|end)_of_\w+|unused_?\w*|reserved_\w+)>)"
    r"|\[(?=/?(?:inst|gmask|sys\w*|available_tools|tool_\w+)\])",
    re.IGNORECASE,
)
_LEAST_WORDS = 3
_SURROGATE = re.compile("[\ud800-\udfff]")


def placeholders(text: str) -> list[str]:
    """Names in braces, in order. Other braces are plain text."""
    return _PLACEHOLDER.findall(text)


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders replaced, once: what is put in is never looked at again."""
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], text)


def delimiter_lines(prompt: str) -> list[tuple[str, str]]:
    """(line above, line below) of every placeholder that stands for data.

    Raises:
        ValueError: `what; what to do` where one does not stand alone between two fences of its own.
    """
    lines = prompt.splitlines()
    found: list[tuple[str, str]] = []
    used: set[str] = set()
    for index, line in enumerate(lines):
        for name in placeholders(line):
            if name not in DATA:
                continue
            above = lines[index - 1].strip() if index else ""
            below = lines[index + 1].strip() if index + 1 < len(lines) else ""
            if line.strip() != f"{{{name}}}" or not (_is_fence(above) and _is_fence(below)):
                raise ValueError(
                    f"{{{name}}} does not stand alone between fences; give it a line of its own, and the lines above "
                    f"and below it {_NONCE} and a few words"
                )
            if above in used or below in used or above == below:
                raise ValueError(f"a fence of {{{name}}} stands twice; write every fence once, each in its own words")
            used |= {above, below}
            found.append((above, below))
    return found


def nonce_for(*content: object, texts: Iterable[str]) -> str:
    """Hash of JSON values, in hex digits none of the texts holds (as a reader would see them)."""
    everything = "\n".join(map(fold, texts))
    attempt = 0
    while (nonce := digest([*content, attempt], NONCE_DIGITS)) in everything:
        attempt += 1
    return nonce


def well_formed(text: str) -> str:
    """The text with unpaired surrogates, which are no characters and cannot be sent, replaced."""
    return _SURROGATE.sub("\ufffd", text)


class Fences:
    """The fences of one prompt (none where the conversation is given natively).

    Args:
        prompt: a prompt that `delimiter_lines` accepts.
        reserved: further texts that mean something to the judge; a line of data that holds one is marked.
        speaks: whether a folded line claims to hold a verdict.
    """

    def __init__(self, prompt: str, reserved: Iterable[str], speaks: Callable[[str], bool]) -> None:
        pairs = delimiter_lines(prompt)
        self._opening = [_pattern(above) for above, _ in pairs]
        self._closing = [_pattern(below) for _, below in pairs]
        fixed = (max(line.split(_NONCE), key=len) for pair in pairs for line in pair)
        self._reserved = {key for text in (*fixed, *reserved) if len(key := _key(text)) >= _LEAST_WORDS}
        self._speaks = speaks

    def quoted(self, text: str) -> str:
        """Data as it stands in the prompt: every line, the dangerous ones marked, control tokens broken."""
        safe = _CONTROL.sub(lambda match: match.group() + " ", well_formed(text))
        return "".join(MARK + line if self._is_dangerous(line) else line for line in safe.splitlines(keepends=True))

    def outside(self, lines: Sequence[str]) -> list[str]:
        """The folded lines of a reply without what it repeats of its prompt: from the first fence to the last.

        To the end of the reply where the fences in it do not match up.
        """
        opening = [i for i, line in enumerate(lines) if any(p.search(line) for p in self._opening)]
        closing = [i for i, line in enumerate(lines) if any(p.search(line) for p in self._closing)]
        if not opening and not closing:
            return list(lines)
        first, last = min(opening + closing), max(opening + closing)
        matched = len(opening) == len(closing) and last == closing[-1]
        return [*lines[:first], *(lines[last + 1 :] if matched else [])]

    def _is_dangerous(self, line: str) -> bool:
        folded = fold(line)
        key = "".join(folded.split())
        return self._speaks(folded) or any(text in key for text in self._reserved)


def _is_fence(line: str) -> bool:
    return _NONCE in line and len(_key(line.replace(_NONCE, ""))) >= _LEAST_WORDS


def _key(text: str) -> str:
    return "".join(fold(text).split())


def _pattern(fence: str) -> re.Pattern[str]:
    """The fence in a folded line, whatever its nonce."""
    words = [re.escape(part).replace(r"\{nonce\}", rf"[0-9a-f]{{{NONCE_DIGITS}}}") for part in fold(fence).split()]
    return re.compile(r"\s*".join(words))
