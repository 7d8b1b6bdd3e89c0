"""What a training recipe says, once it has been read: frozen, strict, nothing unknown allowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from dsafe_runner.config import Loaded, load_yaml
from dsafe_runner.config.strict import Strict
from dsafe_runner.errors import ConfigError, Mistake
from dsafe_runner.training.recipe_data import Count, Mixture, TinyData
from dsafe_runner.training.recipe_train import Checkpoints, Dev, Goal, Optimisation, Positive, Save, Select

__all__ = ["Dev", "Goal", "Mixture", "Optimisation", "Recipe", "TinyData", "load_recipe", "resolve"]


class FromScratch(Strict):
    """A new Qwen2 model, and a tokenizer of the tiny world's words and the 256 bytes."""

    hidden_size: Count = Field(description="Width.")
    layers: Count = Field(description="Transformer blocks.")
    heads: Count = Field(description="Query heads.")
    kv_heads: Count = Field(description="Key and value heads.")
    ffn: Count = Field(description="Width of the feed-forward layer.")
    context: Annotated[int, Field(ge=64)] = Field(description="max_position_embeddings, in tokens.")
    initializer_range: Positive = Field(description="Standard deviation of the initial weights.")


class Start(Strict):
    """Where the weights come from: exactly one of the two."""

    path: str | None = Field(
        None, min_length=1, description="A model folder (./, ../, / or ~, relative to this file) or a hub id."
    )
    revision: str | None = Field(None, min_length=1, description="Commit or tag of a hub model.")
    scratch: FromScratch | None = Field(None, description="A new model instead.")

    @model_validator(mode="after")
    def _one_of_two(self) -> Start:
        if (self.path is None) == (self.scratch is None):
            raise ValueError("give exactly one of `path` and `scratch`")
        if self.revision is not None and (self.path is None or is_folder(self.path)):
            raise ValueError("`revision` is of a hub model; a folder has none")
        return self


class Recipe(Strict):
    """A whole recipe file."""

    recipe: str = Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="Its name.")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(0, description="Of data, initial weights and order.")
    start: Start
    template: Literal["plain", "deepseek-r1"] | None = Field(
        None, description="Chat template to give the tokenizer; the starting model's own unless said."
    )
    reasoning: Literal["deepseek-r1"] | None = Field(None, description="Rows hold thinking in this format.")
    data: Annotated[TinyData | Mixture, Field(discriminator="use")] = Field(description="What is trained on.")
    train: Optimisation
    dev: Dev | None = Field(None, description="Of the tiny world. No rule unless said: all steps are run.")
    checkpoints: Checkpoints | None = Field(None, description="Unless said, a run that dies starts again.")
    select: Select | None = Field(None, description="Keeps the model of the best epoch instead of the last.")
    deepspeed: str | None = Field(
        None, description="A DeepSpeed JSON, relative to this file; its `auto` values are filled in from `train`."
    )
    threads: Count | None = Field(None, description="CPU threads; torch's own choice unless said.")
    report_to: list[Literal["tensorboard", "wandb", "mlflow", "swanlab", "trackio"]] = Field(
        [], description="Trackers that get every number of the progress lines too."
    )
    save: Save = Save(dtype="bfloat16")

    @model_validator(mode="after")
    def _template_fits(self) -> Recipe:
        if self.start.scratch is not None and self.template is None:
            raise ValueError("a model from scratch needs `template`")
        if self.template == "plain" and self.reasoning is not None:
            raise ValueError("template `plain` has no thinking; use `deepseek-r1` or leave `reasoning` out")
        return self

    @model_validator(mode="after")
    def _epochs_fit(self) -> Recipe:
        if self.select is not None and self.dev is not None:
            raise ValueError("`dev` stops at its own goals and `select` compares epochs; give one of them")
        if self.select is not None and self.train.epochs is None:
            raise ValueError("`select` compares epochs, so `train` needs `epochs`")
        if self.select is not None and (self.checkpoints is None or self.checkpoints.every != "epoch"):
            raise ValueError("`select` needs a model of every epoch: say `checkpoints: {every: epoch}`")
        trained = self.train.precision if self.deepspeed is not None else "float32"
        if self.select is not None and self.save.dtype != trained:
            raise ValueError(f"`select` measures the weights as they are trained; say `save: {{dtype: {trained}}}`")
        return self


def is_folder(text: str) -> bool:
    """Whether a path means a folder or file; anything else is a hub id."""
    return text.startswith(("./", "../", "/", "~"))


def resolve(text: str, recipe_path: Path) -> str:
    """A folder relative to the recipe when it looks like one (./, ../, / or ~), else the hub id as it is."""
    if is_folder(text):
        return str((recipe_path.parent / Path(text).expanduser()).resolve())
    return text


def load_recipe(path: Path) -> Loaded[Recipe]:
    """Read a recipe. ConfigError: every mistake of the file, with its line and column; absent files are mistakes."""
    loaded = load_yaml(path, Recipe)
    recipe = loaded.value
    wanted: list[tuple[tuple[str | int, ...], str, str]] = []
    if recipe.deepspeed is not None:
        wanted.append((("deepspeed",), recipe.deepspeed, "give a DeepSpeed JSON"))
    if isinstance(recipe.data, Mixture):
        for number, source in enumerate(recipe.data.sources):
            if source.path is not None:
                wanted.append((("data", "sources", number, "path"), source.path, "paths are relative to the recipe"))
    if recipe.select is not None:
        for key in ("suite", "release"):
            wanted.append((("select", key), getattr(recipe.select, key), "give a suite, relative to the recipe"))
    mistakes = [
        Mistake(*loaded.positions[loc], f"no file {text!r}", todo)
        for loc, text, todo in wanted
        if not Path(resolve(text, loaded.path)).is_file()
    ]
    if not mistakes and recipe.deepspeed is not None:
        mistakes = [
            Mistake(*loaded.positions[("deepspeed",)], what, todo)
            for what, todo in _deepspeed_doubts(Path(resolve(recipe.deepspeed, loaded.path)))
        ]
    if mistakes:
        raise ConfigError(mistakes)
    return loaded


def _deepspeed_doubts(path: Path) -> list[tuple[str, str]]:
    """What is wrong with a DeepSpeed file, and what to do."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [(f"{path.name} is no JSON: {str(error).splitlines()[0]}", "repair it")]
    if not isinstance(data, dict) or not isinstance(data.get("zero_optimization"), dict):
        return [(f"{path.name} has no `zero_optimization`", "start from recipes/deepspeed/zero2.json")]
    return []
