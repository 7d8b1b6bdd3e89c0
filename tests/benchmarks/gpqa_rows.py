"""A file in the shape of gpqa_diamond.csv, with sums of our own for questions."""

from __future__ import annotations

import csv
import io

from dsafe_runner.benchmarks.gpqa import DOMAINS

COLUMNS = [
    "Record ID",
    "High-level domain",
    "Subdomain",
    "Question",
    "Correct Answer",
    "Incorrect Answer 1",
    "Incorrect Answer 2",
    "Incorrect Answer 3",
    "Explanation",
]
SECRET = "a farmer counts"


def rows() -> list[dict[str, str]]:
    """198 rows in the shape of the official file, with sums of our own for questions."""
    domains = [label for label, n in DOMAINS.values() for _ in range(n)]
    made = []
    for number, domain in enumerate(domains):
        total = 7 * number
        answers = [f'{total + step} sheep, "all told"\n' for step in range(4)]
        question = f" {SECRET} {number} flocks,\nseven sheep each. How many?"
        cells = [f"rec{number:03}", domain, "Sums", question, *answers, "Seven times."]
        made.append(dict(zip(COLUMNS, cells, strict=True)))
    return made


def written(rows: list[dict[str, str]], columns: list[str] = COLUMNS) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
