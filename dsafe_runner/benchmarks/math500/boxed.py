r"""The final answer of a mathematical solution: what stands in its last \boxed{...}."""

from __future__ import annotations

import re

_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)


def last_boxed(text: str) -> str | None:
    r"""The inside of the last \boxed{...} or \fbox{...}, or None where there is none, or it is empty or never closed.

    The last one decides even where it is broken: what was boxed before it was not the final answer.
    """
    boxes = list(_BOX.finditer(text))
    if not boxes:
        return None
    start = boxes[-1].end()
    depth = 1
    for mark in _BRACE.finditer(text, start):
        # \{ and \} are characters of the answer, not braces of its markup
        depth += {"{": 1, "}": -1}.get(mark[0], 0)
        if depth == 0:
            return text[start : mark.start()].strip() or None
    return None
