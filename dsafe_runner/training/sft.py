"""Recipe to checkpoint: rows, our own tokenisation, TRL's SFTTrainer, safetensors. The one training path.

result = train("recipes/tiny/base.yaml", "out/tiny-base")
"""

from __future__ import annotations

import gc
import importlib.util
import math
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsafe_runner.errors import TrainingError, UnavailableError
from dsafe_runner.records import digest
from dsafe_runner.training import ranks as processes
from dsafe_runner.training.batches import by_kind, check_batch, dataset
from dsafe_runner.training.checkpoints import CheckpointFolder, Resume, logged_loss, mean_loss, weights_in
from dsafe_runner.training.finite import Guard, check_start
from dsafe_runner.training.plan import refuse_what_does_not_fit
from dsafe_runner.training.recipe import Recipe, load_recipe, resolve
from dsafe_runner.training.recipe_train import Select
from dsafe_runner.training.record import card, made_by, recipe_digest
from dsafe_runner.training.rows import recipe_rows, tokenised
from dsafe_runner.training.select import choose, refuse_shared_items
from dsafe_runner.training.settings import sft_config
from dsafe_runner.training.tokenise import Tokenised, preview
from dsafe_runner.training.tokenizer import check_reload

if TYPE_CHECKING:
    from dsafe_runner.training.dev import ScoreName

CHECKED = 200
"""Rows whose token ids are compared with those of the tokenizer as it will be loaded."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What training made. `dev`: scores of the saved weights, in their saved precision, computed in float32."""

    out: Path
    steps: int
    seconds: float
    loss: float
    dev: dict[str, float] = field(default_factory=dict)


