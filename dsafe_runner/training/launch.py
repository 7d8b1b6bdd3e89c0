"""torchrun, ending with the exit code of the process that failed first.

torchrun itself ends with 1 whatever happened to its processes, after a traceback of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dsafe_runner.errors import ExitCode


def main(arguments: Sequence[str]) -> int:
    """Start the processes that torchrun's arguments ask for, and wait for them."""
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    try:
        torchrun(list(arguments))
    except ChildFailedError as error:
        _, failure = error.get_first_failure()
        # below zero: a signal ended it, as the kernel does where memory runs out
        return failure.exitcode if failure.exitcode > ExitCode.FINDINGS else ExitCode.ENVIRONMENT
    except (SignalException, KeyboardInterrupt):
        return ExitCode.MISTAKES
    return ExitCode.FINE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
