"""The judge that is people: a sheet (.csv) of answers somebody has read, each with a verdict and a name.

    fingerprint   which question and answer the row is about (`fingerprint`), written by `dsafe sheet`
    verdict       pass or fail (合格 or 不合格); empty: not read yet
    reviewer      who read it; the same answer may have several rows

Other columns are for the reader. A verdict holds for that question and that very text: an answer that has changed has
not been read. Readers who do not agree give no verdict. Without a sheet nothing has been read, so nothing can pass.
"""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from dsafe_runner.errors import ConfigError, Mistake
from dsafe_runner.judges.delimiters import well_formed
from dsafe_runner.records import Message, Outcome, Response, Sample, Score, digest, message_list

COLUMNS = ("fingerprint", "item", "model", "k", "question", "answer", "verdict", "reviewer", "note")
"""What `dsafe sheet` writes."""
VERDICTS = {"pass": 1, "fail": 0, "合格": 1, "不合格": 0}
MAX_CELL = 4 * 1024 * 1024
_NEEDED = ("fingerprint", "verdict", "reviewer")
_SHORT = 8
"""Characters of a mistaken verdict that are still told."""


def fingerprint(sample: Sample, response: Response) -> str:
    """What a verdict is bound to: the conversation and the whole answer."""
    return digest([message_list(tuple(map(_sendable, sample.messages))), well_formed(response.answer)], 32)


def unreadable(response: Response) -> Outcome | None:
    """What an answer is that nobody can give a verdict on: MISSING or TRUNCATED; None for a whole one."""
    if response.finish == "error":
        return Outcome.MISSING
    return Outcome.TRUNCATED if response.thinking_open or response.finish == "length" else None


@dataclass(frozen=True, slots=True)
class Row:
    """One reading. `label`: 1 pass, 0 fail, None where nobody has read it yet."""

    fingerprint: str
    label: int | None
    reviewer: str


class SheetJudge:
    """Gives the class that people gave: 0 for fail, 1 for pass.

    Raises:
        ConfigError: mistakes in the sheet, each with its line. A sheet that is not there yet is none.
    """

    labels = frozenset({0, 1})

    def __init__(self, path: Path) -> None:
        self.path = path
        content = read_sheet(path)
        self._sha256 = "none" if content is None else hashlib.sha256(content).hexdigest()
        self._read: dict[str, list[Row]] = {}
        for row in read_rows(path, content or b""):
            if row.label is not None:
                self._read.setdefault(row.fingerprint, []).append(row)

    def identity(self) -> dict[str, str]:
        """The sheet's hash, and who read it."""
        return {"kind": "sheet", "sheet": self.path.name, "sheet_sha256": self._sha256, "reviewers": self._reviewers()}

    def limits(self) -> str:
        """How much has been read, and how far readers of the same answers agree."""
        if not self._read:
            what = "holds no verdict yet" if self.path.is_file() else "is not there yet"
            return f"sheet {self.path.name} {what}: nothing has been read, so nothing passes; `dsafe sheet` writes it"
        several = [rows for rows in self._read.values() if len({row.reviewer for row in rows}) > 1]
        agreed = sum(len({row.label for row in rows}) == 1 for rows in several)
        told = f"{agreed} of {len(several)} answers read by several agree" if several else "no answer was read twice"
        return f"sheet {self.path.name}: {len(self._read)} answers read by {self._reviewers()}; {told}"

    def verdict(self, sample: Sample, response: Response) -> int | None:
        """The class all readers of this answer gave, None where there is none."""
        given = {row.label for row in self._read.get(fingerprint(sample, response), ())}
        return given.pop() if len(given) == 1 else None

    def label(self, sample: Sample, response: Response) -> Score:
        """LABELLED 0 or 1; TRUNCATED: cut answer or thinking; MISSING: engine error; UNSCORED: unread or disputed."""
        outcome = unreadable(response)
        label = None if outcome else self.verdict(sample, response)
        outcome = outcome or (Outcome.UNSCORED if label is None else Outcome.LABELLED)
        return Score(sample.id, response.k, outcome, label=label, response_key=response.key)

    def _reviewers(self) -> str:
        names = sorted({row.reviewer for rows in self._read.values() for row in rows})
        return ", ".join(names) if len(names) <= 5 else f"{len(names)} people"


def _sendable(message: Message) -> Message:
    return Message(message.role, well_formed(message.content))


def read_sheet(path: Path) -> bytes | None:
    """The bytes of a sheet, None where there is none yet. Raises ConfigError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        # ValueError: a NUL in the path
        what = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise ConfigError([Mistake(str(path), 1, 1, what, "name a .csv file that may be read")]) from None


def read_rows(path: Path, content: bytes) -> list[Row]:
    """The rows of a sheet. Raises ConfigError with every mistake in it."""
    if not content:
        return []
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([Mistake(str(path), line, 1, "not UTF-8 text", "save the sheet as CSV UTF-8")]) from None
    mistakes: list[Mistake] = []
    rows: list[Row] = []
    limit = csv.field_size_limit(MAX_CELL)
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        names = list(reader.fieldnames or ())
        lacking = [name for name in _NEEDED if name not in names]
        twice = [name for name in _NEEDED if names.count(name) > 1]
        wrong = f"no column {', '.join(lacking)}" if lacking else f"{', '.join(twice)} twice" if twice else ""
        if wrong:
            mistakes.append(Mistake(str(path), 1, 1, wrong, "use what `dsafe sheet` wrote"))
        for cells in () if wrong else reader:
            # a row of several lines is named by its last
            where = (str(path), reader.line_num, 1)
            said = (cells["verdict"] or "").strip().casefold()
            reviewer = " ".join((cells["reviewer"] or "").split())
            if any(cells.get(None, ())):
                # one cell too many moves all behind it: a verdict would be read out of an answer
                mistakes.append(Mistake(*where, "more cells than columns", "put quotes around a text with commas"))
            elif said and said not in VERDICTS:
                # what stands there is not said: where columns have moved, it is a part of an answer
                what = f"verdict {said!r}" if len(said) <= _SHORT else "a verdict that is none"
                mistakes.append(Mistake(*where, what, "write pass or fail, or leave it empty"))
            elif said and not reviewer:
                mistakes.append(Mistake(*where, "a verdict without a reviewer", "write who read the answer"))
            else:
                rows.append(Row((cells["fingerprint"] or "").strip(), VERDICTS.get(said), reviewer))
    except csv.Error as error:
        mistakes.append(Mistake(str(path), reader.line_num, 1, f"not CSV: {error}", "save the sheet as CSV"))
    finally:
        csv.field_size_limit(limit)
    if mistakes:
        raise ConfigError(mistakes)
    return rows
