"""Multiple-choice text: how options are read from a question or written into one, and how an answer is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dsafe_runner.errors import DataError
from dsafe_runner.records import Sample

LETTERS = "ABCDEFGHIJ"

ANSWER_LINE = "请选出正确的选项，并在最后单独写一行“答案：X”，其中X是选项的字母。"
ANSWER_LINE_ENGLISH = "Choose the right option and end with a line of its own, `Answer: X`, where X is the letter."

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_MARK = r"(?:(?<=\n)|(?<=[^\S\n])){letter}[^\S\n]*[.．、]"
"""A letter at the start of a line or after a space, spaces allowed before its dot: `A.`, `A .`, `A．`, `A、`."""
_BARE_MARK = r"|(?<=\n){letter}(?=[\u3400-\u9fff])"
"""A letter at the start of a line glued to a Chinese character (no dot). Not for A: stems start lines with `A公司`."""


def clean(text: str) -> str:
    """A published question as it is shown: no-break spaces are spaces, no blank lines, no spaces around lines.

    Nothing inside a line is touched, so option marks such as `A .是` stay as they were published.
    """
    lines = (line.strip() for line in text.replace("\xa0", " ").splitlines())
    return "\n".join(line for line in lines if line)


def read_options(question: str) -> tuple[str, tuple[str, ...]]:
    """Stem and option texts (A, B, ...) of a cleaned question that holds its own options.

    The last `A` that looks like a mark opens the options, because stems may hold one too; B, C, D then follow in order,
    on lines of their own or after spaces.

    Raises:
        DataError: fewer than two options, or an empty stem or option.
    """
    text = "\n" + question
    first = list(re.finditer(_MARK.format(letter="A"), text))
    marks = first[-1:]
    for letter in LETTERS[1:4]:
        if not marks:
            break
        pattern = re.compile((_MARK + _BARE_MARK).format(letter=letter))
        found = pattern.search(text, marks[-1].end())
        if found is None:
            break
        marks.append(found)
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    options = tuple(text[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=False))
    stem = text[: marks[0].start()].strip() if marks else ""
    if len(options) < 2 or not stem or not all(options):
        raise DataError(f"no options A, B, ... could be read in {question[:40]!r}")
    return stem, options


def write_options(options: Sequence[str]) -> str:
    """Lettered lines: `A. first`, `B. second`, ..."""
    return "\n".join(f"{letter}. {text}" for letter, text in zip(LETTERS, options, strict=False))


def ask(question: str) -> str:
    """A question with its options already in it, and the line that says how to answer, in the question's language."""
    line = ANSWER_LINE if _CHINESE.search(question) else ANSWER_LINE_ENGLISH
    return f"{question}\n{line}"


def constant_scores(
    samples: Iterable[Sample], letters: Sequence[str] = ("A", "B")
) -> dict[str, dict[str, tuple[int, int]]]:
    """What a model scores that always gives the same letter: slice -> letter -> (right, items).

    Reported beside a result, since `是` is always A in some sets. An item with several right letters is never right.
    """
    counts: dict[str, dict[str, tuple[int, int]]] = {}
    for sample in samples:
        if sample.kind != "mcq":
            continue
        for name in sample.slices:
            of_slice = counts.setdefault(name, dict.fromkeys(letters, (0, 0)))
            for letter in letters:
                right, items = of_slice[letter]
                of_slice[letter] = (right + (sample.target == (letter,)), items + 1)
    return counts
