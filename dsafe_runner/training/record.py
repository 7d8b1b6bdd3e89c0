"""What is said about a trained checkpoint: training.json, and the model card made of it. Facts of this run only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from dsafe_runner.records import digest
from dsafe_runner.training.model import MARK
from dsafe_runner.training.recipe import Recipe
from dsafe_runner.training.rows import Rows
from dsafe_runner.training.tokenise import Tokenised


def recipe_digest(recipe: Recipe) -> str:
    """Of what a recipe says, comments aside; keys that are not said do not count, so new ones change nothing."""
    return digest(recipe.model_dump(mode="json", exclude_defaults=True))


def made_by(
    recipe: Recipe,
    start: str | None,
    seed: int,
    steps: int,
    loss: float,
    looks: Sequence[tuple[int, Mapping[str, float]]],
    world: int,
    rows: Rows,
    made: Tokenised,
) -> dict[str, Any]:
    """What training.json says, development scores and selection aside."""
    names = ["torch", "transformers", "trl", "tokenizers", *(["deepspeed"] if recipe.deepspeed else [])]
    return {
        "recipe": recipe.recipe,
        "recipe_digest": recipe_digest(recipe),
        "seed": seed,
        "start": start or "from scratch",
        "steps": steps,
        "loss": round(loss, 5),
        "looks": [{"step": s, **{k: round(v, 4) for k, v in found.items()}} for s, found in looks],
        "world_size": world,
        "data": rows.manifest,
        "left_out": len(made.left_out),
        "warnings": rows.warnings,
        "versions": {name: version(name) for name in names},
    }


def card(recipe: Recipe, record: Mapping[str, Any]) -> str:
    """The model card, Markdown. `record` is what training.json says."""
    data, name, start = record["data"], recipe.recipe, record["start"]
    shown = json.dumps(recipe.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False, indent=1)
    lines = [
        MARK,
        f"# {name}",
        "",
        f"Full-parameter SFT of `{start}` by the recipe below: {record['steps']} steps, mean loss "
        f"{record['loss']:.4f}, seed {record['seed']}, {record['world_size']} process(es).",
        "",
        "Trained is not tested: whether it may be released is for the gate to say (`pytest <suite>.safety.yaml`).",
        "",
        "## Data",
        "",
    ]
    if "sources" in data:
        lines += ["| source | kind | rows read | taken | repeated | sha256 |", "|---|---|---|---|---|---|"]
        lines += [
            f"| {_cell(s['name'])} | {s['kind']} | {s['rows']} | {s['taken']} | {s['repeat']} | `{s['sha256']}` |"
            for s in data["sources"]
        ]
        shares = ", ".join(f"{kind} {v['rows']} ({v['share']:.1%})" for kind, v in data["kinds"].items())
        lines += ["", f"{data['rows']} rows an epoch: {shares}. Digest of the rows: `{data['sha256']}`."]
        lines += [f"- {warning}" for warning in record.get("warnings", ())]
    else:
        lines += [f"{data['rows']} generated rows of the tiny world, stage {data['stage']}."]
    if record.get("selected"):
        chosen = record["selected"]
        lines += ["", "## Selection", "", f"Epoch {chosen['epoch']} of {len(chosen['epochs'])}, by {chosen['suite']}."]
    lines += ["", "## Versions", ""]
    lines += [f"- {package} {number}" for package, number in record["versions"].items()]
    lines += ["", "## Recipe", "", f"Digest `{record['recipe_digest']}`.", ""]
    lines += ["```json", *shown.splitlines(), "```"]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
