"""The JSON Schema of a suite file, for editors: `python -m dsafe_runner.suite.schema` rewrites suite.schema.json.

It is the schema of the model in `spec.py`, plus `include`, minus what only clutters an editor's popup (titles made from
field names, `or null`). What it cannot say (names that must exist, limits that contradict) `dsafe check` says.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dsafe_runner.config.schema import DRAFT, INCLUDE, tidy
from dsafe_runner.suite.spec import Suite
from dsafe_runner.vocabulary import METRICS

SCHEMA_FILE = Path(__file__).with_name("suite.schema.json")

_EXAMPLES: dict[str, dict[str, list[Any]]] = {
    "Model": {"path": ["./out/my-model", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"]},
    "BenchmarkUse": {"use": ["starter/mcq", "starter/refusal", "starter/benign", "chisafetybench/mcq", "custom"]},
    "Threshold": {"metric": list(METRICS), "slices": [["discrimination", "discrimination.gender"]]},
    "Waiver": {
        "check": ["distilled::mcq/overall[acc-min]", "distilled::refusal/*"],
        "until": ["2027-01-31"],
        "value": [0.8512, {"distilled::refusal/overall[hr-max]": 0.5}],
    },
}


def schema_text() -> str:
    """The schema as the file holds it: JSON, two spaces, a final newline."""
    schema = tidy(Suite.model_json_schema())
    for name, fields in _EXAMPLES.items():
        for field, examples in fields.items():
            schema["$defs"][name]["properties"][field]["examples"] = examples
    schema["properties"] = {"suite": schema["properties"].pop("suite"), "include": INCLUDE, **schema["properties"]}
    # What is required may stand in an included file.
    required = schema.pop("required")
    schema["if"] = {"required": ["include"]}
    schema["else"] = {"required": required}
    head = {
        "$schema": DRAFT,
        "title": "dsafe suite",
        "description": "A safety gate: models, benchmarks, and the limits a release must keep (*.safety.yaml).",
    }
    return json.dumps(head | {k: v for k, v in schema.items() if k not in head}, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
