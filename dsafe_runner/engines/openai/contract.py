"""What a server showed of itself before it was asked anything that counts; and that a fleet serves one thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from dsafe_runner.engines.openai.body import Dialect
from dsafe_runner.errors import EngineError

UNKNOWN = "unknown"
NONE_SEEN = "none seen"
CLOSING_TAG = "closing tag"
CUT = "cut before any tag"


@dataclass(frozen=True, slots=True)
class Contract:
    """What one URL showed; `unknown` where it does not say.

    served         `listed` where GET /models lists the model
    root           what the server says it loaded under that name
    max_model_len  tokens of context
    version        of the server's software
    answers_as     what its answers call the model
    thinking       where thinking came back: `reasoning`, `reasoning_content`, `tags`, `closing tag` (the chat template
                   opened it), `cut before any tag` (perhaps opened by the template), or `none seen`
    choice         whether `structured_outputs: {choice: ..}` constrains: `binds`, `ignored`, `refused`
    dialect        which fields it takes
    shortest       tokens it counts for a prompt of a few words; 0 where it counts none
    warnings       what a person should know of it
    """

    served: str = UNKNOWN
    root: str = UNKNOWN
    max_model_len: int | None = None
    version: str = UNKNOWN
    answers_as: str | None = None
    thinking: str = NONE_SEEN
    choice: str = UNKNOWN
    dialect: Dialect = field(default_factory=Dialect)
    shortest: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def opened(self) -> bool:
        """Whether an answer without any tag has to be taken for thinking that the chat template opened."""
        return self.thinking in (CLOSING_TAG, CUT)

    def as_json(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "served": self.served,
            "root": self.root,
            "max_model_len": self.max_model_len,
            "version": self.version,
            "answers_as": self.answers_as,
            "thinking": self.thinking,
            "choice": self.choice,
            "seed": "accepted" if self.dialect.seed else "refused",
            "tokens_field": self.dialect.tokens,
        }


_SAME: tuple[tuple[str, Callable[[Contract], Any]], ...] = (
    # hosts keep the same weights in different folders: the folder's own name is what must agree
    ("root", lambda c: c.root.rstrip("/").rpartition("/")[2] if c.root != UNKNOWN else None),
    ("max_model_len", lambda c: c.max_model_len),
    ("version", lambda c: c.version if c.version != UNKNOWN else None),
    ("answers_as", lambda c: c.answers_as),
    ("thinking", lambda c: c.thinking if c.thinking not in (NONE_SEEN, CUT) else None),
    ("seed", lambda c: "accepted" if c.dialect.seed else "refused"),
    ("tokens_field", lambda c: c.dialect.tokens),
)
"""What all URLs of an engine must agree on, as far as they say it (None: it does not)."""


def agreed(contracts: dict[str, Contract]) -> Contract:
    """The one contract of a fleet; what only some of its servers say holds for all.

    Raises:
        EngineError: two servers say different things; the message names them and the difference.
    """
    merged = min(contracts.values(), key=lambda contract: contract.thinking != CUT)
    for name, read in _SAME:
        known = [(url, read(contract)) for url, contract in contracts.items() if read(contract) is not None]
        for url, value in known[1:]:
            if value != known[0][1]:
                raise EngineError(
                    f"the URLs of one engine serve different things: {name} is {known[0][1]} at {known[0][0]} and "
                    f"{value} at {url}; serve one model in one way at all of them, or make engines of their own"
                )
        if known and name in Contract.__dataclass_fields__:
            merged = replace(merged, **{name: getattr(contracts[known[0][0]], name)})
    return merged
