"""How long to wait before asking again."""

from __future__ import annotations

import random

FIRST_SECONDS, LONGEST_SECONDS = 0.25, 30.0
LONGEST_RETRY_AFTER = 300.0
"""A server may ask for an hour; what it then gets is another request, and the engine's patience decides."""


def delay(attempt: int, retry_after: float | None = None) -> float:
    """Seconds to wait after attempt number `attempt` (from 0): exponential, full jitter, on top of Retry-After.

    Full jitter spreads clients that failed together: AWS Architecture Blog, "Exponential Backoff And Jitter".
    """
    most = min(FIRST_SECONDS * 2.0 ** min(attempt, 30), LONGEST_SECONDS)
    return asked_for(retry_after) + random.uniform(0.0, most)


def asked_for(retry_after: float | None) -> float:
    """Seconds the server asks for, bounded; 0 where it asks for nothing."""
    return min(retry_after or 0.0, LONGEST_RETRY_AFTER)
