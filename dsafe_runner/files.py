"""Files that are either whole or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dsafe_runner.errors import WriteError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around whatever writes `path`: a full disk or a folder that is none is the user's to mend, not a bug of ours.

    Raises:
        WriteError: the disk or the folder refused.
    """
    try:
        yield
    except OSError as error:
        what = error.strerror or error
        raise WriteError(f"{path}: cannot be written ({what}); free the disk or choose another folder") from error


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a reader, or a crash, never sees half of it.

    Raises:
        WriteError: it cannot be written.
    """
    with writing(path):
        _write(path, text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes the file private; a report is as readable as its neighbours
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
