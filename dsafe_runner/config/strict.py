"""The base of every model that a user's YAML is read into: frozen, strict, nothing unknown allowed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """No guessing: `1` is no text, `"1"` no number, and a key that is not known is a mistake."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", validate_default=True)
