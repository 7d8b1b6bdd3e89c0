"""What is trained on: the prompt as served, thinking kept, one beginning, the end trained."""

from __future__ import annotations

import pytest

from dsafe_runner.errors import TrainingError
from dsafe_runner.records import Message
from dsafe_runner.training.templates import ASSISTANT, BOS, EOS, PREFILL, USER
from dsafe_runner.training.tokenise import Conversation, preview, render_prompt, tokenise, tokenise_all

THINKING = Conversation(
    (Message("user", "今天是星期一，过2天是什么？"),), "从星期一数：二:星期二，一:星期三。", "答案：星期三"
)
DIRECT = Conversation((Message("user", "怎么归还客户资料"),), "", "好的，归还客户资料的步骤是先了解规定，再认真执行。")


def trained_text(tokenizer, tokens):
    ids = [i for i, m in zip(tokens.input_ids, tokens.completion_mask, strict=True) if m]
    return tokenizer.decode(ids)


def test_prompt_is_byte_for_byte_what_is_served(r1):
    tokens = tokenise(r1, THINKING, reasoning=True, max_length=200)
    served = r1.apply_chat_template(
        [{"role": "user", "content": THINKING.messages[0].content}],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=False,
    )
    start = tokens.completion_mask.index(1)
    assert tokens.input_ids[:start] == served
    assert r1.decode(tokens.input_ids[:start]) == f"{BOS}{USER}今天是星期一，过2天是什么？{ASSISTANT}{PREFILL}"


def test_thinking_is_trained_and_its_opening_is_not_repeated(r1):
    tokens = tokenise(r1, THINKING, reasoning=True, max_length=200)
    assert trained_text(r1, tokens) == "从星期一数：二:星期二，一:星期三。\n</think>\n\n答案：星期三" + EOS
    assert r1.decode(tokens.input_ids).count("<think>") == 1


def test_template_that_does_not_open_the_thinking_gets_it_trained(plain):
    tokens = tokenise(plain, THINKING, reasoning=True, max_length=200)
    assert trained_text(plain, tokens).startswith("<think>\n从星期一数")


def test_mask_is_one_block_and_the_end_is_trained(r1, plain):
    for tokenizer, row, reasoning in ((r1, THINKING, True), (plain, DIRECT, False)):
        tokens = tokenise(tokenizer, row, reasoning=reasoning, max_length=200)
        start = tokens.completion_mask.index(1)
        assert set(tokens.completion_mask[start:]) == {1}
        assert tokens.input_ids[-1] == tokenizer.eos_token_id
        assert tokens.input_ids.count(tokenizer.bos_token_id) == 1
        assert tokens.input_ids.count(tokenizer.eos_token_id) == 1


def test_earlier_thinking_is_dropped_from_history(r1):
    messages = (Message("user", "一"), Message("assistant", "想\n</think>\n\n二"), Message("user", "三"))
    assert render_prompt(r1, messages) == f"{BOS}{USER}一{ASSISTANT}\n\n二{EOS}{USER}三{ASSISTANT}{PREFILL}"


def test_preview_marks_what_is_trained(plain):
    shown = preview(plain, tokenise(plain, DIRECT, reasoning=False, max_length=200))
    assert shown == f"{BOS}{USER}怎么归还客户资料{ASSISTANT}【好的，归还客户资料的步骤是先了解规定，再认真执行。{EOS}】"


def test_reasoning_without_thinking_is_refused(r1):
    with pytest.raises(TrainingError, match="trained on 0 times"):
        tokenise(r1, DIRECT, reasoning=True, max_length=200)


def test_thinking_without_reasoning_is_refused(r1, plain):
    with pytest.raises(TrainingError, match="declares no `reasoning`"):
        tokenise(plain, THINKING, reasoning=False, max_length=200)
    with pytest.raises(TrainingError, match="declares no `reasoning`"):
        tokenise(r1, DIRECT, reasoning=False, max_length=200)


def test_two_beginnings_are_refused(plain):
    plain.chat_template = plain.chat_template.replace("{{ bos_token }}", "{{ bos_token }}{{ bos_token }}")
    with pytest.raises(TrainingError, match="2 beginning-of-text tokens"):
        tokenise(plain, DIRECT, reasoning=False, max_length=200)


def test_an_end_that_would_never_be_trained_is_refused(plain):
    plain.eos_token = None
    with pytest.raises(TrainingError, match="never learn to stop"):
        tokenise(plain, DIRECT, reasoning=False, max_length=200)


def test_padding_with_the_end_of_text_hides_no_end(r1):
    """As the R1 distills have it: labels are made before anything is padded, so the end stays trained."""
    r1.pad_token = r1.eos_token
    tokens = tokenise(r1, THINKING, reasoning=True, max_length=200)
    assert (tokens.input_ids[-1], tokens.completion_mask[-1]) == (r1.eos_token_id, 1)


def test_an_end_inside_the_text_is_refused(plain):
    row = Conversation(DIRECT.messages, "", f"好的{EOS}，归还")
    with pytest.raises(TrainingError, match="text itself holds"):
        tokenise(plain, row, reasoning=False, max_length=200)


def test_long_rows_are_refused_not_cut(r1):
    with pytest.raises(TrainingError, match="max_length is 20"):
        tokenise(r1, THINKING, reasoning=True, max_length=20)


def test_no_rows_is_refused(r1):
    with pytest.raises(TrainingError, match="no training rows"):
        tokenise_all(r1, [], reasoning=True, max_length=20)
