"""The program in an answer: the lines between the last two fences, LiveCodeBench's rule to the letter.

Any line with ``` in it is a fence. So an answer whose last fence was never closed, or that ends with an example in
fences, gives another block than its author meant. The official grader takes that block, and so do we: numbers stay
comparable. `unclosed` lets a report count such answers.
Source: lcb_runner/utils/extraction_utils.py, extract_code (LiveCodeBench 28fef95).
"""

from __future__ import annotations

from dataclasses import dataclass

_FENCE = "```"


@dataclass(frozen=True, slots=True)
class Extracted:
    """What was read out of an answer.

    program   None where there are fewer than two fences, or nothing but space between the last two
    unclosed  an odd number of fences: the last of them opens a block that never ends
    """

    program: str | None
    unclosed: bool = False


def extract_program(answer: str) -> Extracted:
    """The program of an answer (the text after the thinking)."""
    lines = answer.split("\n")
    fences = [number for number, line in enumerate(lines) if _FENCE in line]
    unclosed = len(fences) % 2 == 1
    if len(fences) < 2:
        return Extracted(None, unclosed)
    program = "\n".join(lines[fences[-2] + 1 : fences[-1]])
    return Extracted(program if program.strip() else None, unclosed)
