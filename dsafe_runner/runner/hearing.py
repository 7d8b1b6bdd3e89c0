"""Which responses are answers: not those with thinking that nobody declared, or with a turn of somebody else's.

Such a response stays in the store as it came, and is MISSING wherever it would be graded or judged. Responses are
looked at when they become scores, so that stored and replayed ones are covered too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dsafe_runner.engines.markers import Sign, told
from dsafe_runner.engines.reasoning import foreign_turn_in, same_format, sign_in, thinks
from dsafe_runner.plan import Plan, checkpoint_of
from dsafe_runner.records import Gap, Message, Request, Response
from dsafe_runner.suite.spec import Checkpoint

_FEW, _SHARE = 3, 0.01
"""Responses, by count or by share, up to which thinking that nobody declared is not how the model answers."""


class Hearing:
    """Reads the responses of one model.

    Args:
        plan: the plan.
        model: name of the model, or of a judge's as `plan` calls it.
    """

    def __init__(self, plan: Plan, model: str) -> None:
        self._name = model
        self._said: Checkpoint = checkpoint_of(plan.loaded, model)
        self._known: dict[str, tuple[Sign | None, str | None]] = {}

    def gap(self, response: Response, messages: Iterable[Message]) -> Gap | None:
        """Why a response may not be graded or judged; None where it is an answer."""
        sign, turn = self._signs(response, messages)
        return Gap.THINKING if sign else Gap.TURN if turn else None

    def undeclared(self, requests: Iterable[Request], stored: dict[str, Response]) -> str | None:
        """What is wrong with a model that thinks in a way the suite does not declare; None where it does not."""
        found: Counter[Sign] = Counter()
        read = 0
        for sign, _ in self._all_signs(requests, stored):
            read += 1
            if sign is not None and self._foreign(sign):
                found[sign] += 1
        count = found.total()
        if count <= max(_FEW, _SHARE * read):
            return None
        sign = found.most_common(1)[0][0]
        declared = self._said.reasoning
        but = f"the suite says `reasoning: {declared}`" if thinks(declared) else "the suite does not say that it thinks"
        return f"{self._name}: {count} of {read} responses hold thinking ({sign.what}), and {but}; {told(sign)}"

    def turns(self, requests: Iterable[Request], stored: dict[str, Response]) -> str | None:
        """What to say where responses go on with turns the model played for somebody else."""
        found = Counter(turn for _, turn in self._all_signs(requests, stored) if turn)
        if not found:
            return None
        mark = found.most_common(1)[0][0]
        return (
            f"{self._name}: {found.total()} responses go on with a turn of somebody else's ({mark}) and are missing; "
            "see that what runs the model ends at the end of its turn (its end-of-turn token, its chat template)"
        )

    def _foreign(self, sign: Sign) -> bool:
        """Whether a sign is of another format than the declared one."""
        own = self._said.reasoning
        if not thinks(own):
            return True
        return sign.key is not None and not same_format(sign.key, own)

    def _all_signs(
        self, requests: Iterable[Request], stored: dict[str, Response]
    ) -> Iterable[tuple[Sign | None, str | None]]:
        """The signs of each stored response, once where several items share it."""
        for request in {request.key: request for request in requests}.values():
            if (response := stored.get(request.key)) is not None:
                yield self._signs(response, request.messages)

    def _signs(self, response: Response, messages: Iterable[Message]) -> tuple[Sign | None, str | None]:
        if response.key not in self._known:
            shown = [self._said.system_prompt or "", *(message.content for message in messages)]
            prompt = "\n".join(shown)
            sign = sign_in(response, reasoning=self._said.reasoning, prompt=prompt)
            self._known[response.key] = (sign, foreign_turn_in(response, prompt=prompt))
        return self._known[response.key]
