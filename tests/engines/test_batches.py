"""Every request is run once, in batches that keep their limits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tiny_qwen2 import ask

from dsafe_runner.engines.batches import LETTER_ROWS, BatchPlan
from dsafe_runner.engines.prompts import Prepared

ITEMS = st.lists(
    st.tuples(st.integers(1, 200), st.sampled_from([(8, 0.0), (8, 0.7), (64, 0.0), (1, -1.0)])), max_size=40
)


def prepared(shape):
    size, (budget, temperature) = shape
    letters = ("A", "B") if temperature < 0 else ()
    request = ask("x", max_tokens=budget, temperature=max(temperature, 0.0), letters=letters)
    return Prepared(request, [1] * size, "", budget)


@given(ITEMS, st.integers(1, 12), st.integers(64, 2000), st.data())
def test_batches_hold_each_request_once_and_keep_their_limits(shapes, rows, tokens, data):
    plan = BatchPlan([prepared(shape) for shape in shapes], max_rows=rows, max_tokens=tokens)
    seen, failures = [], 0
    while batch := plan.next():
        widths = [len(p.ids) for p in batch]
        assert widths == sorted(widths, reverse=True)
        assert len({p.request.sampling for p in batch}) == 1
        letters = batch[0].request.sampling.scoring == "letters"
        assert len(batch) <= (min(rows, LETTER_ROWS) if letters else rows)
        assert len(batch) == 1 or len(batch) * (widths[0] + batch[0].budget) <= plan.max_tokens
        if len(batch) > 1 and failures < 8 and data.draw(st.booleans()):
            failures += 1
            done = data.draw(st.integers(0, len(batch) - 1))
            seen += batch[:done]
            plan.shrink(batch, batch[done:])
            assert plan.max_tokens <= max(1, len(batch) // 2) * (widths[0] + batch[0].budget)
        else:
            seen += batch
    assert len(seen) == len(shapes)
    assert len({p.request.key for p in seen}) == len(shapes)
