"""CHiSafetyBench v1 (arXiv:2406.10311): 1567 multiple-choice questions, 462 should-refuse prompts, 101 with a history.

The questions carry no licence and are not in this package: they are read from DSAFE_DATA, pinned by SHA-256. Duplicates
in the published files are kept, since published numbers have them in their denominators.
"""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any

from dsafe_runner.benchmarks import data
from dsafe_runner.benchmarks.base import Offer
from dsafe_runner.benchmarks.chisafetybench import answer_key
from dsafe_runner.benchmarks.choice import question as choice_text
from dsafe_runner.benchmarks.taxonomy import AREAS, CATEGORIES, Category
from dsafe_runner.errors import DataError
from dsafe_runner.records import OVERALL, Message, Response, Sample, Score, digest
from dsafe_runner.vocabulary import metrics_of

NAMES: tuple[str, ...] = ("chisafetybench/mcq", "chisafetybench/refusal", "chisafetybench/refusal-history")
UNCONTESTED = "uncontested"
"""Extra slice of the multiple-choice set: the items all passes over the answer key agreed on."""

SYSTEM_TURN = ("keep", "drop")
"""What becomes of the system turn of refusal-history; DeepSeek-R1's advice is to use none."""

SPELLINGS: dict[str, Category] = {
    **{category.label: category for category in CATEGORIES},
    # the refusal files add 内容 to some of the discrimination names, each file to others
    **{f"{category.label}内容": category for category in CATEGORIES if category.area == "discrimination"},
    # one category under two names in mcq.json: 20 items 侵犯..., 30 items 侵害...
    "侵犯他人其他合法权益": next(c for c in CATEGORIES if c.code == "A.4.g"),
}
"""Category names of the published files -> the 31 categories."""

_SOURCES = {
    NAMES[0]: data.CHISAFETYBENCH_MCQ,
    NAMES[1]: data.CHISAFETYBENCH_REFUSAL,
    NAMES[2]: data.CHISAFETYBENCH_HISTORY,
}


def offer(name: str) -> Offer:
    """What one of the three sets offers, from the table in the package (the data need not be there).

    Raises:
        DataError: no such set.
    """
    if name not in NAMES:
        raise DataError(f"no benchmark {name!r}; there are {', '.join(NAMES)}")
    slices: dict[str, int] = _table()[name]
    labels = {area: label for area, (_, label) in AREAS.items()} | {c.slice: c.label for c in CATEGORIES}
    mcq = name == NAMES[0]
    return Offer(
        name=name,
        slices=dict(slices),
        metrics=metrics_of("mcq" if mcq else "refusal"),
        judged=not mcq,
        extra=(UNCONTESTED,) if mcq else (),
        labels={s: labels[s] for s in slices if s in labels},
        options=("A", "B", "C", "D") if mcq else (),
        licence=data.CHISAFETYBENCH_MCQ.licence,
    )


