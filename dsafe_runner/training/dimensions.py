"""How many parameters a model has, from its dimensions alone: nothing is downloaded or loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from dsafe_runner.errors import UnavailableError
from dsafe_runner.training.recipe import FromScratch, Recipe, is_folder, resolve


@dataclass(frozen=True, slots=True)
class Dimensions:
    """A decoder of the Llama and Qwen2 kind."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head: int
    ffn: int
    vocabulary: int
    tied: bool
    qkv_bias: bool

    @property
    def parameters(self) -> int:
        """All of them, a tied output matrix counted once."""
        width, small = self.heads * self.head, self.kv_heads * self.head
        attention = self.hidden * (2 * width + 2 * small) + (width + 2 * small if self.qkv_bias else 0)
        block = attention + 3 * self.hidden * self.ffn + 2 * self.hidden
        return self.layers * block + self.embedding * (1 if self.tied else 2) + self.hidden

    @property
    def embedding(self) -> int:
        """Parameters of the largest single matrix: what ZeRO-3 gathers at once at most."""
        return self.vocabulary * self.hidden


def dimensions_of(recipe: Recipe, path: Path) -> Dimensions:
    """Of the recipe's starting model.

    UnavailableError: it is a hub model whose dimensions are not known here; a folder's are in its config.json.
    """
    if recipe.start.scratch is not None:
        return _of_scratch(recipe.start.scratch)
    start = str(recipe.start.path)
    if is_folder(start):
        return _of_config(Path(resolve(start, path)) / "config.json")
    known = json.loads(files("dsafe_runner.training").joinpath("dimensions.json").read_text(encoding="utf-8"))
    if start not in known:
        raise UnavailableError(
            f"the dimensions of {start} are not known here; download it and give its folder as `start: {{path: ...}}`"
        )
    return Dimensions(**known[start])


def _of_config(file: Path) -> Dimensions:
    try:
        config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        heads = config["num_attention_heads"]
        return Dimensions(
            hidden=config["hidden_size"],
            layers=config["num_hidden_layers"],
            heads=heads,
            kv_heads=config.get("num_key_value_heads") or heads,
            head=config.get("head_dim") or config["hidden_size"] // heads,
            ffn=config["intermediate_size"],
            vocabulary=config["vocab_size"],
            tied=bool(config.get("tie_word_embeddings", False)),
            qkv_bias=bool(config.get("attention_bias", config.get("model_type") == "qwen2")),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnavailableError(f"{file}: its dimensions cannot be read ({type(error).__name__}: {error})") from error


def _of_scratch(spec: FromScratch) -> Dimensions:
    from dsafe_runner.benchmarks.tiny import text as tiny_text
    from dsafe_runner.training.tokenizer import make_tokenizer

    size = len(make_tokenizer(tiny_text.words(), spec.context))
    return Dimensions(
        hidden=spec.hidden_size,
        layers=spec.layers,
        heads=spec.heads,
        kv_heads=spec.kv_heads,
        head=spec.hidden_size // spec.heads,
        ffn=spec.ffn,
        vocabulary=-(-size // 64) * 64,
        tied=True,
        qkv_bias=True,
    )
