"""What checks count as once their waivers have been looked at: what a notebook gets from `decide`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dsafe_runner.plan import Check
from dsafe_runner.records import Estimate, Verdict
from dsafe_runner.verdicts.blocking import OK, blocks, status_of
from dsafe_runner.verdicts.waivers import Result


@dataclass(frozen=True, slots=True)
class Decided:
    """One check: what the evidence says, and what that counts as.

    verdict  what the evidence says of the limit, before waivers
    result   what it counts as: passed, failed, inconclusive, waived, or error where there is nothing to decide on
    line     the sentence that explains the result
    """

    check: Check
    verdict: Verdict
    result: Result
    line: str

    @property
    def passed(self) -> bool:
        """Proven inside its limit. A waived check did not pass."""
        return self.result is Result.PASSED

    @property
    def estimate(self) -> Estimate | None:
        """The metric that was measured, where one was."""
        return self.verdict.estimate

    def __bool__(self) -> bool:
        # `all(results.values())` must not be true of checks that failed
        return self.passed

    def __str__(self) -> str:
        return f"{self.check.id}: {self.result.value}: {self.line}"


@dataclass(frozen=True, eq=False, repr=False)
class Results(Mapping[str, Decided]):
    """Check id -> Decided, for every check that was asked for, with what pytest would make of them.

    verdicts  the same as a plain mapping
    lenient   checks that are inconclusive do not block: the suite says so, and this is no build
    """

    verdicts: Mapping[str, Decided]
    lenient: bool = False

    def __getitem__(self, check_id: str) -> Decided:
        return self.verdicts[check_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    def __bool__(self) -> bool:
        # `assert decide(plan, run)` must not be green because a mapping is not empty
        return self.ok

    def __repr__(self) -> str:
        counts = Counter(decided.result.value for decided in self.values())
        said = ", ".join(f"{counts[result.value]} {result.value}" for result in Result if counts[result.value])
        return f"<Results {'ok' if self.ok else 'not ok'}: {said or 'no checks'}>"

    @property
    def exit_status(self) -> int:
        """As pytest would end: 0 all is decided and in order, 1 a check blocks, 4 nothing was decided."""
        return status_of(((one.result, self._blocks(one)) for one in self.values()), complete=True)

    @property
    def ok(self) -> bool:
        """Whether a release may go out on these results. Never true for want of evidence."""
        return self.exit_status == OK

    @property
    def blocking(self) -> tuple[Decided, ...]:
        """The checks that stand in the way."""
        return tuple(one for one in self.values() if self._blocks(one))

    def _blocks(self, decided: Decided) -> bool:
        return blocks(decided.result, lenient=self.lenient)