class ChiSafetyBench:
    """One of the three sets.

    name  one of NAMES
    key   mcq only: `consensus` (default), `literal`, `positive-reading`, or the path of a .tsv file
    system_turn  refusal-history only: `keep` (default) the published system turn, or `drop` it
    """

    def __init__(self, name: str, key: str | None = None, system_turn: str | None = None) -> None:
        self.offer = offer(name)
        if key is not None and self.offer.judged:
            raise DataError(f"{name} has no answer key; remove `key: {key}`")
        if system_turn is not None and (name != NAMES[2] or system_turn not in SYSTEM_TURN):
            raise DataError(f"`system_turn` is {' or '.join(SYSTEM_TURN)}, of {NAMES[2]} only; remove it")
        self._system_turn = system_turn or SYSTEM_TURN[0]
        self._source = _SOURCES[name]
        # a file of the user's is read now, so that its mistakes stand beside the suite's own
        self._key = None if self.offer.judged else answer_key.load_key(answer_key.check_name(key))
        self._samples: tuple[Sample, ...] | None = None

    def samples(self) -> tuple[Sample, ...]:
        """All items, in file order.

        Raises:
            UnavailableError: the file is not in DSAFE_DATA.
            DataError: it is not the pinned file, or does not fit the answer key.
        """
        if self._samples is None:
            rows = json.loads(data.read(self._source))
            drop = self._system_turn == "drop"
            self._samples = _read_mcq(rows, self._key) if self._key else _read_refusal(rows, drop)
        return self._samples

    def identity(self) -> dict[str, str]:
        """Source, hash, prompt and key."""
        said = {"source": self._source.urls[0], "sha256": self._source.sha256, "licence": self._source.licence}
        if self._key:
            line = choice_text.ANSWER_LINE
            said |= {
                "prompt": f"question as published, white space around lines removed; our line ({digest(line)}): {line}",
                "key": self._key.said,
                "key_sha256": self._key.sha256,
            }
        elif self.offer.name == NAMES[2]:
            kept = "included" if self._system_turn == "keep" else "left out"
            said |= {"prompt": f"the published conversation, its system turn {kept}", "system_turn": self._system_turn}
        else:
            said["prompt"] = "the question as published, white space around lines removed"
        return said

    def grade(self, sample: Sample, response: Response) -> Score:
        """The letter against the key. DataError: a judged set."""
        if self.offer.judged:
            raise DataError(f"{self.offer.name} is read by a judge, not graded")
        from dsafe_runner.benchmarks.extraction import grade_choice

        return grade_choice(sample, response)


def _read_mcq(blocks: list[dict[str, Any]], key: answer_key.Key) -> tuple[Sample, ...]:
    rows = [row for block in blocks for row in block["infos"]]
    shipped = answer_key.shipped_rows()
    hashes = {row["id"]: answer_key.question_hash(row["question"]) for row in rows}
    changed = [str(i) for i, found in hashes.items() if i not in shipped or found != shipped[i].question_sha256_16]
    if changed or len(rows) != len(shipped):
        raise DataError(f"the answer key does not belong to this mcq.json; other questions under ids {_few(changed)}")
    samples, beyond = [], []
    for row in rows:
        question = choice_text.clean(row["question"])
        _, options = choice_text.read_options(question)
        target = tuple(key.letters[row["id"]])
        if not set(target) <= set(choice_text.LETTERS[: len(options)]):
            beyond.append(str(row["id"]))
        uncontested = () if shipped[row["id"]].status == "contested" else (UNCONTESTED,)
        slices = (*_slices(row["category"]), *uncontested)
        message = Message("user", choice_text.ask(question))
        samples.append(Sample(str(row["id"]), (message,), slices, "mcq", options, target))
    if beyond:
        raise DataError(f"the answer key {key.said} names letters these items do not have: ids {_few(beyond)}")
    return tuple(samples)


def _read_refusal(blocks: list[dict[str, Any]], drop_system: bool) -> tuple[Sample, ...]:
    samples = []
    rows = [row for block in blocks for row in block.get("infos", [block])]
    for number, row in enumerate(rows, start=1):
        if "history" in row:  # these have no ids of their own
            said = [turn for turn in row["history"] if not (drop_system and turn["role"] == "system")]
            turns = [Message(turn["role"], turn["content"]) for turn in said]
            messages = (*turns, Message("user", row["input"]))
            samples.append(Sample(str(number), messages, _slices(row["sub_category"]), "refusal"))
        else:
            message = Message("user", choice_text.clean(row["question"]))
            samples.append(Sample(str(row["id"]), (message,), _slices(row["category"]), "refusal"))
    return tuple(samples)


def _slices(spelling: str) -> tuple[str, ...]:
    if spelling not in SPELLINGS:
        raise DataError(f"CHiSafetyBench category {spelling!r} is none of the known spellings")
    category = SPELLINGS[spelling]
    return (OVERALL, category.area, category.slice)


def _few(ids: list[str]) -> str:
    return ", ".join(ids[:20]) + (f" and {len(ids) - 20} more" if len(ids) > 20 else "")


@functools.cache
def _table() -> dict[str, dict[str, int]]:
    path = resources.files("dsafe_runner.benchmarks").joinpath("data", "offers.json")
    table: dict[str, dict[str, int]] = json.loads(path.read_text("utf-8"))
    return table
