"""`dsafe train`: a recipe to a checkpoint; what would be trained on (`--preview`), what it would need (`--plan`)."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from dsafe_runner.commands.options import amount, count
from dsafe_runner.errors import ExitCode, UnavailableError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What stands after `dsafe train`."""
    parser.add_argument("recipe", type=Path, metavar="RECIPE")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: out/<folder>/<name> of the recipe")
    parser.add_argument("--seed", type=int, metavar="N", help="instead of the recipe's own")
    parser.add_argument("--fresh", action="store_true", help="start over: remove the checkpoints of an earlier run")
    parser.add_argument(
        "--processes",
        type=count,
        metavar="N",
        help="on this machine, for recipes with `deepspeed`; default: one per GPU. Under torchrun: not needed",
    )
    look = parser.add_mutually_exclusive_group()
    look.add_argument(
        "--preview",
        type=count,
        nargs="?",
        const=3,
        metavar="N",
        help="print N rows (3) as they are trained on, and stop",
    )
    look.add_argument("--plan", action="store_true", help="print what it needs and whether it fits, and stop (1: no)")
    said = parser.add_argument_group("with --plan, instead of what is found here")
    said.add_argument("--gpus", type=count, metavar="N", help="on each machine")
    said.add_argument("--nodes", type=count, default=1, metavar="N", help="machines; default: %(default)s")
    said.add_argument("--gpu-memory", type=amount, metavar="GB", help="of each GPU")
    said.add_argument("--host-memory", type=amount, metavar="GB", help="of each machine")
    parser.add_argument("--anyway", action="store_true", help="start even where the plan says that it does not fit")


def run(arguments: argparse.Namespace) -> int:
    """0 done; of `--plan`: 0 it fits, 1 it does not."""
    if arguments.preview is not None:
        return _preview(arguments.recipe, arguments.preview, arguments.seed)
    if arguments.plan:
        return _plan(arguments)
    from dsafe_runner.training.ranks import LAUNCHED
    from dsafe_runner.training.recipe import load_recipe

    if LAUNCHED not in os.environ and load_recipe(arguments.recipe).value.deepspeed is not None:
        _launch(arguments.processes or _gpus() or 1)
    from dsafe_runner.training.sft import train

    out = arguments.out or Path("out") / arguments.recipe.resolve().parent.name / arguments.recipe.stem
    train(arguments.recipe, out, seed=arguments.seed, fresh=arguments.fresh, anyway=arguments.anyway, say=_say)
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _plan(arguments: argparse.Namespace) -> int:
    from dsafe_runner.training.plan import found_machines, plan_lines

    machines = found_machines(arguments.gpus, arguments.nodes, arguments.gpu_memory, arguments.host_memory)
    lines, fits = plan_lines(arguments.recipe, machines)
    print("\n".join(lines))
    return ExitCode.FINE if fits else ExitCode.FINDINGS


def _preview(path: Path, count: int, seed: int | None) -> int:
    from rich.console import Console

    from dsafe_runner.training.model import open_tokenizer
    from dsafe_runner.training.preview import data, show
    from dsafe_runner.training.recipe import load_recipe, resolve
    from dsafe_runner.training.rows import recipe_rows, tokenised

    recipe = load_recipe(path).value
    rows = recipe_rows(recipe, path, recipe.seed if seed is None else seed)
    start = resolve(recipe.start.path, path) if recipe.start.path is not None else None
    tokenizer = open_tokenizer(recipe, start)
    made, held_out = tokenised(recipe, tokenizer, rows)
    show(Console(), tokenizer, made, count)
    trained = sum(sum(t.completion_mask) for t in made.tokens)
    longest = max(len(t.input_ids) for t in made.tokens)
    print(
        f"{len(made.tokens)} rows ({len(held_out.tokens)} more held out, {len(made.left_out)} too long), {trained} "
        f"tokens trained on, the longest row has {longest}; max_length is {recipe.train.max_length}"
    )
    for kind, found in rows.manifest.get("kinds", {}).items():
        print(f"  {kind}: {found['rows']} rows, {found['share']:.1%}")
    for source in rows.manifest.get("sources", []):
        print(
            f"  {data(source['name'])}: {source['rows']} rows, {source['equal']} equal and {source['similar']} similar "
            f"ones dropped, {source['taken']} taken, {source['repeat']} x; sha256 {source['sha256'][:16]}"
        )
    for warning in rows.warnings:
        print(f"warning: {warning}")
    return 0


def _gpus() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _launch(processes: int) -> None:
    """Become torchrun with so many of this very command; return where one process is enough."""
    if processes < 2:
        return
    if sys.platform == "win32":
        raise UnavailableError("several processes need a POSIX system; start them with torchrun")
    command = [
        sys.executable,
        "-m",
        "dsafe_runner.training.launch",
        "--standalone",
        f"--nproc_per_node={processes}",
        "--module",
        "dsafe_runner",
        *sys.argv[1:],
    ]
    sys.stdout.flush()
    os.execv(sys.executable, command)
