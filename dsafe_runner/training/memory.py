"""What a recipe needs: bytes per GPU, per machine and on disk, for a ZeRO stage and a number of GPUs.

States (weights, gradients, optimiser) are DeepSpeed's own arithmetic (runtime/zero: estimate_zero2_... and
estimate_zero3_model_states_mem_needs), held to it by a test. The rest is ours and rough: activations of checkpointed
bfloat16 layers with an attention that keeps no scores (sdpa, flash), DeepSpeed's communication buckets, and a fixed sum
for CUDA and NCCL.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsafe_runner.training.dimensions import Dimensions
from dsafe_runner.training.recipe import Recipe, resolve

RUNTIME = 2 * 10**9
"""CUDA context, NCCL, allocator: ours."""
SPARE = 0.95
"""Share of a GPU's memory that may be planned; the rest is lost to fragments."""
HOST_FACTOR = 1.5
"""DeepSpeed's own margin on host memory."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How DeepSpeed spreads the states. stage 0: no DeepSpeed. `buckets`: bytes of communication buffers per GPU."""

    name: str
    stage: int
    offload: bool
    buckets: int = 0


@dataclass(frozen=True, slots=True)
class Machines:
    """`memory` and `host` in bytes; None where not known."""

    gpus: int
    nodes: int = 1
    memory: int | None = None
    host: int | None = None

    @property
    def world(self) -> int:
        """GPUs in all."""
        return self.gpus * self.nodes


@dataclass(frozen=True, slots=True)
class Needs:
    """Bytes. The first six are per GPU; `host` per machine, `saving` on the first machine while the model is written.

    disk  all checkpoints that are kept, one that is being written, and the model
    """

    weights: int
    gradients: int
    optimiser: int
    gathered: int
    activations: int
    buffers: int
    host: int
    saving: int
    disk: int

    @property
    def states(self) -> int:
        """What DeepSpeed's estimators call model states, per GPU."""
        return self.weights + self.gradients + self.optimiser + self.gathered

    @property
    def gpu(self) -> int:
        """Everything, per GPU."""
        return self.states + self.activations + self.buffers

    def obstacle(self, machines: Machines) -> str | None:
        """Why it does not fit, or None. What is not known about the machines is no obstacle."""
        if machines.memory is not None and self.gpu > SPARE * machines.memory:
            return f"needs {amount(self.gpu)} of {amount(machines.memory)} GPU memory"
        if machines.host is not None and max(self.host, self.saving) > machines.host:
            return f"needs {amount(max(self.host, self.saving))} of {amount(machines.host)} host memory"
        return None


def needs(size: Dimensions, recipe: Recipe, setup: Setup, machines: Machines) -> Needs:
    """What training by a recipe takes on such machines."""
    p, world = size.parameters, machines.world
    narrow = 2 if recipe.train.precision == "bfloat16" and setup.stage else 4
    if setup.stage == 0:
        weights, gradients, optimiser, gathered, host = 4 * p, 4 * p, 8 * p, 0, 0
    elif setup.stage == 2:
        # whole 16-bit weights; of the rest (16- and 32-bit gradients, 32-bit weights, two moments) a share
        weights, gradients, optimiser, gathered = 2 * p, 6 * p // world, 12 * p // world, 0
        host = int(4 * p * machines.gpus * HOST_FACTOR)
    else:
        weights, gathered = 2 * p // world, 4 * size.embedding
        gradients, optimiser = (0, 0) if setup.offload else (4 * p // world, 12 * p // world)
        spread = 16 * p / machines.nodes if setup.offload else 4 * size.embedding * machines.gpus
        host = int(spread * HOST_FACTOR)
    kept = recipe.checkpoints.keep + 1 if recipe.checkpoints is not None else 0
    saved = 2 if recipe.save.dtype == "bfloat16" else 4
    # whole weights and the optimiser's; ZeRO-2 writes the weights a second time, in its own file
    checkpoint = 12 + narrow * (2 if setup.stage == 2 else 1)
    return Needs(
        weights,
        gradients,
        optimiser,
        gathered,
        activations(size, recipe),
        setup.buckets + RUNTIME,
        host=host,
        saving=narrow * p if setup.stage else 0,
        disk=kept * checkpoint * p + saved * p,
    )


def activations(size: Dimensions, recipe: Recipe) -> int:
    """Of the longest batch: every layer's input, and one layer's insides (all of them without checkpointing)."""
    t = recipe.train
    wide = 2 if t.precision == "bfloat16" else 4
    tokens = t.batch_size * t.max_length
    small = size.kv_heads * size.head
    # norms keep their input in float32; attention its input, q, k, v and result; the MLP its input and four as wide
    inside = tokens * (8 * size.hidden + wide * (6 * size.hidden + 2 * small + 4 * size.ffn))
    entries = tokens * size.hidden * wide * size.layers
    return entries + inside if t.gradient_checkpointing else inside * size.layers


def setup_of(recipe: Recipe, path: Path, size: Dimensions) -> Setup:
    """What the recipe's own DeepSpeed file says."""
    if recipe.deepspeed is None:
        return Setup("none", 0, offload=False)
    file = Path(resolve(recipe.deepspeed, path))
    return read_setup(file, size)


def read_setup(file: Path, size: Dimensions) -> Setup:
    """A DeepSpeed file as far as memory goes; `auto` as transformers fills it in."""
    zero = json.loads(file.read_text(encoding="utf-8"))["zero_optimization"]
    stage = int(zero.get("stage", 0))
    offload = (zero.get("offload_optimizer") or {}).get("device", "none") != "none"

    def elements(key: str, auto: float, default: float) -> float:
        value: Any = zero.get(key, default)
        return auto if value == "auto" else float(value)

    hidden = size.hidden
    if stage == 3:
        count = elements("reduce_bucket_size", hidden**2, 5e8)
        count += elements("stage3_prefetch_bucket_size", 0.9 * hidden**2, 5e7)
        count += elements("stage3_param_persistence_threshold", 10 * hidden, 1e5)
    else:
        # with overlap_comm DeepSpeed holds 4.5 times the two buckets (its documentation of overlap_comm)
        count = elements("reduce_bucket_size", hidden**2, 5e8) + elements("allgather_bucket_size", 5e8, 5e8)
        count *= 4.5 if zero.get("overlap_comm") else 1
    return Setup(file.stem, stage, offload, int(2 * count))


def amount(number: float) -> str:
    """Bytes as people write them, in powers of a thousand: 73.7 GB, 1.69 TB."""
    for factor, unit in ((1e12, "TB"), (1e9, "GB")):
        if number >= factor / 10 and (unit == "GB" or number >= factor):
            return f"{number / factor:.2f} {unit}" if unit == "TB" else f"{number / factor:.1f} {unit}"
    return f"{number / 1e6:.1f} MB"
