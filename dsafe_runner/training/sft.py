"""Recipe to checkpoint: rows, our own tokenisation, TRL's SFTTrainer, safetensors. The one training path.

result = train("recipes/tiny/base.yaml", "out/tiny-base")
"""

from __future__ import annotations

import importlib.util
import math
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsafe_runner.errors import TrainingError, UnavailableError
from dsafe_runner.records import digest
from dsafe_runner.training.recipe import Recipe, load_recipe, resolve
from dsafe_runner.training.tokenise import Conversation, Tokens, preview, render_prompt, tokenise_all
from dsafe_runner.training.tokenizer import check_reload

if TYPE_CHECKING:
    from dsafe_runner.training.dev import ScoreName

IGNORED = -100
"""The label of a token that is not trained on (torch's convention)."""
CHECKED = 200
"""Rows whose token ids are compared with those of the tokenizer as it will be loaded."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What training made. `dev`: scores of the saved weights, in their saved precision, computed in float32."""

    out: Path
    steps: int
    seconds: float
    loss: float
    dev: dict[str, float]


def train(
    recipe_path: str | Path,
    out_dir: str | Path | None = None,
    seed: int | None = None,
    *,
    start: str | None = None,
    say: Callable[[str], None] = print,
) -> Trained:
    """Train what a recipe says and write it to `out_dir` (default `out/<recipe name>`).

    seed, start  instead of the recipe's own seed and starting model
    say          takes one line of progress at a time

    ConfigError: mistakes in the recipe. UnavailableError: no TRL, or no starting model. TrainingError: the rows cannot
    be trained on, the loss is not finite, or the development goals were never met; then nothing is written.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # tokenizers warns at every fork otherwise
    path = Path(recipe_path)
    recipe = load_recipe(path).value
    seed = recipe.seed if seed is None else seed
    out = Path(out_dir) if out_dir is not None else Path("out") / recipe.recipe
    begun = time.monotonic()
    run = _Run(recipe, path, seed, start, say)
    steps, loss = run.fit()
    record = {
        "recipe": recipe.recipe,
        "recipe_digest": digest(recipe.model_dump(mode="json")),  # of what it says, comments aside
        "seed": seed,
        "steps": steps,
        "loss": round(loss, 5),
        "looks": [{"step": s, **{k: round(v, 4) for k, v in found.items()}} for s, found in run.looks],
        "versions": {name: version(name) for name in ("torch", "transformers", "trl", "tokenizers")},
    }
    dev = run.write(out, record)
    say(f"wrote {out}")
    return Trained(out, steps, time.monotonic() - begun, loss, dev)


class _Run:
    """One training run: model, tokenizer, rows and rule, ready to fit."""

    def __init__(self, recipe: Recipe, path: Path, seed: int, start: str | None, say: Callable[[str], None]) -> None:
        trl = _import_trl()
        import torch
        from transformers import set_seed

        from dsafe_runner.training.model import open_start

        self.recipe, self.say = recipe, say
        if recipe.threads is not None:
            torch.set_num_threads(recipe.threads)
        # nothing is saved by the trainer itself, but it insists on a folder
        self.folder = tempfile.TemporaryDirectory(prefix="dsafe-train-")
        self.args = _sft_config(trl, recipe, path, seed, self.folder.name)
        set_seed(seed)
        own = resolve(recipe.start.path, path) if recipe.start.path is not None else None
        self.model, self.tokenizer = open_start(recipe, start or own)
        self.rule = _rule(recipe, self.model, self.tokenizer, say)
        tokens = tokenise_all(
            self.tokenizer, conversations(recipe, seed), reasoning=recipe.reasoning is not None,
            max_length=recipe.train.max_length,
        )  # fmt: skip
        trained_on = sum(sum(t.completion_mask) for t in tokens)
        total = sum(len(t.input_ids) for t in tokens)
        say(f"{len(tokens)} rows, {total} tokens, {trained_on} of them trained on; the first, trained part in 【】:")
        say(preview(self.tokenizer, tokens[0]))
        self.trainer = self._trainer(trl, tokens)

    @property
    def looks(self) -> list[tuple[int, dict[str, float]]]:
        return self.rule.looks if self.rule is not None else []

    def _trainer(self, trl: Any, tokens: list[Tokens]) -> Any:
        from datasets import Dataset, disable_progress_bars
        from transformers import PrinterCallback

        from dsafe_runner.training.callbacks import make_callbacks

        disable_progress_bars()
        rows = [{"input_ids": t.input_ids, "completion_mask": t.completion_mask} for t in tokens]
        trainer = trl.SFTTrainer(
            model=self.model, args=self.args, train_dataset=Dataset.from_list(rows), processing_class=self.tokenizer,
            callbacks=make_callbacks(self.rule, self.say),
        )  # fmt: skip
        trainer.remove_callback(PrinterCallback)  # ours says the same in one readable line
        check_batch(next(iter(trainer.get_train_dataloader())), self.tokenizer.eos_token_id)
        return trainer

    def fit(self) -> tuple[int, float]:
        """Steps run and mean loss."""
        result = self.trainer.train()
        if not math.isfinite(result.training_loss):
            raise TrainingError(f"the loss became {result.training_loss}; lower learning_rate or clip")
        if self.rule is not None and not self.rule.met:
            raise TrainingError(
                f"the development goals were not met in {result.global_step} steps: {self.rule.why_not()}"
            )
        return int(result.global_step), float(result.training_loss)

    def write(self, out: Path, record: dict[str, Any]) -> dict[str, float]:
        """Write the checkpoint once it has been loaded back as an engine will, and still meets the goals."""
        from dsafe_runner.training.dev import scores
        from dsafe_runner.training.model import load, save

        def finish(folder: Path) -> dict[str, Any]:
            if self.rule is None:
                return record
            model, tokenizer = load(str(folder))
            names: tuple[ScoreName, ...] = ("mcq", "refusal", "benign", "reasoning")
            dev = scores(model, tokenizer, names, self.rule.dev.max_tokens)
            self.rule.check_final(dev)
            return {**record, "dev": {name: round(value, 4) for name, value in dev.items()}}

        model = self.trainer.accelerator.unwrap_model(self.trainer.model)
        return dict(save(model, self.tokenizer, out, self.recipe.save.dtype, finish).get("dev", {}))

    def check_served(self, rows: list[Conversation]) -> None:
        """TrainingError: the checkpoint would be served with other token ids than it is trained on."""
        folder = Path(self.folder.name)
        self.model.config.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        check_reload(self.tokenizer, folder, (render_prompt(self.tokenizer, r.messages) + r.answer for r in rows))


def conversations(recipe: Recipe, seed: int) -> list[Conversation]:
    """The recipe's rows."""
    from dsafe_runner.benchmarks.tiny_rows import rows
    from dsafe_runner.records import Message

    made = rows(recipe.data.stage, recipe.data.weights(), recipe.data.rows, seed)
    return [Conversation((Message("user", r.prompt),), r.thinking, r.answer) for r in made]


