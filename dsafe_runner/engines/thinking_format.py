"""Which format of thinking a checkpoint writes, read from its chat template and tokenizer. Never imports torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dsafe_runner.engines import harmony
from dsafe_runner.engines.checkpoint import is_hub_id
from dsafe_runner.engines.reasoning import CLOSE, OPEN, TAGS


def format_of(path: str) -> str | None:
    """The `reasoning:` of a checkpoint folder, or of a hub id in the local cache; None where nothing shows one."""
    folder = _folder(path)
    if folder is None:
        return None
    config = _json(folder / "tokenizer_config.json")
    template = _template(folder, config)
    # without a template the tokens are all there is; beside one they may be left over from a sibling model
    text = template or "\n".join(_tokens(folder, config))
    if harmony.CHANNEL in text:
        return "harmony"
    if TAGS["mistral"][0] in text:
        return "mistral"
    if OPEN in text or CLOSE in text:
        switched = any(name in text for name in ("enable_thinking", "thinking is", "if thinking", "<|im_start|>"))
        return "qwen3" if switched else "deepseek-r1"
    return None


def _folder(path: str) -> Path | None:
    here = Path(path).expanduser()
    if here.is_dir():
        return here
    if not is_hub_id(path):
        return None
    from huggingface_hub import try_to_load_from_cache

    for name in ("tokenizer_config.json", "tekken.json"):
        found = try_to_load_from_cache(path, name)
        if isinstance(found, str):
            return Path(found).parent
    return None


def _template(folder: Path, config: dict[str, Any]) -> str:
    """All chat templates, as text."""
    files = [folder / "chat_template.jinja", *sorted(folder.glob("additional_chat_templates/*.jinja"))]
    texts = [text for file in files if (text := _read(file))]
    for said in (config.get("chat_template"), _json(folder / "chat_template.json").get("chat_template")):
        named = said if isinstance(said, list) else [{"template": said}]
        texts += [str(one["template"]) for one in named if isinstance(one, dict) and one.get("template")]
    return "\n".join(texts)


def _tokens(folder: Path, config: dict[str, Any]) -> list[str]:
    """What the tokenizer has as tokens of its own."""
    decoder = config.get("added_tokens_decoder")
    entries = list(decoder.values()) if isinstance(decoder, dict) else []
    entries += _json(folder / "tokenizer.json").get("added_tokens") or []
    entries += _json(folder / "tekken.json").get("special_tokens") or []
    texts = [entry.get("content", entry.get("token_str")) for entry in entries if isinstance(entry, dict)]
    return [text for text in texts if isinstance(text, str)]


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_read(path) or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
