"""The tokenizer: listed words are whole whatever stands beside them, any other text comes back unharmed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsafe_runner.benchmarks import tiny_text
from dsafe_runner.benchmarks.tiny import NAMES, TinyBenchmark
from dsafe_runner.errors import TrainingError
from dsafe_runner.training.tokenizer import train_tokenizer


def test_every_deed_is_two_tokens_in_any_sentence(tokenizer):
    for area in tiny_text.AREAS:
        for verb in area.bad + area.good:
            for thing in area.objects:
                tokens = tokenizer(f"请问怎么{verb}{thing}，呢", add_special_tokens=False)["input_ids"]
                assert [tokenizer.decode([t]) for t in tokens[2:4]] == [verb, thing]


def test_test_prompts_hold_no_token_training_has_not_seen(tokenizer):
    from dsafe_runner.benchmarks.tiny_rows import rows

    trained = set()
    for r in rows("safe", {"mcq": 1, "which": 1, "refuse": 1, "help": 1, "reason": 1}, 4000, seed=2):
        trained |= set(tokenizer(r.prompt + "\n" + r.thinking + "\n" + r.answer)["input_ids"])
    for name in NAMES:
        for sample in TinyBenchmark(name).samples():
            assert set(tokenizer(sample.messages[0].content)["input_ids"]) <= trained


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_text_survives(text):
    made = _tokenizer()
    assert made.decode(made(text, add_special_tokens=False)["input_ids"]) == text


def test_the_thinking_marks_survive_decoding_without_specials(tokenizer):
    ids = tokenizer("<think>\n想</think>", add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "<think>\n想</think>"
    assert ids[0] == tokenizer.convert_tokens_to_ids("<think>")


def test_too_small_a_vocabulary_is_refused():
    with pytest.raises(TrainingError, match="too small"):
        train_tokenizer(tiny_text.words(), 400, 64)


_made = []


def _tokenizer():
    if not _made:
        _made.append(train_tokenizer(tiny_text.words(), 1600, 512))
    return _made[0]
