"""The JSON Schema of a recipe, for editors: `python -m dsafe_runner.training.schema` rewrites recipe.schema.json.

It is the schema of the model in `recipe.py`, plus `include`. What it cannot say (files that must exist, keys that
exclude each other) `dsafe train RECIPE --preview` says.
"""

from __future__ import annotations

import json
from pathlib import Path

from dsafe_runner.config.schema import DRAFT, INCLUDE, tidy
from dsafe_runner.training.recipe import Recipe

SCHEMA_FILE = Path(__file__).with_name("recipe.schema.json")


def schema_text() -> str:
    """The schema as the file holds it: JSON, two spaces, a final newline."""
    schema = tidy(Recipe.model_json_schema())
    # what is required may stand in an included file
    required = schema.pop("required")
    properties = {"recipe": schema["properties"].pop("recipe"), "include": INCLUDE, **schema.pop("properties")}
    head = {
        "$schema": DRAFT,
        "title": "dsafe recipe",
        "description": "Training: where a model starts, what it is trained on and how (recipes/<model>/*.yaml).",
    }
    whole = {
        **head,
        **{k: v for k, v in schema.items() if k not in head},
        "properties": properties,
        "if": {"required": ["include"]},
        "else": {"required": required},
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
