"""What one run of a program may use, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MEBIBYTE = 1 << 20


class CodeVerdict(StrEnum):
    """What became of a program.

    OK             a run ended by itself; of a grade: every test passed
    WRONG          it ended by itself with another output than expected
    RUNTIME_ERROR  an uncaught exception, a signal, a status other than 0, a program that does not compile
    TIME           the CPU or the wall clock limit
    MEMORY         a MemoryError nobody caught, or more resident memory than allowed
    OUTPUT_LIMIT   more output than allowed
    NO_CODE        the answer holds no program
    SANDBOX_ERROR  the run failed outside the program's reach: nothing is known about the program
    """

    OK = "ok"
    WRONG = "wrong"
    RUNTIME_ERROR = "runtime-error"
    TIME = "time"
    MEMORY = "memory"
    OUTPUT_LIMIT = "output-limit"
    NO_CODE = "no-code"
    SANDBOX_ERROR = "sandbox-error"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use.

    cpu_seconds   of each process, and of all of them together; LiveCodeBench's limit, there in wall clock time
    wall_seconds  from start to end, waiting included; more where a busy machine keeps a program from computing
    memory_bytes  address space of each process, and resident memory of all of them together
    file_bytes    largest file, and all of /tmp
    output_bytes  standard output, or the JSON of a result
    processes     processes and threads at a time
    """

    cpu_seconds: int = 6
    wall_seconds: float = 18.0
    memory_bytes: int = 4096 * MEBIBYTE
    file_bytes: int = 64 * MEBIBYTE
    output_bytes: int = 16 * MEBIBYTE
    processes: int = 64


@dataclass(frozen=True, slots=True)
class Run:
    """How one run ended.

    verdict       never WRONG or NO_CODE: whether the output is right is for the grader to say
    stdout        what the program wrote, as far as it was read
    result        JSON of what the called function returned (see inside.encode), None where nothing was called
    detail        one line for people; the end of it may be the program's own words
    wall_seconds  from start to end
    """

    verdict: CodeVerdict
    stdout: bytes = b""
    result: bytes | None = None
    detail: str = ""
    wall_seconds: float = 0.0
