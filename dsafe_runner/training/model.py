"""Where a recipe's weights come from, and how the result is written."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dsafe_runner.benchmarks.tiny import text as tiny_text
from dsafe_runner.errors import TrainingError, UnavailableError
from dsafe_runner.training.finite import check_written
from dsafe_runner.training.recipe import FromScratch, Recipe
from dsafe_runner.training.template_check import check_named
from dsafe_runner.training.templates import TEMPLATES
from dsafe_runner.training.tokenizer import make_tokenizer

MARK = "<!-- written by dsafe train; without this line the card is yours, and is left alone -->"


def open_tokenizer(recipe: Recipe, path: str | None) -> Any:
    """The tokenizer a recipe starts from, with its chat template.

    UnavailableError: it cannot be loaded. TrainingError: it has no chat template, or no tokens for the one given to it.
    """
    if recipe.start.scratch is not None:
        tokenizer = make_tokenizer(tiny_text.words(), recipe.start.scratch.context)
    else:
        from transformers import AutoTokenizer

        with _loading(str(path)):
            tokenizer = AutoTokenizer.from_pretrained(str(path), revision=recipe.start.revision or "main")
    if recipe.template is not None:
        tokenizer.chat_template = TEMPLATES[recipe.template]
        check_named(tokenizer, recipe.template)
    if not tokenizer.chat_template:
        raise TrainingError(f"{path} has no chat template; give the recipe a `template`")
    return tokenizer


def open_model(recipe: Recipe, path: str | None, tokenizer: Any, dtype: str = "float32") -> Any:
    """The model a recipe starts from, in training mode. UnavailableError: it cannot be loaded."""
    if recipe.start.scratch is not None:
        return new_model(recipe.start.scratch, tokenizer)
    return load_model(str(path), dtype, revision=recipe.start.revision, attention=recipe.train.attention)


def new_model(spec: FromScratch, tokenizer: Any) -> Any:
    """A Qwen2 with tied embeddings and fresh weights (torch's seed decides them)."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=-(-len(tokenizer) // 64) * 64,  # a multiple of 64 keeps the matrix products aligned
        hidden_size=spec.hidden_size,
        intermediate_size=spec.ffn,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        num_key_value_heads=spec.kv_heads,
        max_position_embeddings=spec.context,
        initializer_range=spec.initializer_range,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return Qwen2ForCausalLM(config)


def load(path: str) -> tuple[Any, Any]:
    """Model (float32) and tokenizer of a folder or hub id. UnavailableError: they cannot be loaded."""
    from transformers import AutoTokenizer

    with _loading(path):
        tokenizer = AutoTokenizer.from_pretrained(path)
    return load_model(path), tokenizer


def load_model(path: str, dtype: str = "float32", *, revision: str | None = None, attention: str | None = None) -> Any:
    """The model of a folder or hub id. UnavailableError: it cannot be loaded."""
    import torch
    from transformers import AutoModelForCausalLM

    with _loading(path):
        return AutoModelForCausalLM.from_pretrained(
            path,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            revision=revision or "main",
            **({"attn_implementation": attention} if attention else {}),
        )


@contextmanager
def _loading(path: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, ImportError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnavailableError(f"cannot load the starting model {path}: {reason}") from error


def save(
    model: Any,
    tokenizer: Any,
    out: Path,
    dtype: str,
    finish: Callable[[Path], dict[str, Any]],
    *,
    state: Mapping[str, Any] | None = None,
    card: Callable[[dict[str, Any]], str] | None = None,
) -> dict[str, Any]:
    """Write weights (safetensors), tokenizer with chat template, greedy generation config and `training.json` to `out`.

    state  the whole weights, where the model's own are spread over processes
    card   makes the model card of the record; a card in `out` that people wrote stays

    Everything is written to a folder beside `out` first. `finish` is given that folder, may load and judge what is in
    it, and returns what `training.json` should say; when it raises, `out` is left as it was. Files are moved in one by
    one, each whole.

    TrainingError: the weights are not finite.
    """
    import torch
    from transformers import GenerationConfig

    out.parent.mkdir(parents=True, exist_ok=True)
    wanted = getattr(torch, dtype)
    if state is None:
        model = model.to(wanted)
    else:
        # gathered weights are copies: a tied matrix would be written twice
        twice = getattr(model, "all_tied_weights_keys", None) or {}
        state = {name: value.to(wanted) for name, value in state.items() if name not in twice}
    check_written(state.items() if state is not None else model.state_dict().items(), dtype)
    model.config.dtype = dtype
    model.generation_config = GenerationConfig(
        do_sample=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
        folder = Path(scratch)
        model.save_pretrained(folder, **({"state_dict": state} if state is not None else {}))
        tokenizer.save_pretrained(folder)
        record = finish(folder)
        (folder / "README.md").unlink(missing_ok=True)  # TRL's model card
        if card is not None and _may_replace(out / "README.md"):
            (folder / "README.md").write_text(card(record), encoding="utf-8")
        text = json.dumps(record, ensure_ascii=False, indent=1) + "\n"
        (folder / "training.json").write_text(text, encoding="utf-8")
        out.mkdir(exist_ok=True)
        for file in sorted(folder.iterdir()):
            file.chmod(0o644)  # safetensors makes its file private
            os.replace(file, out / file.name)
    return record


def _may_replace(card: Path) -> bool:
    """Whether a card there is ours (or none): one that people wrote stays."""
    try:
        return MARK in card.read_text(encoding="utf-8")
    except FileNotFoundError:
        return True
    except (OSError, UnicodeDecodeError):
        return False
