"""Which training texts contain benchmark items: rows read (`rows`), held against the items (`index`).

made = compare(read_rows(path), items_of("mcq", samples))
made.k, made.overlapping
"""

from dsafe_runner.contamination.index import SHARE, Comparison, Index, Item, Overlap, Row, compare, items_of, tokens
from dsafe_runner.contamination.rows import read_rows, spelt_out

__all__ = [
    "SHARE",
    "Comparison",
    "Index",
    "Item",
    "Overlap",
    "Row",
    "compare",
    "items_of",
    "read_rows",
    "spelt_out",
    "tokens",
]
