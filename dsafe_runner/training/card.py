"""The model card of a trained checkpoint: recipe, data with hashes, result, versions. Facts of this run only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

MARK = "<!-- written by dsafe train; edit below the line, or remove this one to keep your own card -->"


def card(name: str, start: str, record: Mapping[str, Any], recipe_text: str) -> str:
    """Markdown. `record` is what training.json says, `recipe_text` the recipe as JSON."""
    data = record["data"]
    lines = [
        MARK, f"# {name}", "",
        f"Full-parameter SFT of `{start}` by the recipe below: {record['steps']} steps, mean loss "
        f"{record['loss']:.4f}, seed {record['seed']}, {record['world_size']} process(es).",
        "", "Trained is not tested: whether it may be released is for the gate to say (`pytest <suite>.safety.yaml`).",
        "", "## Data", "",
    ]  # fmt: skip
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
    lines += ["```json", *recipe_text.splitlines(), "```"]
    return "\n".join(lines) + "\n"


def may_replace(path: Path) -> bool:
    """Whether a card there is ours (or none): one that people wrote stays."""
    try:
        return MARK in path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return True
    except (OSError, UnicodeDecodeError):
        return False


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
