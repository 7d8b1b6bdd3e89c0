"""What the JSON Schemas of suites and recipes share: `include`, and how pydantic's schema is made fit for editors."""

from __future__ import annotations

from typing import Any

DRAFT = "http://json-schema.org/draft-07/schema#"
"""Draft 7: the newest that every YAML editor plugin knows."""
INCLUDE: dict[str, Any] = {
    "description": (
        "A file, or a list of files, relative to this one. Their mappings are joined with those here key by key, "
        "their lists come before the lists here; a key in both is an error."
    ),
    "anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string", "minLength": 1}}],
    "examples": ["shared/engines.yaml"],
}


def tidy(value: Any, of_properties: bool = False) -> Any:
    """The schema without generated titles, `or null` and defaults that say nothing; off-pattern names refused."""
    if isinstance(value, list):
        return [tidy(v) for v in value]
    if not isinstance(value, dict):
        return value
    # inside `properties` the keys are field names: a field may be called title
    made = {
        key: tidy(v, key in ("properties", "$defs") and not of_properties)
        for key, v in value.items()
        if of_properties or not (key == "title" or (key == "default" and (v is None or isinstance(v, dict))))
    }
    if of_properties:
        return made
    if "patternProperties" in made:
        made["additionalProperties"] = False
    members = [s for s in made.get("anyOf", []) if s != {"type": "null"}]
    if "anyOf" in made and len(members) == 1:
        del made["anyOf"]
        return members[0] | made
    if members:
        made["anyOf"] = members
    return made
