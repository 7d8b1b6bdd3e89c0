"""ruamel's syntax errors in words a suite author can act on."""

from __future__ import annotations

import re

from ruamel.yaml.error import MarkedYAMLError

from dsafe_runner.config.words import printable
from dsafe_runner.errors import Mistake

_IN_FLOW = re.compile(r"[\[{,].*\$\{")


def explain(error: MarkedYAMLError, text: str, file: str) -> Mistake:
    """The one Mistake for a syntax error. Where something was opened and never closed, that place is named too."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    opened = f"{error.context_mark.line + 1}:{error.context_mark.column + 1}" if error.context_mark else ""
    what, todo = _words(str(error.problem or error.context or ""), str(error.context or ""), opened)
    lines = re.split("\r\n|\r|\n", text)
    if line <= len(lines) and _IN_FLOW.search(lines[line - 1]):
        todo = 'inside { } and [ ] put ${NAME} in quotes: "${NAME}"'
    return Mistake(file, line, column, what, todo)


def _words(problem: str, context: str, opened: str) -> tuple[str, str]:
    """What is wrong and what to do, for the errors people really make; ruamel's own words for the rest."""
    if r"'\t'" in problem:
        return "a tab where only spaces may indent", "replace it by spaces"
    if problem == "mapping values are not allowed here":
        return "a colon that cannot stand here", "put text that contains `: ` in quotes, or check the indentation"
    if "quoted scalar" in context and "end of stream" in problem:
        return f"the quote opened at {opened} is never closed", "close it"
    if "cannot start any token" in problem:
        return printable(problem), "put the text in quotes"
    if "escape" in problem and "double-quoted" in context:
        return printable(problem), "write \\\\ for a backslash, or use single quotes"
    if "flow" in context and "expected ',' or" in problem:
        bracket = "}" if "'}'" in problem else "]"
        return f"a comma or {bracket} is missing (opened at {opened})", "add it"
    if "expected <block end>" in problem or "could not find expected ':'" in problem:
        return "this line does not continue the block above it", "check its indentation and its colon"
    return f"not valid YAML: {printable(problem)}", "check this line and the one above"
