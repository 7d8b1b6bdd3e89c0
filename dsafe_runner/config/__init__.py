"""YAML text -> a validated pydantic model, with file:line:col for every mistake.

    loaded = load_yaml(path, Suite)
    loaded.value, loaded.positions[("thresholds", 3, "max")]

Used by suites and by training recipes. The way of a file: `source` (bytes -> text), `tree` (text -> nodes that know
their place), `include` (several files -> one tree), `document` (tree -> plain Python and positions), `validate`
(plain Python -> model, mistakes in plain words).
"""

from __future__ import annotations

from dsafe_runner.config.document import Document, Place, read_document
from dsafe_runner.config.validate import Loaded, Validated, load_yaml, validate

__all__ = ["Document", "Loaded", "Place", "Validated", "load_yaml", "read_document", "validate"]
