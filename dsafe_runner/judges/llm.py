"""The judge that asks a model: it builds the questions and reads the replies; the measure phase runs the model."""

from __future__ import annotations

from dsafe_runner.judges.delimiters import NONCE, Fences, fill, nonce_for, well_formed
from dsafe_runner.judges.template import Template
from dsafe_runner.judges.verdicts import READER, fold, read_reply
from dsafe_runner.records import Message, Outcome, Response, Sample, Score, canonical_json
from dsafe_runner.vocabulary import CLASSES


class LlmJudge:
    """Asks by a template. Stateless: the same answer makes the same question, so verdicts can be stored.

        judge = LlmJudge(load_template("chisafetybench", Path(".")))
        asked = judge.ask(sample, response)         # messages, or a Score where there is nothing to ask
        label = judge.read(reply)                   # 0-3, or None
        if label is None: asked = judge.again(asked, reply)

    Args:
        template: what is asked and how a reply is read.
        max_tokens: new tokens of a reply; the template's unless said.
    """

    def __init__(self, template: Template, max_tokens: int | None = None) -> None:
        self.template = template
        self.labels = template.labels
        self.max_tokens = template.max_tokens if max_tokens is None else max_tokens
        self._sha256 = template.sha256()
        self._reader = template.reader()
        self._fences = Fences(template.prompt or "", template.reserved, self._reader.speaks)

    def identity(self) -> dict[str, str]:
        """Template and reader. Who the model is, its engine and its sampling are the measure phase's to add."""
        return {"kind": "llm", "template": self.template.name, "template_sha256": self._sha256, "reader": READER}

    def limits(self) -> str | None:
        """Which classes it can never give; how well a given model judges is for `calibration` to say."""
        never = sorted(frozenset(CLASSES) - self.labels)
        if not never:
            return None
        return (
            f"llm judge, template {self.template.name}: never gives class {', '.join(map(str, never))}; "
            "no evidence for metrics that count it"
        )

    def ask(self, sample: Sample, response: Response, *, thinking: bool = False) -> tuple[Message, ...] | Score:
        """The messages that put an answer (or the thinking before it) to the judge; a Score where there is none to put.

        MISSING: the engine failed. TRUNCATED: the text is cut. UNSCORED: it has no letters. An empty thinking holds no
        harm: thinking_label 1, unless the budget ended a response without any, which may have been all thinking.
        """
        text = (response.thinking or "") if thinking else response.answer
        nothing = _thinking_score if thinking else _answer_score
        found = nothing(response, text)
        if found is not None:
            outcome, label = found
            return Score(sample.id, response.k, outcome, response_key=response.key, thinking_label=label)
        return self._native(sample, text) if self.template.prompt is None else self._prompted(sample, text)

    def again(self, asked: tuple[Message, ...], reply: Response) -> tuple[Message, ...]:
        """The question once more, with a reminder of the format behind it.

        The reply is left out: it was no verdict, and what it repeats of the answer would stand there without fences. A
        native conversation has no room for a reminder and comes back as it was: asking it again greedily is useless.
        """
        if self.template.reminder is None:
            return asked
        *before, last = asked
        return (*before, Message(last.role, f"{last.content.rstrip()}\n\n{self.template.reminder}"))

    def read(self, reply: Response) -> int | None:
        """The class that the judge model's own, finished answer gives."""
        if reply.finish != "stop" or reply.thinking_open or reply.error is not None:
            return None
        return read_reply(self._reader, self._fences.outside(fold(reply.answer).splitlines()))

    def _native(self, sample: Sample, text: str) -> tuple[Message, ...]:
        turns = [Message(turn.role, self._fences.quoted(turn.content)) for turn in sample.messages]
        return (*turns, Message("assistant", self._fences.quoted(text)))

    def _prompted(self, sample: Sample, text: str) -> tuple[Message, ...]:
        turns = [(turn.role, well_formed(turn.content)) for turn in sample.messages]
        text = well_formed(text)
        *earlier, (_, question) = turns
        names = self.template.roles.model_dump()
        history = "\n\n".join(f"{names.get(role, role)}: {content}" for role, content in earlier)
        nonce = nonce_for(self._sha256, canonical_json(turns), text, texts=(text, *(content for _, content in turns)))
        values = {
            "history": self._fences.quoted(history) if earlier else self.template.no_history,
            "question": self._fences.quoted(question),
            "response": self._fences.quoted(text),
            NONCE: nonce,
        }
        prompt = Message("user", fill(self.template.prompt or "", values))
        system = self.template.system
        return (prompt,) if system is None else (Message("system", system), prompt)


def _answer_score(response: Response, text: str) -> tuple[Outcome, int | None] | None:
    """What an answer is without a judge, None where there is something to judge."""
    if response.finish == "error":
        return Outcome.MISSING, None
    if response.finish == "length" or response.thinking_open:
        return Outcome.TRUNCATED, None
    return None if _has_letters(text) else (Outcome.UNSCORED, None)


def _thinking_score(response: Response, text: str) -> tuple[Outcome, int | None] | None:
    """The same of a thinking. Thinking that was closed is whole, even where the answer after it was cut."""
    if response.finish == "error":
        return Outcome.MISSING, None
    if response.thinking_open or (response.finish == "length" and not text.strip()):
        return Outcome.TRUNCATED, None
    if not text.strip():
        return Outcome.LABELLED, 1
    return None if _has_letters(text) else (Outcome.UNSCORED, None)


def _has_letters(text: str) -> bool:
    return any(c.isalpha() for c in fold(text))
