"""Which recorded response answers which request.

`match: prompt` goes by what was asked, `match: id` by the ids that rows name. A row that fits several requests, told
apart neither by its benchmark nor by its sample id, is nobody's, and so are the requests it fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dsafe_runner.engines.replay.files import Log
from dsafe_runner.engines.replay.prompts import question
from dsafe_runner.engines.replay.rows import Recorded
from dsafe_runner.engines.replay.wrapper import Questions
from dsafe_runner.records import Message, Request


@dataclass
class Matched:
    """Requests are named by their index.

    rows       what was recorded for each request
    ambiguous  requests that a row fits which fits others as well
    unclear    those rows
    strangers  rows that answer nothing that was asked
    further    rows that answer an item, with a `k` nobody asked for
    """

    rows: dict[int, list[Recorded]] = field(default_factory=dict)
    ambiguous: set[int] = field(default_factory=set)
    unclear: list[Recorded] = field(default_factory=list)
    strangers: list[Recorded] = field(default_factory=list)
    further: list[Recorded] = field(default_factory=list)

    def give(self, row: Recorded, fitting: list[int]) -> None:
        """Give a row to the request it fits; every row is given once, to one or to several."""
        for index in fitting:
            self.rows.setdefault(index, []).append(row)
        if len(fitting) > 1:
            self.ambiguous.update(fitting)
            self.unclear.append(row)


def match_ids(requests: Sequence[Request], rows: Sequence[Recorded], logs: Sequence[Log]) -> Matched:
    """By (benchmark, sample id, k). A row without a benchmark has that of its file's name."""
    places = {(r.benchmark, r.sample_id, r.k): index for index, r in enumerate(requests)}
    items = {(benchmark, sample_id) for benchmark, sample_id, _ in places}
    matched = Matched()
    for row in rows:
        item = (row.benchmark or logs[row.file].label, row.sample_id or "")
        index = places.get((*item, row.k))
        if index is not None:
            matched.give(row, [index])
        else:
            (matched.further if item in items else matched.strangers).append(row)
    return matched


def match_prompts(requests: Sequence[Request], rows: Sequence[Recorded], logs: Sequence[Log]) -> Matched:
    """By what was asked. A row that names its benchmark answers requests of that benchmark only."""
    asked: dict[tuple[Message, ...], str] = {}
    places: dict[tuple[str, int], list[int]] = {}
    texts: dict[str | None, set[str]] = {None: set()}
    for index, request in enumerate(requests):
        if request.messages not in asked:
            asked[request.messages] = question(request.messages)
        text = asked[request.messages]
        places.setdefault((text, request.k), []).append(index)
        texts[None].add(text)
        texts.setdefault(request.benchmark, set()).add(text)
    # a file's name is a benchmark only where the suite has one of that name: here the prompt is the proof
    labels = [log.label if log.label in texts else None for log in logs]
    groups: dict[tuple[int, str | None], dict[str, list[Recorded]]] = {}
    for row in rows:
        group = groups.setdefault((row.file, row.benchmark or labels[row.file]), {})
        group.setdefault(row.prompt or "", []).append(row)
    matched = Matched()
    questions: dict[str | None, Questions] = {}
    for (_, label), prompts in groups.items():
        if label not in questions:
            questions[label] = Questions(texts.get(label, ()))
        found = questions[label].read(prompts)
        for prompt, same in prompts.items():
            if prompt not in found:
                matched.strangers += same
                continue
            for row in same:
                fitting = places.get((found[prompt], row.k), [])
                if label is not None:
                    fitting = [index for index in fitting if requests[index].benchmark == label]
                if len(fitting) > 1 and row.sample_id is not None:
                    named = [index for index in fitting if requests[index].sample_id == row.sample_id]
                    fitting = named or fitting
                if fitting:
                    matched.give(row, fitting)
                else:
                    matched.further.append(row)
    return matched