def train(
    recipe_path: str | Path,
    out_dir: str | Path | None = None,
    seed: int | None = None,
    *,
    start: str | None = None,
    fresh: bool = False,
    anyway: bool = False,
    say: Callable[[str], None] = print,
) -> Trained:
    """Train what a recipe says and write it to `out_dir` (default `out/<recipe name>`).

    seed, start  instead of the recipe's own seed and starting model
    fresh        do not go on from checkpoints; remove them
    anyway       start even where the memory plan says that it does not fit the GPUs
    say          takes one line of progress at a time

    A recipe with `deepspeed` may run in several processes (torchrun, the deepspeed launcher); all of them call this,
    the first one speaks and writes. With `checkpoints`, the same call goes on where a run that died left off.

    ConfigError: mistakes in the recipe. UnavailableError: no TRL, or no starting model. TrainingError: the rows cannot
    be trained on, the loss is not finite, or the development goals were never met; then nothing is written.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # tokenizers warns at every fork otherwise
    path = Path(recipe_path)
    recipe = load_recipe(path).value
    seed = recipe.seed if seed is None else seed
    out = Path(out_dir) if out_dir is not None else Path("out") / recipe.recipe
    begun = time.monotonic()
    if not anyway:
        refuse_what_does_not_fit(recipe, path)
    if recipe.select is not None and processes.this_rank().first:
        refuse_shared_items(recipe.select, path)
    run = _Run(recipe, path, seed, start, out, fresh, say)
    try:
        steps, loss = run.fit()
        dev = run.write(steps, loss)
    finally:
        if run.checkpoints is not None:
            run.checkpoints.release()
    run.say(f"wrote {out}")
    return Trained(out, steps, time.monotonic() - begun, loss, dev)


class _Run:
    """One training run: rows, model, tokenizer, rule and trainer, ready to fit."""

    def __init__(
        self,
        recipe: Recipe,
        path: Path,
        seed: int,
        start: str | None,
        out: Path,
        fresh: bool,
        say: Callable[[str], None],
    ) -> None:
        trl = _import_trl()
        import torch
        from transformers import set_seed

        from dsafe_runner.training.model import open_model, open_tokenizer

        processes.die_with_launcher()
        processes.be_quiet()
        self.recipe, self.path, self.seed, self.out = recipe, path, seed, out
        self.record: dict[str, Any] = {}
        self.ranks = processes.this_rank()
        self.say = processes.quiet_unless_first(say, self.ranks)
        own = resolve(recipe.start.path, path) if recipe.start.path is not None else None
        self.start, self.start_said = start or own, start or recipe.start.path
        if recipe.threads is not None:
            torch.set_num_threads(recipe.threads)
        self.rows = recipe_rows(recipe, path, seed)
        for warning in self.rows.warnings:
            self.say(f"warning: {warning}")
        self.tokenizer = open_tokenizer(recipe, self.start)
        self.made, held_out = tokenised(recipe, self.tokenizer, self.rows)
        self._say_rows()
        # without checkpoints the trainer saves nothing, but it insists on a folder
        self.scratch = tempfile.TemporaryDirectory(prefix="dsafe-train-")
        folder = out.with_name(f"{out.name}-checkpoints") if recipe.checkpoints is not None else Path(self.scratch.name)
        self.args = sft_config(trl, recipe, path, seed, folder, self.ranks, bool(held_out.rows))
        self.checkpoints = CheckpointFolder(folder, self._identity(), self.ranks) if recipe.checkpoints else None
        self.resume: Resume | None = self.checkpoints.open(fresh) if self.checkpoints else None
        set_seed(seed)
        self.model = open_model(recipe, self.start, self.tokenizer, self._loaded_dtype())
        check_start(self.model, self.start_said or "made from scratch")
        self.guard = Guard([row.named for row in (*self.made.rows, *held_out.rows)])
        self.rule = _rule(recipe, self.model, self.tokenizer, self.say)
        self.trainer = self._trainer(trl, self.made, held_out)

    def _say_rows(self) -> None:
        tokens = self.made.tokens
        trained_on, total = sum(sum(t.completion_mask) for t in tokens), sum(len(t.input_ids) for t in tokens)
        if self.made.left_out:
            limit = self.recipe.train.max_length
            self.say(f"{len(self.made.left_out)} rows are longer than {limit} tokens and are left out")
        self.say(f"{len(tokens)} rows, {total} tokens, {trained_on} of them trained on")
        self.say("the first row, what is trained on in 【】:")
        self.say(preview(self.tokenizer, tokens[0]))

    def _loaded_dtype(self) -> str:
        """DeepSpeed keeps float32 weights of its own beside the model; alone, the model's are the only ones."""
        return self.recipe.train.precision if self.recipe.deepspeed is not None else "float32"

    def _identity(self) -> dict[str, Any]:
        data = self.rows.manifest
        return {
            "recipe": self.recipe.recipe,
            "recipe_digest": recipe_digest(self.recipe),
            "seed": self.seed,
            "start": self.start,
            "data": data.get("sha256", digest(data)),
            "processes": self.ranks.world,
        }

    def _trainer(self, trl: Any, made: Tokenised, held_out: Tokenised) -> Any:
        from datasets import disable_progress_bars
        from transformers import PrinterCallback

        from dsafe_runner.training.callbacks import make_callbacks
        from dsafe_runner.training.trainer import make_trainer

        disable_progress_bars()
        trainer = make_trainer(
            trl,
            kinds=[r.kind for r in made.rows],
            guard=self.guard,
            model=self.model,
            args=self.args,
            train_dataset=dataset(made),
            eval_dataset=by_kind(held_out, len(made.rows)) or None,
            processing_class=self.tokenizer,
            callbacks=make_callbacks(
                self.rule, self.say, self.guard, self._close_checkpoint if self.checkpoints else None
            ),
        )
        trainer.remove_callback(PrinterCallback)  # ours says the same in one readable line
        check_batch(next(iter(trainer.get_train_dataloader())), self.tokenizer.eos_token_id)
        return trainer

    def _close_checkpoint(self, folder: Path, where: dict[str, Any]) -> None:
        if self.checkpoints is not None:
            if self.recipe.select is not None:
                self.checkpoints.keep_model(folder, round(where["epoch"]))
            self.checkpoints.close(folder, {**where, "looks": self.looks})

    @property
    def looks(self) -> list[tuple[int, dict[str, float]]]:
        """What the development rule saw."""
        return self.rule.looks if self.rule is not None else []

    def fit(self) -> tuple[int, float]:
        """Steps run and mean loss."""
        if self.resume is not None:
            self.say(f"going on after step {self.resume.step} of {self.resume.notes['of']} ({self.resume.folder})")
            if self.rule is not None:
                self.rule.restore(self.resume.notes["looks"])
        if self.resume is not None and self._trained_already():
            steps, loss = self.resume.step, logged_loss(self.resume.folder)
        else:
            result = self.trainer.train(resume_from_checkpoint=str(self.resume.folder) if self.resume else None)
            steps = int(result.global_step)
            # the trainer forgets the steps before a resume
            loss = result.training_loss if self.resume is None else mean_loss(self.trainer.state.log_history)
        if not math.isfinite(loss):
            raise TrainingError(f"the loss became {loss}; lower learning_rate or clip")
        if self.rule is not None and not self.rule.met:
            raise TrainingError(f"the development goals were not met in {steps} steps: {self.rule.why_not()}")
        return steps, float(loss)

    def _trained_already(self) -> bool:
        """Whether the run died after its last step; the trainer would make one more."""
        if self.resume is None:
            return False
        return self.resume.step >= self.resume.notes["of"] or (self.rule is not None and self.rule.met)

    def write(self, steps: int, loss: float) -> dict[str, float]:
        """Write the checkpoint once it has been loaded back as an engine will, and still meets the goals."""
        from dsafe_runner.training.model import save

        self.record = made_by(
            self.recipe, self.start_said, self.seed, steps, loss, self.looks, self.ranks.world, self.rows, self.made
        )
        state = None if self.recipe.select is not None else self._whole_weights()
        self._part()
        if not self.ranks.first:
            return {}
        if self.recipe.select is not None:
            self._write_selected(self.recipe.select)
            return {}
        model = self.trainer.accelerator.unwrap_model(self.trainer.model)
        written = save(
            model, self.tokenizer, self.out, self.recipe.save.dtype, self._finish, state=state, card=self._card
        )
        return dict(written.get("dev", {}))

    def _finish(self, folder: Path) -> dict[str, Any]:
        """The record of what has just been written to `folder`, once it has been read back."""
        from dsafe_runner.training.dev import scores
        from dsafe_runner.training.model import load

        check_reload(self.tokenizer, folder, (preview(self.tokenizer, t) for t in self.made.tokens[:CHECKED]))
        if self.rule is None:
            return self.record
        model, tokenizer = load(str(folder))
        names: tuple[ScoreName, ...] = ("mcq", "refusal", "benign", "reasoning")
        dev = scores(model, tokenizer, names, self.rule.dev.max_tokens)
        self.rule.check_final(dev)
        return {**self.record, "dev": {name: round(value, 4) for name, value in dev.items()}}

    def _write_selected(self, select: Select) -> None:
        """Write the model of the epoch that does best in the development suite."""
        import torch

        from dsafe_runner.training.model import load_model, save

        epochs = self.checkpoints.models() if self.checkpoints is not None else []
        self.trainer = self.model = None  # their memory is the suite's now
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        folder = self.out.with_name(f"{self.out.name}-checkpoints")
        chosen = choose(select, self.path, epochs, folder, self.say)
        self.record["selected"] = chosen.record(select.suite)
        dtype = self.recipe.save.dtype
        save(load_model(str(chosen.folder), dtype), self.tokenizer, self.out, dtype, self._finish, card=self._card)

    def _card(self, record: dict[str, Any]) -> str:
        return card(self.recipe, record)

    def _whole_weights(self) -> dict[str, Any] | None:
        """The trained weights where the model does not hold them itself: spread by DeepSpeed, or in a checkpoint."""
        state: dict[str, Any] | None = None
        if self._trained_already() and self.resume is not None:
            state = weights_in(self.resume.folder)
        elif self.recipe.deepspeed is not None:
            state = self.trainer.accelerator.get_state_dict(self.trainer.model_wrapped)
        return state

    def _part(self) -> None:
        """The processes have nothing more to do together."""
        if self.recipe.deepspeed is not None:
            from transformers.integrations.deepspeed import unset_hf_deepspeed_config

            processes.barrier()
            processes.leave()
            unset_hf_deepspeed_config()  # a model that is loaded now is loaded whole, by this process alone


def _rule(recipe: Recipe, model: Any, tokenizer: Any, say: Callable[[str], None]) -> Any:
    from dsafe_runner.training.dev import scores
    from dsafe_runner.training.stop import StopRule

    if recipe.dev is None:
        return None
    dev = recipe.dev
    names = list(dict.fromkeys(goal.score for goal in dev.goals))
    return StopRule(dev, lambda: scores(model, tokenizer, names, dev.max_tokens), say)


def _import_trl() -> Any:
    if importlib.util.find_spec("trl") is None:
        raise UnavailableError("training needs TRL; pip install 'dsafe-runner[train]'")
    import trl

    return trl
