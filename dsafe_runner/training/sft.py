"""Recipe to checkpoint: rows, our own tokenisation, TRL's SFTTrainer, safetensors. The one training path.

result = train("recipes/tiny/base.yaml", "out/tiny-base")
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsafe_runner.errors import TrainingError, UnavailableError
from dsafe_runner.records import digest
from dsafe_runner.training import ranks as processes
from dsafe_runner.training.card import card
from dsafe_runner.training.checkpoints import CheckpointFolder, Resume, logged_loss, mean_loss, weights_in
from dsafe_runner.training.plan import refuse_what_does_not_fit
from dsafe_runner.training.recipe import Recipe, load_recipe, resolve
from dsafe_runner.training.rows import Rows, recipe_rows
from dsafe_runner.training.settings import sft_config
from dsafe_runner.training.template_check import check_template
from dsafe_runner.training.tokenise import Tokenised, preview, tokenise_all
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
    run = _Run(recipe, path, seed, start, out, fresh, say)
    steps, loss = run.fit()
    dev = run.write(steps, loss)
    run.say(f"wrote {out}")
    return Trained(out, steps, time.monotonic() - begun, loss, dev)


class _Run:
    """One training run: rows, model, tokenizer, rule and trainer, ready to fit."""

    def __init__(
        self, recipe: Recipe, path: Path, seed: int, start: str | None, out: Path, fresh: bool,
        say: Callable[[str], None],
    ) -> None:  # fmt: skip
        trl = _import_trl()
        import torch
        from transformers import set_seed

        from dsafe_runner.training.model import open_model, open_tokenizer

        processes.die_with_launcher()
        processes.be_quiet()
        self.recipe, self.seed, self.out = recipe, seed, out
        self.ranks = processes.this_rank()
        self.say = processes.quiet_unless_first(say, self.ranks)
        own = resolve(recipe.start.path, path) if recipe.start.path is not None else None
        self.start = start or own
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
            "recipe": self.recipe.recipe, "recipe_digest": recipe_digest(self.recipe), "seed": self.seed,
            "start": self.start, "data": data.get("sha256", digest(data)), "processes": self.ranks.world,
        }  # fmt: skip

    def _trainer(self, trl: Any, made: Tokenised, held_out: Tokenised) -> Any:
        from datasets import disable_progress_bars
        from transformers import PrinterCallback

        from dsafe_runner.training.callbacks import make_callbacks
        from dsafe_runner.training.trainer import make_trainer

        disable_progress_bars()
        trainer = make_trainer(
            trl, kinds=[r.kind for r in made.rows], names=[r.id for r in made.rows], model=self.model, args=self.args,
            train_dataset=_dataset(made), eval_dataset=_by_kind(held_out) or None, processing_class=self.tokenizer,
            callbacks=make_callbacks(self.rule, self.say, self._close_checkpoint if self.checkpoints else None),
        )  # fmt: skip
        trainer.remove_callback(PrinterCallback)  # ours says the same in one readable line
        check_batch(next(iter(trainer.get_train_dataloader())), self.tokenizer.eos_token_id)
        return trainer

    def _close_checkpoint(self, folder: Path, where: dict[str, Any]) -> None:
        if self.checkpoints is not None:
            self.checkpoints.close(folder, {**where, "looks": self.rule.looks if self.rule is not None else []})

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
        from dsafe_runner.training.dev import scores
        from dsafe_runner.training.model import load, save

        record = self.record(steps, loss)
        state = self._whole_weights()
        if not self.ranks.first:
            return {}

        def finish(folder: Path) -> dict[str, Any]:
            texts = (preview(self.tokenizer, t) for t in self.made.tokens[:CHECKED])
            check_reload(self.tokenizer, folder, texts)
            if self.rule is None:
                return record
            model, tokenizer = load(str(folder))
            names: tuple[ScoreName, ...] = ("mcq", "refusal", "benign", "reasoning")
            dev = scores(model, tokenizer, names, self.rule.dev.max_tokens)
            self.rule.check_final(dev)
            return {**record, "dev": {name: round(value, 4) for name, value in dev.items()}}

        model = self.trainer.accelerator.unwrap_model(self.trainer.model)
        written = save(
            model, self.tokenizer, self.out, self.recipe.save.dtype, finish, state=state, card=self._card,
        )  # fmt: skip
        return dict(written.get("dev", {}))

    def record(self, steps: int, loss: float) -> dict[str, Any]:
        """What training.json says, development scores aside."""
        looks = self.rule.looks if self.rule is not None else []
        names = ["torch", "transformers", "trl", "tokenizers", *(["deepspeed"] if self.recipe.deepspeed else [])]
        return {
            "recipe": self.recipe.recipe,
            "recipe_digest": recipe_digest(self.recipe),
            "seed": self.seed,
            "start": self.start or "from scratch",
            "steps": steps,
            "loss": round(loss, 5),
            "looks": [{"step": s, **{k: round(v, 4) for k, v in found.items()}} for s, found in looks],
            "world_size": self.ranks.world,
            "data": self.rows.manifest,
            "left_out": len(self.made.left_out),
            "warnings": self.rows.warnings,
            "versions": {name: version(name) for name in names},
        }

    def _card(self, record: dict[str, Any]) -> str:
        shown = json.dumps(self.recipe.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False, indent=1)
        return card(self.recipe.recipe, str(record["start"]), record, shown)

    def _whole_weights(self) -> dict[str, Any] | None:
        """The trained weights where the model does not hold them itself: spread by DeepSpeed, or in a checkpoint."""
        state: dict[str, Any] | None = None
        if self._trained_already() and self.resume is not None:
            state = weights_in(self.resume.folder)
        elif self.recipe.deepspeed is not None:
            state = self.trainer.accelerator.get_state_dict(self.trainer.model_wrapped)
        if self.recipe.deepspeed is not None:
            from transformers.integrations.deepspeed import unset_hf_deepspeed_config

            processes.barrier()
            processes.leave()
            unset_hf_deepspeed_config()  # a model that is loaded now is loaded whole, by this process alone
        return state


def tokenised(recipe: Recipe, tokenizer: Any, rows: Rows) -> tuple[Tokenised, Tokenised]:
    """Rows to train on and rows held out, as tokens. TrainingError: the template or a row cannot be trained with."""
    check_template(tokenizer, recipe.reasoning)
    reasoning, t = recipe.reasoning is not None, recipe.train
    made = tokenise_all(
        tokenizer, rows.train, reasoning=reasoning, max_length=t.max_length, max_left_out=t.max_left_out
    )
    if not rows.held_out:
        return made, Tokenised([], [], [])
    held = tokenise_all(tokenizer, rows.held_out, reasoning=reasoning, max_length=t.max_length, max_left_out=1.0)
    return made, held


def recipe_digest(recipe: Recipe) -> str:
    """Of what a recipe says, comments aside; keys that are not said do not count, so new ones change nothing."""
    return digest(recipe.model_dump(mode="json", exclude_defaults=True))


def check_batch(batch: Any, eos: int) -> None:
    """Look at what really reaches the model. TrainingError: a row whose last trained token is not `eos`."""
    labels = batch["labels"]
    for row in labels:
        trained = row[row != IGNORED]
        if len(trained) == 0 or int(trained[-1]) != eos:
            raise TrainingError("the end of text is not trained on in a collated batch; check the TRL version")


def _dataset(made: Tokenised) -> Any:
    from datasets import Dataset

    from dsafe_runner.training.trainer import ROW

    return Dataset.from_list(
        [
            {"input_ids": t.input_ids, "completion_mask": t.completion_mask, ROW: number}
            for number, t in enumerate(made.tokens)
        ]
    )


def _by_kind(held_out: Tokenised) -> dict[str, Any]:
    kinds = dict.fromkeys(row.kind for row in held_out.rows)
    pairs = list(zip(held_out.rows, held_out.tokens, strict=True))
    return {
        kind: _dataset(Tokenised([r for r, _ in pairs if r.kind == kind], [t for r, t in pairs if r.kind == kind], []))
        for kind in kinds
    }


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
