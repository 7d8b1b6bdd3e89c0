"""What a model's JSON Schema allows at a place, in words: `a number from 0 to 1`, `one of sdpa, eager`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from dsafe_runner.config.words import listed

Schema = dict[str, Any]

_PATTERNS = {
    r"^[A-Za-z0-9][A-Za-z0-9._-]*$": "a name of letters, digits, . _ and -, a letter or digit first",
    r"^https?://[^\s?#]+$": "a URL such as http://127.0.0.1:8000/v1",
    r"^[A-Za-z_][A-Za-z0-9_]*$": "the name of an environment variable",
}
"""Patterns with a description; others are shown as they are."""


class Expected:
    """A model's schema, walked along the places of a document."""

    def __init__(self, model: type[BaseModel]) -> None:
        self.root: Schema = model.model_json_schema()

    def at(self, loc: tuple[str | int, ...], data: Any) -> list[Schema]:
        """The alternatives at a place (of unions several); [] where the schema does not say."""
        found = self._alternatives(self.root, data)
        for part in loc:
            data = _child(data, part)
            found = [deeper for s in found for deeper in self._step(s, part, data)]
        return found

    def keys(self, loc: tuple[str | int, ...], data: Any) -> list[str]:
        """The keys a mapping at this place may have."""
        return list(dict.fromkeys(key for s in self.at(loc, data) for key in s.get("properties", {})))

    def description(self, loc: tuple[str | int, ...], key: str, data: Any) -> str:
        """What a key at this place is for; "" where nothing is said."""
        for schema in self.at(loc, data):
            text = schema.get("properties", {}).get(key, {}).get("description")
            if text:
                return str(text)
        return ""

    def _step(self, schema: Schema, part: str | int, data: Any) -> list[Schema]:
        if isinstance(part, int):
            child = schema.get("items")
        else:
            child = schema.get("properties", {}).get(part) or schema.get("additionalProperties")
            if not isinstance(child, dict):
                child = next(iter(schema.get("patternProperties", {}).values()), None)
        return self._alternatives(child, data) if isinstance(child, dict) else []

    def _alternatives(self, schema: Schema, data: Any) -> list[Schema]:
        """`$ref` followed, unions opened, null left out, members whose constant tag differs from the data dropped."""
        if "$ref" in schema:
            target: Any = self.root
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            return self._alternatives(target, data)
        for union in ("anyOf", "oneOf", "allOf"):
            if union in schema:
                found = [s for member in schema[union] for s in self._alternatives(member, data)]
                fitting = [s for s in found if _tag_fits(s, data)]
                return fitting or found
        return [] if schema.get("type") == "null" else [schema]


def _child(data: Any, part: str | int) -> Any:
    if isinstance(data, Mapping):
        return data.get(part)
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        return data[part]
    return None


def _tag_fits(schema: Schema, data: Any) -> bool:
    if not isinstance(data, Mapping):
        return True
    tags = {key: prop["const"] for key, prop in schema.get("properties", {}).items() if "const" in prop}
    return all(data[key] == tag for key, tag in tags.items() if key in data)


def kind(alternatives: list[Schema]) -> str:
    """What sort of value is wanted: `a number`, `text or a list`, ..."""
    return _joined(_kind(s) for s in alternatives)


def wanted(alternatives: list[Schema]) -> str:
    """The same with the bounds: `a number from 0 to 1`, `one of auto, cpu, cuda`."""
    return _joined(_wanted(s) for s in alternatives)


def is_rate(alternatives: list[Schema]) -> bool:
    """Whether a number from 0 to 1 is wanted."""
    return any(s.get("type") == "number" and (s.get("minimum"), s.get("maximum")) == (0, 1) for s in alternatives)


def _joined(words: Any) -> str:
    return " or ".join(dict.fromkeys(w for w in words if w))


_KINDS = {
    "number": "a number",
    "integer": "a whole number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


def choices(schema: Schema) -> list[str]:
    """The values a closed choice allows; [] for anything open."""
    if "const" in schema:
        return [str(schema["const"])]
    return [str(v) for v in schema.get("enum", [])]


def _kind(schema: Schema) -> str:
    if choices(schema):
        return f"one of {listed(choices(schema))}" if len(choices(schema)) > 1 else choices(schema)[0]
    if schema.get("format") == "date":
        return "a date"
    return _KINDS.get(str(schema.get("type")), "")


def _wanted(schema: Schema) -> str:
    text = _kind(schema)
    if schema.get("format") == "date":
        return "a date as YYYY-MM-DD"
    if text == "text" and "pattern" in schema:
        return _PATTERNS.get(schema["pattern"], f"text that matches {schema['pattern']}")
    if text == "a mapping" and schema.get("properties"):
        return f"a mapping with the keys {listed(schema['properties'])}"
    if text == "a list" and isinstance(schema.get("items"), dict) and choices(schema["items"]):
        return f"a list of {listed(choices(schema['items']))}"
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f"{text} from {low:g} to {high:g}" if high < 1e6 else f"{text} from {low:g} to {high:,}"
    parts = []
    if low is not None:
        parts.append(f"of at least {low:g}")
    if above is not None:
        parts.append(f"above {above:g}")
    if high is not None:
        parts.append(f"of at most {high:g}")
    if below is not None:
        parts.append(f"below {below:g}")
    return " and ".join([f"{text} {parts[0]}", *parts[1:]]) if parts else text
