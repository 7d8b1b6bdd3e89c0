"""What a measure phase leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dsafe_runner.checks.evidence import Evidence


@dataclass
class Run:
    """What was measured, and what could not be: measurement id -> one line why."""

    evidence: dict[str, Evidence] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    manifest: dict[str, Any] = field(default_factory=dict)
