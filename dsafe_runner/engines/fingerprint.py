"""What makes a checkpoint the checkpoint it is: hashes of its files, or the commit of a hub snapshot. No torch."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from dsafe_runner.engines.checkpoint import is_hub_id, local_folder
from dsafe_runner.errors import UnavailableError
from dsafe_runner.records import digest

_SUFFIXES = {".json", ".jinja", ".txt", ".model", ".tiktoken", ".py", ".safetensors", ".bin", ".pt", ".pth"}
_NOT_THE_MODEL = re.compile(
    r"(trainer_state|training_args|optimizer|scheduler|rng_state|README|LICENSE|requirements|all_results|train_results|eval_results)"
    r"[\w.-]*",
    re.IGNORECASE,
)
_COMMIT = re.compile(r"[0-9a-f]{40}")


def fingerprint(
    path: str,
    revision: str | None = None,
    *,
    cache: MutableMapping[str, str] | None = None,
    download: bool = False,
    allow_pickle: bool = False,
) -> dict[str, Any]:
    """The identity of a checkpoint, JSON types.

    Args:
        path: an absolute folder, or a hub id.
        revision: of a hub id; ignored for folders.
        cache: (real path, size, mtime, ctime, inode) -> sha256 of files hashed before; new ones are added.
        download: fetch a hub id that is not in the local cache.
        allow_pickle: as in `local_folder`.

    Returns:
        kind        `folder` or `hub`
        digest      64 hex digits that stand for the whole identity
        files       folder: file name -> sha256
        id, commit  hub: repository and commit
        uses_date   the chat template prints the current date, so the day is part of every prompt

    A folder's place is not part of its identity, and neither are README, licence and training state.

    Raises:
        UnavailableError: the checkpoint is not on this machine; the message says how to get it.
    """
    folder = local_folder(path, revision, download=download, allow_pickle=allow_pickle)
    uses_date = _uses_date(folder)
    if is_hub_id(path) and _COMMIT.fullmatch(folder.name) and folder.parent.name == "snapshots":
        identity: dict[str, Any] = {"kind": "hub", "id": path, "commit": folder.name}
    else:
        files = {name: file_sha256(file, cache) for name, file in sorted(_model_files(folder).items())}
        identity = {"kind": "folder", "files": files}
    return {**identity, "digest": digest(identity, 64), "uses_date": uses_date}


def _model_files(folder: Path) -> dict[str, Path]:
    top = [p for p in folder.iterdir() if p.suffix in _SUFFIXES and not _NOT_THE_MODEL.fullmatch(p.name)]
    templates = list((folder / "additional_chat_templates").glob("*.jinja"))
    named = [folder / shard for index in folder.glob("*.index.json") for shard in _shards(index)]
    return {os.path.relpath(p, folder).replace(os.sep, "/"): p for p in [*top, *templates, *named] if p.is_file()}


def _shards(index: Path) -> set[str]:
    """Weight files an index names, wherever they lie and whatever they are called: they are what is loaded."""
    try:
        return {str(name) for name in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
    except (OSError, ValueError, KeyError, AttributeError):
        raise UnavailableError(f"{index} cannot be read; the checkpoint is broken") from None


def file_sha256(file: Path, cache: MutableMapping[str, str] | None) -> str:
    """SHA-256 of a file, from `cache` where it was hashed before and not touched since.

    Raises:
        UnavailableError: it cannot be read.
    """
    try:
        real = file.resolve()
        stat = real.stat()
        # mtime can be set back (cp -p, rsync -t, a checkout tool); the time of the inode's change cannot
        key = f"{real}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ctime_ns}|{stat.st_ino}"
        if cache is not None and key in cache:
            return cache[key]
        with real.open("rb") as stream:
            value = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UnavailableError(f"{file} cannot be read: {error.strerror or error}") from None
    if cache is not None:
        cache[key] = value
    return value


def _uses_date(folder: Path) -> bool:
    """Whether any chat template of the folder calls `strftime_now`."""
    texts = [p.read_text(encoding="utf-8", errors="replace") for p in folder.rglob("*.jinja")]
    for name in ("tokenizer_config.json", "chat_template.json"):
        file = folder / name
        if file.is_file():
            try:
                texts.append(json.dumps(json.loads(file.read_text(encoding="utf-8")).get("chat_template") or ""))
            except (OSError, ValueError, AttributeError):
                raise UnavailableError(f"{file} cannot be read as JSON; the checkpoint is broken") from None
    return any("strftime_now" in text for text in texts)
