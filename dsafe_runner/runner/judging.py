"""A judge of the suite at work: it reads answers by itself, or its questions are put to a model and the replies read.

A judge model's replies are responses like any other, stored under what makes them (its checkpoint, the template's text
with the answer in it, sampling): a new judge reads old answers anew, and nothing is judged twice. A reply that gives no
class is asked for once more, with a reminder of the format; then the answer stays UNSCORED, which is never a default.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

from dsafe_runner.errors import JudgeError
from dsafe_runner.judges.base import AskingJudge, Judge, ReadingJudge
from dsafe_runner.plan import Plan, judge_sampling
from dsafe_runner.records import Message, Outcome, Request, Response, Sample, Sampling, Score, digest, message_list
from dsafe_runner.runner.identity import request_key
from dsafe_runner.runner.jobs import Job
from dsafe_runner.runner.store import Store


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to be read. `thinking`: its thinking is judged instead of the answer."""

    sample: Sample
    response: Response
    thinking: bool = False


@dataclass
class Reader:
    """A judge at work: `job` is the model it asks, None for one that reads by itself."""

    name: str
    judge: Judge
    sampling: Sampling
    seed: int
    job: Job | None = None
    _asked: dict[str, Request] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, plan: Plan, name: str, job: Job | None) -> Self:
        """The judge of that name of a suite."""
        judge = plan.judges[name]
        reader = cls(name, judge, judge_sampling(plan.loaded, name, judge), plan.loaded.suite.seed, job)
        if job is not None:
            job.again = reader.again
        return reader

    def request(self, answer: Answer) -> Request | Score:
        """The question about an answer, or the score of one that needs none."""
        asking = self._asking()
        said = asking.ask(answer.sample, answer.response, thinking=answer.thinking)
        return said if isinstance(said, Score) else self._request(said, answer.sample.id, answer.response.k)

    def again(self, request: Request, reply: Response) -> Request | None:
        """The question with a reminder, for a first reply without a class; None where there is nothing to mend."""
        asking = self._asking()
        if request.key not in self._asked or self._class_of(request, reply) is not None:
            return None
        return self._request(asking.again(request.messages, reply), request.sample_id, request.k, first=False)

    def _class_of(self, request: Request, reply: Response) -> int | None:
        """The class a reply gives; none where it holds thinking that the judge does not declare, or another's turn."""
        if self.job is not None and self.job.hearing.gap(reply, request.messages):
            return None
        return self._asking().read(reply)

    def _asking(self) -> AskingJudge:
        if not isinstance(self.judge, AskingJudge):
            raise JudgeError(f"judge {self.name} asks no model")
        return self.judge

    def _request(self, messages: tuple[Message, ...], sample_id: str, k: int, first: bool = True) -> Request:
        if self.job is None:
            raise JudgeError(f"judge {self.name} has no model to ask")
        seed = int(digest([self.seed, message_list(messages)], 15), 16)
        key = request_key(digest(self.job.identity, 64), messages, self.sampling, seed=seed)
        request = Request(key, sample_id, k, messages, self.sampling, seed)
        if first:
            self._asked[key] = request
        if key not in self._known:
            self._known.add(key)
            self.job.known.append(request)
        return request

    def pending(self, answers: Iterable[Answer], store: Store) -> list[Request]:
        """What has to be asked to read these answers: questions that are not stored, and second ones to stored replies.

        Each once: equal answers to one question share a verdict.
        """
        first = {request.key: request for answer in answers if isinstance(request := self.request(answer), Request)}
        replies = store.get(first)
        left = {key: request for key, request in first.items() if key not in replies}
        second = {
            again.key: again for key, reply in replies.items() if (again := self.again(first[key], reply)) is not None
        }
        stored = store.have(second)
        return [*left.values(), *(request for key, request in second.items() if key not in stored)]

    def read(self, answers: list[Answer], store: Store) -> list[Score]:
        """A score per answer, from what the store holds."""
        if isinstance(self.judge, ReadingJudge):
            return [self.judge.label(answer.sample, answer.response) for answer in answers]
        asked = [self.request(answer) for answer in answers]
        replies = store.get({request.key for request in asked if isinstance(request, Request)})
        second = {
            request.key: again
            for request in asked
            if isinstance(request, Request)
            and request.key in replies
            and (again := self.again(request, replies[request.key])) is not None
        }
        replies |= store.get({request.key for request in second.values()})
        return [
            request if isinstance(request, Score) else self._score(answer, request, second.get(request.key), replies)
            for answer, request in zip(answers, asked, strict=True)
        ]

    def _score(self, answer: Answer, request: Request, again: Request | None, replies: dict[str, Response]) -> Score:
        reply = replies.get(again.key if again else request.key)
        label = self._class_of(again or request, reply) if reply is not None else None
        # a class the template does not give is none; and no class is never taken for any
        outcome = Outcome.LABELLED if label in self.judge.labels else Outcome.UNSCORED
        given = label if outcome is Outcome.LABELLED else None
        score = Score(answer.sample.id, answer.response.k, outcome, response_key=answer.response.key)
        return replace(score, thinking_label=given) if answer.thinking else replace(score, label=given)
