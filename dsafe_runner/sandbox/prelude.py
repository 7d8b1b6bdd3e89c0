"""Names LiveCodeBench gives every program: it puts 18 star imports before the code, so `deque` or `List` just work.

Importing all of that costs a run more than starting the interpreter does, so the names are lent one by one to the
programs that use them (inside.lend). A program sees what it would see after the official text, in the same order.
Source: lcb_runner/evaluation/testing_util.py, import_string (LiveCodeBench 28fef95).
"""

from __future__ import annotations

import builtins
import importlib
from functools import cache

RECURSION_LIMIT = 50_000
"""The official text ends with sys.setrecursionlimit(50000)."""
INTEGER_DIGITS = 50_000
"""The official runner calls sys.set_int_max_str_digits(50000) (evaluation/compute_code_generation_metrics.py)."""

_IMPORTED = [
    "string",
    "re",
    "datetime",
    "collections",
    "heapq",
    "bisect",
    "copy",
    "math",
    "random",
    "statistics",
    "itertools",
    "functools",
    "operator",
    "io",
    "sys",
    "json",
]
_STARRED = [*_IMPORTED, "builtins", "typing"]


@cache
def lent_names() -> str:
    """A line `<name> <module> <name there>` per name of the prelude, between line ends; the last is empty for modules.

    One string and not a table, because the child would spend a millisecond on building and clearing the table.
    """
    names: dict[str, str] = {}
    for module in _STARRED:
        found = importlib.import_module(module)
        public = getattr(found, "__all__", None) or [name for name in vars(found) if not name.startswith("_")]
        names.update((name, f"{name} {module} {name}\n") for name in public)
    names.update((module, f"{module} {module} \n") for module in _IMPORTED)
    # `from builtins import *` comes last but one: builtins are themselves again
    return "\n" + "".join(line for name, line in names.items() if not hasattr(builtins, name))
