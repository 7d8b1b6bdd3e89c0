"""Finds a checkpoint on this machine: a folder, or a hub id in the local Hugging Face cache. Never imports torch."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from dsafe_runner.errors import UnavailableError

_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
_PICKLES = ("*.bin", "*.pt", "*.pth")
_TEXT = ("*.json", "*.txt", "*.model", "*.jinja", "*.tiktoken")


def is_hub_id(path: str) -> bool:
    """Whether `path` names a hub repository rather than a folder."""
    return not path.startswith((".", "/", "~")) and _HUB_ID.fullmatch(path) is not None


def local_folder(path: str, revision: str | None = None, *, download: bool = False, allow_pickle: bool = False) -> Path:
    """The folder that holds a checkpoint's files.

    Args:
        path: an absolute folder, or a hub id.
        revision: commit, tag or branch of a hub id; `main` unless said; ignored for folders.
        download: fetch what is not in the cache, unless HF_HUB_OFFLINE is set.
        allow_pickle: weights that are not safetensors count as weights.

    Raises:
        UnavailableError: the folder, the cached snapshot or its weights are not there, or it cannot be fetched.
    """
    if is_hub_id(path) and not Path(path).is_dir():
        folder = _snapshot(path, revision, download=download, allow_pickle=allow_pickle)
    else:
        folder = Path(path).expanduser()
        if not folder.is_dir():
            raise UnavailableError(f"there is no folder {folder}; check the model's `path`")
    missing = _missing_parts(folder, allow_pickle)
    if missing:
        raise UnavailableError(f"{path} is incomplete: {missing}")
    return folder


def hub_offline() -> bool:
    """Whether the environment forbids asking the hub."""
    return any(
        os.environ.get(name, "").upper() in {"1", "ON", "YES", "TRUE"}
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )


def _snapshot(repo: str, revision: str | None, *, download: bool, allow_pickle: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    at = f"{repo}@{revision}" if revision else repo
    try:
        cached = Path(snapshot_download(repo, revision=revision, local_files_only=True))
        if not download or not _missing_parts(cached, allow_pickle):
            return cached
    except (LocalEntryNotFoundError, FileNotFoundError, ValueError):
        cached = None
    how = f"hf download {repo}" + (f" --revision {revision}" if revision else "")
    if not download or hub_offline():
        why = " and HF_HUB_OFFLINE is set" if download else ""
        raise UnavailableError(
            f"{at} is not in the local Hugging Face cache{why}; run `{how}`, or give a folder as `path`"
        )
    patterns = [*_TEXT, "*.py", "*.safetensors", *(_PICKLES if allow_pickle else ())]
    try:
        return Path(snapshot_download(repo, revision=revision, allow_patterns=patterns))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UnavailableError(
            f"{at} could not be downloaded ({reason}); run `{how}` where there is a network"
        ) from None


def _missing_parts(folder: Path, allow_pickle: bool) -> str | None:
    """What a checkpoint folder lacks, in words; None when it is complete."""
    if not (folder / "config.json").is_file():
        return f"{folder} has no config.json, so it is no Hugging Face checkpoint"
    indices = [folder / "model.safetensors.index.json"]
    if allow_pickle:
        indices.append(folder / "pytorch_model.bin.index.json")
    for index in indices:
        if index.is_file():
            return _missing_shards(index)
    if any(folder.glob("*.safetensors")) or (allow_pickle and any(any(folder.glob(p)) for p in _PICKLES)):
        return None
    if any(any(folder.glob(p)) for p in _PICKLES):
        return f"{folder} has only pickled weights; convert them to safetensors, or say `allow_pickle: true`"
    return f"{folder} has no weights (*.safetensors)"


def _missing_shards(index: Path) -> str | None:
    try:
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, AttributeError):
        return f"{index.name} cannot be read"
    missing = sorted(str(s) for s in shards if not (index.parent / str(s)).is_file())
    return f"{len(missing)} of {len(shards)} weight files are missing, e.g. {missing[0]}" if missing else None
