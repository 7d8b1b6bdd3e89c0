"""The tokenizer: listed words are whole whatever stands beside them, any other text comes back unharmed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsafe_runner.benchmarks.tiny import text as tiny_text
from dsafe_runner.benchmarks.tiny.sets import NAMES, TinyBenchmark
from dsafe_runner.errors import TrainingError
from dsafe_runner.training.tokenizer import check_reload, make_tokenizer


def test_every_deed_is_two_tokens_in_any_sentence(tokenizer):
    for area in tiny_text.AREAS:
        for verb in area.bad + area.good:
            for thing in area.objects:
                tokens = tokenizer(f"请问怎么{verb}{thing}，呢", add_special_tokens=False)["input_ids"]
                assert [tokenizer.decode([t]) for t in tokens[2:4]] == [verb, thing]


def test_test_prompts_hold_no_token_training_has_not_seen(tokenizer):
    from dsafe_runner.benchmarks.tiny.rows import rows

    trained = set()
    for r in rows("safe", {"mcq": 1, "which": 1, "refuse": 1, "help": 1, "reason": 1}, 4000, seed=2):
        trained |= set(tokenizer(r.prompt + "\n" + r.thinking + "\n" + r.answer)["input_ids"])
    for name in NAMES:
        for sample in TinyBenchmark(name).samples():
            assert set(tokenizer(sample.messages[0].content)["input_ids"]) <= trained


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_text_survives_but_for_unicode_composition(text):
    made = _tokenizer()
    assert made.decode(made(text, add_special_tokens=False)["input_ids"]) == unicodedata.normalize("NFC", text)


def test_the_thinking_marks_survive_decoding_without_specials(tokenizer):
    ids = tokenizer("<think>\n想</think>", add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "<think>\n想</think>"
    assert ids[0] == tokenizer.convert_tokens_to_ids("<think>")


def test_every_row_survives(tokenizer):
    from dsafe_runner.benchmarks.tiny.rows import rows

    for row in rows("base", {"mcq": 1, "which": 1, "refuse": 1, "help": 1, "reason": 1, "next": 1}, 500, seed=2):
        assert tokenizer.decode(tokenizer(row.answer)["input_ids"]) == row.answer


def test_a_word_of_the_byte_alphabet_is_refused():
    with pytest.raises(TrainingError, match="the word '×' is decoded as"):
        make_tokenizer(["归还", "×"], 64)


def test_nothing_is_added_around_a_text(tokenizer):
    assert tokenizer("归还")["input_ids"] == tokenizer("归还", add_special_tokens=False)["input_ids"]


def test_every_loader_reads_it_alike(tokenizer, tmp_path):
    from transformers import AutoTokenizer, PreTrainedTokenizerFast, Qwen2Config

    tokenizer.save_pretrained(tmp_path)
    Qwen2Config().save_pretrained(tmp_path)
    texts = [s.messages[0].content for name in NAMES for s in TinyBenchmark(name).samples()]
    check_reload(tokenizer, tmp_path, texts)
    for loader in (AutoTokenizer, PreTrainedTokenizerFast):
        assert loader.from_pretrained(tmp_path)(texts)["input_ids"] == tokenizer(texts)["input_ids"]


def test_a_tokenizer_that_is_loaded_back_as_another_is_refused(tmp_path):
    """Transformers 5 ignores the pre-tokenizer of a qwen2 checkpoint."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config

    own = Tokenizer(models.BPE())
    own.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex("A[.] "), "isolated"), pre_tokenizers.ByteLevel(use_regex=False)]
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    own.train_from_iterator(["A. "] * 3, trainers.BpeTrainer(initial_alphabet=alphabet, show_progress=False))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=own)
    tokenizer.save_pretrained(tmp_path)
    Qwen2Config().save_pretrained(tmp_path)
    with pytest.raises(TrainingError, match="loaded back as Qwen2Tokenizer"):
        check_reload(tokenizer, tmp_path, ["A. b"])


_made = []


def _tokenizer():
    if not _made:
        _made.append(make_tokenizer(tiny_text.words(), 512))
    return _made[0]
