"""What a recipe means in TRL's words."""

from __future__ import annotations

import importlib.util
import math
import os
from pathlib import Path
from typing import Any

from dsafe_runner.errors import TrainingError, UnavailableError
from dsafe_runner.training.cpu import connect
from dsafe_runner.training.ranks import Ranks, describe_alone
from dsafe_runner.training.recipe import Recipe, resolve
from dsafe_runner.training.recipe_train import Optimisation


def accumulated(train: Optimisation, world: int) -> int:
    """Batches summed into one step. TrainingError: `global_batch` is no multiple of what the devices take at once."""
    if train.global_batch is None:
        return train.accumulate or 1
    once = train.batch_size * world
    if train.global_batch % once:
        raise TrainingError(
            f"global_batch {train.global_batch} is no multiple of batch_size {train.batch_size} x {world} process(es); "
            "change one of them"
        )
    return train.global_batch // once


def sft_config(trl: Any, recipe: Recipe, path: Path, seed: int, folder: Path, ranks: Ranks, held_out: bool) -> Any:
    """An SFTConfig; with DeepSpeed, its processes are connected too, so that the model can be loaded in parts.

    folder    where the trainer puts checkpoints
    held_out  there are rows to evaluate on

    UnavailableError: DeepSpeed, a compiler for it, or a tracker is not installed. TrainingError: numbers do not fit.
    """
    import torch

    if recipe.deepspeed is not None:
        if importlib.util.find_spec("deepspeed") is None:
            raise UnavailableError("the recipe has a `deepspeed` key; pip install 'dsafe-runner[train,deepspeed]'")
        describe_alone()
        if not torch.cuda.is_available():
            os.environ.setdefault("DS_ACCELERATOR", "cpu")  # otherwise it warns that it found nothing better
    elif ranks.world > 1:
        raise TrainingError(f"{ranks.world} processes, but the recipe has no `deepspeed`; add it, or start one process")
    for tracker in recipe.report_to:
        if importlib.util.find_spec(tracker) is None:
            raise UnavailableError(f"report_to names {tracker}, which is not installed; pip install {tracker}")
    t = recipe.train
    cuda = torch.cuda.is_available()
    length: dict[str, Any]
    if t.steps is not None:
        length = {"max_steps": t.steps, "warmup_steps": math.ceil(t.warmup * t.steps)}
    else:
        length = {"num_train_epochs": t.epochs, "warmup_steps": t.warmup if t.warmup < 1.0 else 0}
    args = trl.SFTConfig(
        output_dir=str(folder),
        **length,
        **_rhythm(recipe, held_out),
        report_to=list(recipe.report_to) or "none",
        run_name=recipe.recipe,
        disable_tqdm=True,
        logging_steps=t.log_every,
        logging_nan_inf_filter=False,  # on, it would replace a loss that is not finite by the mean of the others
        per_device_train_batch_size=t.batch_size,
        per_device_eval_batch_size=t.batch_size,
        gradient_accumulation_steps=accumulated(t, ranks.world),
        learning_rate=t.learning_rate,
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": t.min_lr_ratio},
        adam_beta2=t.beta2,
        weight_decay=t.weight_decay,
        max_grad_norm=t.clip,
        optim="adamw_torch_fused",
        bf16=t.precision == "bfloat16",
        gradient_checkpointing=t.gradient_checkpointing,  # TRL's own default is on
        gradient_checkpointing_kwargs={"use_reentrant": False} if t.gradient_checkpointing else None,
        max_length=None,  # rows are checked, never cut
        completion_only_loss=True,
        packing=False,
        remove_unused_columns=False,  # a row's number travels with it
        use_cpu=not cuda,
        dataloader_num_workers=0,
        dataloader_pin_memory=cuda,
        seed=seed,
        data_seed=seed,
        deepspeed=resolve(recipe.deepspeed, path) if recipe.deepspeed is not None else None,
    )
    if recipe.deepspeed is not None and not cuda:
        connect()
    return args


def _rhythm(recipe: Recipe, held_out: bool) -> dict[str, Any]:
    """When checkpoints are written and held-out rows looked at: together."""
    kept = recipe.checkpoints
    every = kept.every if kept is not None else "epoch"
    strategy = "epoch" if every == "epoch" else "steps"
    steps = None if every == "epoch" else every
    found: dict[str, Any] = {"save_strategy": "no", "eval_strategy": "no"}
    if kept is not None:
        found |= {"save_strategy": strategy, "save_total_limit": kept.keep}
        found |= {"save_steps": steps} if steps else {}
    if held_out:
        found |= {"eval_strategy": strategy, "prediction_loss_only": True}
        found |= {"eval_steps": steps} if steps else {}
    return found