def check_batch(batch: Any, eos: int) -> None:
    """Look at what really reaches the model. TrainingError: a row whose last trained token is not `eos`."""
    labels = batch["labels"]
    for row in labels:
        trained = row[row != IGNORED]
        if len(trained) == 0 or int(trained[-1]) != eos:
            raise TrainingError("the end of text is not trained on in a collated batch; check the TRL version")


def _rule(recipe: Recipe, model: Any, tokenizer: Any, say: Callable[[str], None]) -> Any:
    from dsafe_runner.training.dev import scores
    from dsafe_runner.training.stop import StopRule

    if recipe.dev is None:
        return None
    dev = recipe.dev
    names = list(dict.fromkeys(goal.score for goal in dev.goals))
    return StopRule(dev, lambda: scores(model, tokenizer, names, dev.max_tokens), say)


def _sft_config(trl: Any, recipe: Recipe, path: Path, seed: int, folder: str) -> Any:
    import torch

    if recipe.deepspeed is not None and importlib.util.find_spec("deepspeed") is None:
        raise UnavailableError("the recipe has a `deepspeed` key; pip install 'dsafe-runner[train,deepspeed]'")
    t = recipe.train
    cuda = torch.cuda.is_available()
    args = trl.SFTConfig(
        output_dir=folder,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        logging_steps=50,
        max_steps=t.steps,
        per_device_train_batch_size=t.batch_size,
        gradient_accumulation_steps=t.accumulate,
        learning_rate=t.learning_rate,
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": t.min_lr_ratio},
        warmup_steps=math.ceil(t.warmup * t.steps),
        adam_beta2=t.beta2,
        weight_decay=t.weight_decay,
        max_grad_norm=t.clip,
        optim="adamw_torch_fused",
        bf16=t.precision == "bfloat16",
        gradient_checkpointing=t.gradient_checkpointing,  # TRL's own default is on
        max_length=None,  # rows are checked, never cut
        completion_only_loss=True,
        packing=False,
        use_cpu=not cuda,
        dataloader_num_workers=0,
        dataloader_pin_memory=cuda,
        seed=seed,
        data_seed=seed,
        deepspeed=resolve(recipe.deepspeed, path) if recipe.deepspeed is not None else None,
    )
    if recipe.deepspeed is not None and not cuda:
        # without this accelerate sees one process before zero.Init asks for the real number of ranks
        import deepspeed

        deepspeed.init_distributed(dist_backend="gloo")
    return args


def _import_trl() -> Any:
    try:
        import trl
    except ImportError as error:
        raise UnavailableError("training needs TRL; pip install 'dsafe-runner[train]'") from error
    return trl
