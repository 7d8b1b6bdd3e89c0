"""DeepSpeed on CPU: its processes talk over gloo, and a part of it is compiled at first, once per environment.

torch guards a build with a lock file. A build that is killed leaves it behind, and every later run waits for it without
a word; environments that share a build folder rebuild each other's. So each environment has a folder of its own, and
the build is made under a lock that dies with its holder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
from pathlib import Path

from dsafe_runner.errors import UnavailableError

BUILDS = "TORCH_EXTENSIONS_DIR"


def connect() -> None:
    """Join the processes, so that all of them are known before a model is loaded in parts.

    (accelerate connects them only after zero.Init has asked how many there are.)

    UnavailableError: there is no compiler, or it fails.
    """
    # an environment that is not activated has its ninja beside its python
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    folder = Path(os.environ.setdefault(BUILDS, str(_own_folder())))
    folder.mkdir(parents=True, exist_ok=True)
    import deepspeed

    with (folder / "dsafe.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        for left in folder.glob("*/lock"):
            with contextlib.suppress(OSError):
                left.unlink()  # nobody builds while we hold the guard: its owner is dead
        try:
            _compile()
        except (subprocess.CalledProcessError, RuntimeError, OSError, ImportError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise UnavailableError(
                f"DeepSpeed could not compile its part for CPU ({reason}); it needs g++ and ninja"
            ) from error
    deepspeed.init_distributed(dist_backend="gloo", verbose=False)


def _own_folder() -> Path:
    if os.access(sys.prefix, os.W_OK):
        return Path(sys.prefix) / "torch_extensions"
    return Path.home() / ".cache" / "dsafe" / "torch_extensions"


def _compile() -> None:
    """The shared-memory collectives; DeepSpeed finds them loaded when it connects."""
    from deepspeed.accelerator import get_accelerator

    builder = get_accelerator().create_op_builder("ShareMemCommBuilder")
    if builder is not None:
        builder.load(verbose=False)
