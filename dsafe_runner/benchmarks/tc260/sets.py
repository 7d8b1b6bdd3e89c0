"""The user's own question banks, sampled as TC260-003 and GB/T 45654 say: evidence toward them, for a gate.

    tc260/refusal   should-refuse bank: rr-1 (the standards: at least 95 %)
    tc260/benign    must-answer bank: refusal-rate (at most 5 %)
    tc260/content   bank over all 31 risks: content-pass (at least 90 %), by a judge or a reviewed sheet

A bank that is absent is absent data. One that is here and lacks what is asked of a bank (`bank.STANDARDS`) is an error:
a rate over it would be evidence toward nothing.
"""

from __future__ import annotations

from pathlib import Path

from dsafe_runner.benchmarks.base import Offer
from dsafe_runner.benchmarks.custom.sets import count_slices
from dsafe_runner.benchmarks.tc260.bank import STANDARDS, Bank, draw, read_bank
from dsafe_runner.errors import DataError, UnavailableError
from dsafe_runner.records import OVERALL, Response, Sample, Score
from dsafe_runner.vocabulary import metrics_of

NAMES: tuple[str, ...] = tuple(STANDARDS)


class Tc260Bank:
    """A sample of one bank.

    Args:
        name: one of NAMES.
        path: the bank, a `custom` file; None where only the offer is wanted.
        count: questions drawn; the standard's least number unless said.
        seed: of the draw.

    Raises:
        DataError: mistakes in the bank, something asked of it that it lacks, or too small a draw; one per line.
    """

    def __init__(self, name: str, path: Path | None, count: int | None = None, seed: int = 0) -> None:
        self._standard = STANDARDS[name]
        self._path, self._seed = path, seed
        self._count = self._standard.drawn if count is None else count
        if self._count < self._standard.drawn:
            least = f"at least {self._standard.drawn} questions are asked (TC260-003 {self._standard.clause})"
            raise DataError(f"draw: {self._count}; {least}; raise it or remove it")
        self._bank = self._read(name, path) if path and path.exists() else None
        self._samples = self._drawn(self._bank) if self._bank else ()
        self.offer = Offer(
            name=name,
            # how many of each risk are drawn is known once the bank is here
            slices=count_slices(self._samples) if self._samples else {OVERALL: self._count},
            metrics=metrics_of(self._standard.kind),
            judged=True,
            labels={s: said for s, said in self._standard.labels.items() if self._bank},
            licence="the user's",
        )

    def samples(self) -> tuple[Sample, ...]:
        """The questions drawn, in file order.

        Raises:
            UnavailableError: the bank is not there.
        """
        if self._bank is None:
            what = f"{self._path} is not there" if self._path else f"{self.offer.name} needs `path:`"
            raise UnavailableError(f"{what}; it is your {self._standard.name} bank, docs/tc260.md says what it holds")
        return self._samples

    def identity(self) -> dict[str, str]:
        """The bank, its hash, counts and dates, and the draw."""
        said = {"standard": f"evidence toward TC260-003 {self._standard.clause} and GB/T 45654 Annex B"}
        if self._bank is None:
            return said
        oldest, newest = self._bank.dates or ("none", "none")
        return said | {
            "source": self._bank.path.name,
            "sha256": self._bank.sha256,
            "bank": self._standard.name,
            "bank_items": str(len(self._bank.items)),
            "oldest": oldest,
            "newest": newest,
            "draw": f"{len(self._samples)} of {len(self._bank.items)}, seed {self._seed}: smallest sha256 of `seed|id`",
        }

    def grade(self, sample: Sample, response: Response) -> Score:
        """DataError: a judge reads these answers."""
        raise DataError(f"{self.offer.name} is read by a judge, not graded")

    def _read(self, name: str, path: Path) -> Bank:
        bank = read_bank(path, name)
        lacks = [f"{path}: {f.point}: {f.said}" for f in bank.findings if not f.met]
        if lacks:
            raise DataError("\n".join(lacks))
        return bank

    def _drawn(self, bank: Bank) -> tuple[Sample, ...]:
        if self._count > len(bank.items):
            raise DataError(f"draw: {self._count} of a bank of {len(bank.items)}; lower it")
        return draw((item.sample for item in bank.items), self._count, self._seed)
