"""The processes of one training run: which of them this one is, and what only the first of them does."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dsafe_runner.errors import TrainingError

_PR_SET_PDEATHSIG = 1
LAUNCHED = "LOCAL_RANK"
"""Set by torchrun and by the deepspeed launcher in every process they start."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """`rank` of `world` processes; `local` is its number on this machine."""

    rank: int = 0
    local: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process speaks and writes for all."""
        return self.rank == 0


def this_rank() -> Ranks:
    """What the launcher says; a process that none started is alone. TrainingError: it says only half of it."""
    if LAUNCHED not in os.environ:
        return Ranks()
    try:
        found = Ranks(*(int(os.environ[name]) for name in ("RANK", LAUNCHED, "WORLD_SIZE")))
    except (KeyError, ValueError) as error:
        raise TrainingError(f"{LAUNCHED} is set but RANK or WORLD_SIZE is not; start it with torchrun") from error
    return found


def quiet_unless_first(say: Callable[[str], None], ranks: Ranks) -> Callable[[str], None]:
    """`say` on the first process, nothing on the others."""
    return say if ranks.first else lambda line: None


def describe_alone() -> None:
    """Tell DeepSpeed that a process nobody launched is alone; otherwise it looks for mpi4py."""
    if LAUNCHED in os.environ:
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    alone = {"RANK": "0", LAUNCHED: "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ.update(alone)


def die_with_launcher() -> None:
    """End with the launcher, however it ends: a launcher that is killed leaves its processes running otherwise."""
    if LAUNCHED in os.environ and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def be_quiet() -> None:
    """Keep libraries from drawing bars and repeating warnings between the lines of progress."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"torch\.distributed\..*")
    warnings.filterwarnings("ignore", category=UserWarning, module=r"torch\.distributed\..*")


def barrier() -> None:
    """Wait for all processes."""
    if _distributed():
        import torch.distributed as dist

        dist.barrier()


def shared(value: Any) -> Any:
    """The first process's value, on all of them: what decides when to stop must be one decision."""
    if not _distributed():
        return value
    import torch.distributed as dist

    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def all_said(value: Any) -> list[Any]:
    """What each process says, on all of them, in their order. All must get here."""
    if not _distributed():
        return [value]
    import torch.distributed as dist

    said: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(said, value)
    return said


def leave() -> None:
    """Close the process group, so that a process which goes on alone holds nothing of it."""
    if _distributed():
        import torch.distributed as dist

        dist.destroy_process_group()


def _distributed() -> bool:
    import torch.distributed as dist

    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
