"""`dsafe train --plan`: what a recipe needs here, whether it fits, and which setup would."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from dsafe_runner.errors import TrainingError, UnavailableError
from dsafe_runner.training.dimensions import Dimensions, dimensions_of
from dsafe_runner.training.memory import Machines, Setup, amount, needs, read_setup, setup_of
from dsafe_runner.training.recipe import Recipe, load_recipe
from dsafe_runner.training.settings import accumulated

SETUPS = ("zero2", "zero3", "zero3_offload")
"""Files of recipes/deepspeed, the fastest first."""


def found_machines(gpus: int | None, nodes: int, memory: float | None, host: float | None) -> Machines:
    """What is said (GB), else what is here: torch's GPUs, the RAM of this machine."""
    seen: list[int] = []
    if gpus is None or memory is None:
        import torch

        if torch.cuda.is_available():
            seen = [torch.cuda.get_device_properties(n).total_memory for n in range(torch.cuda.device_count())]
    held = int(memory * 1e9) if memory is not None else (min(seen) if seen else None)
    ram = int(host * 1e9) if host is not None else None
    if ram is None and gpus is None:  # machines that are only spoken of have RAM of their own
        ram = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machines(gpus or len(seen) or 1, nodes, held, ram)


def plan_lines(path: Path, machines: Machines) -> tuple[list[str], bool]:
    """The plan as text, and whether the recipe fits (True too where too little is known to say that it does not)."""
    recipe = load_recipe(path).value
    size = dimensions_of(recipe, path)
    own = setup_of(recipe, path, size)
    lines = _head(recipe, size, machines)
    chosen = needs(size, recipe, own, machines)
    parts = (
        ("weights", chosen.weights),
        ("gradients", chosen.gradients),
        ("optimiser", chosen.optimiser),
        ("gathered layer", chosen.gathered),
        ("activations", chosen.activations),
        ("buffers, CUDA", chosen.buffers),
    )
    lines += [f"per GPU with {own.name}:"]
    lines += [f"  {name:16}{amount(value):>12}" for name, value in parts if value]
    lines += [f"  {'in all':16}{amount(chosen.gpu):>12}"]
    lines += [f"host memory per machine: {amount(chosen.host)}; {amount(chosen.saving)} on the first while it saves"]
    lines += [f"disk: {amount(chosen.disk)}" + _kept(recipe)]
    lines += ["", f"{'':16}{'per GPU':>12}{'host':>12}"]
    others = [setup for setup in _setups(path, size) if setup.name != own.name]
    for setup in sorted([own, *others], key=_speed):
        needed = needs(size, recipe, setup, machines)
        obstacle = needed.obstacle(machines)
        lines.append(
            f"{setup.name:16}{amount(needed.gpu):>12}{amount(needed.host):>12}  "
            f"{'does not fit: ' + obstacle if obstacle else _fits(machines)}{' <- the recipe' if setup == own else ''}"
        )
    obstacle = chosen.obstacle(machines)
    lines += ["", _verdict(recipe, size, own, others, machines)]
    return lines, obstacle is None


def refuse_what_does_not_fit(recipe: Recipe, path: Path) -> None:
    """TrainingError: the recipe needs more than the GPUs that are here, and what would fit.

    Without a GPU nothing is refused, nor is a hub model whose dimensions are not known here.
    """
    import torch

    if not torch.cuda.is_available():
        return
    try:
        size = dimensions_of(recipe, path)
    except UnavailableError:
        return
    world, local = (int(os.environ.get(name, "1")) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    here = found_machines(None, max(1, world // local), None, None)
    machines = replace(here, gpus=local)
    own = setup_of(recipe, path, size)
    if needs(size, recipe, own, machines).obstacle(machines) is not None:
        others = [setup for setup in _setups(path, size) if setup.name != own.name]
        raise TrainingError(f"{_verdict(recipe, size, own, others, machines)}; or start it with --anyway")


def _head(recipe: Recipe, size: Dimensions, machines: Machines) -> list[str]:
    t = recipe.train
    each = f" of {amount(machines.memory)}" if machines.memory is not None else ""
    rows = t.batch_size * machines.world * accumulated(t, machines.world)
    return [
        f"{recipe.recipe}: {_many(size.parameters)} parameters, {machines.nodes} x {machines.gpus} GPU(s){each}",
        f"rows: {t.batch_size} a GPU and step, {rows} an optimiser step, at most {t.max_length:,} tokens each",
        "",
    ]


def _many(parameters: int) -> str:
    return f"{parameters / 1e9:.2f}B" if parameters >= 1e9 else f"{parameters / 1e6:.2f}M"


def _kept(recipe: Recipe) -> str:
    if recipe.checkpoints is None:
        return " (no checkpoints: a run that dies starts again)"
    return f" ({recipe.checkpoints.keep} checkpoints, one being written, the model)"


def _setups(path: Path, size: Dimensions) -> list[Setup]:
    """The shipped DeepSpeed files beside the recipe, where it lies in recipes/."""
    folder = path.resolve().parent.parent / "deepspeed"
    return [read_setup(file, size) for name in SETUPS if (file := folder / f"{name}.json").is_file()]


def _speed(setup: Setup) -> tuple[int, bool]:
    return setup.stage, setup.offload


def _fits(machines: Machines) -> str:
    return "fits" if machines.memory is not None else "(no GPU found: say --gpus and --gpu-memory)"


def _verdict(recipe: Recipe, size: Dimensions, own: Setup, others: list[Setup], machines: Machines) -> str:
    obstacle = needs(size, recipe, own, machines).obstacle(machines)
    if obstacle is None:
        return f"{recipe.recipe} with {own.name}: {_fits(machines)}"
    text = f"{recipe.recipe} with {own.name} does not fit: {obstacle}"
    fitting = [s for s in sorted(others, key=_speed) if needs(size, recipe, s, machines).obstacle(machines) is None]
    if fitting:
        return f"{text}; say `deepspeed: ../deepspeed/{fitting[0].name}.json`"
    best = min([own, *others], key=lambda s: needs(size, recipe, s, machines).gpu)
    for nodes in (2, 4, 8, 16):
        more = replace(machines, nodes=machines.nodes * nodes)
        if needs(size, recipe, best, more).obstacle(more) is None:
            return f"{text}; nor does another setup: take {more.nodes} such machines with {best.name}"
    return f"{text}; take GPUs with more memory, a smaller batch_size or a shorter max_length"
