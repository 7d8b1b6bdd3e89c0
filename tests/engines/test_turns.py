"""A text ends where the turn ends by the chat template, whatever the configs of the checkpoint say."""

from __future__ import annotations

import pytest
from tiny_qwen2 import CHATML, R1, ask, build, engine_spec, say
from transformers import AutoTokenizer

from dsafe_runner.engines.backends import make_engine
from dsafe_runner.engines.limits import turn_tokens
from dsafe_runner.errors import EngineError

HARMONY = (
    "{% for m in messages %}<|start|>{{ m['role'] }}{% if m['role'] == 'assistant' %}<|channel|>final{% endif %}"
    "<|message|>{{ m['content'] }}<|end|>{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)


def reply(model, **fields):
    with make_engine(model.spec(**fields), engine_spec()) as engine:
        (response,) = engine.generate([ask("hello")])
    return response


@pytest.mark.parametrize(
    "spoken",
    [
        ("A", "<|im_end|>", "<|im_start|>", "B", "<|end|>"),  # the template's end of turn, which no config names
        ("A", "<|im_start|>", "B", "<|end|>"),  # straight on with somebody else's turn
    ],
)
def test_a_model_that_goes_on_and_plays_the_user_is_ended_at_its_own_turn(tmp_path, spoken):
    model = build(tmp_path)
    say(model, *spoken, eos=[0])
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    tokenizer.eos_token = "<|end|>"
    tokenizer.save_pretrained(tmp_path)
    response = reply(model)
    assert (response.answer, response.finish, response.completion_tokens) == ("A", "stop", 2)


def test_marks_of_thinking_are_heard_though_the_tokenizer_calls_them_special(tmp_path):
    model = build(tmp_path, think_special=True)
    say(model, "<think>", "A", "</think>", "B", "<|end|>", eos=[0])
    assert reply(model).answer == "<think>A</think>B"
    declared = reply(model, reasoning="qwen3")
    assert (declared.thinking, declared.answer) == ("A", "B")


@pytest.mark.parametrize(("template", "tokens"), [(CHATML, {1, 2}), (R1, {3, 4})])
def test_tokens_that_end_a_turn_come_from_the_template(tmp_path, template, tokens):
    build(tmp_path, template=template)
    assert turn_tokens(AutoTokenizer.from_pretrained(tmp_path), {}) == tokens


def test_no_token_ends_a_turn_where_the_template_does_not_tell(tmp_path):
    build(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    for template in (
        "{{ raise_exception('no') }}",
        "{{ messages[0]['content'] }}",
        "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}",
    ):
        tokenizer.chat_template = template
        assert turn_tokens(tokenizer, {}) == frozenset()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|start|>", "<|channel|>", "<|message|>"]})
    tokenizer.chat_template = HARMONY  # `<|end|>` ends a message, and a turn is several
    assert turn_tokens(tokenizer, {}) == frozenset()


@pytest.mark.parametrize(
    "text", ['{"eos_token_id": [0, 2', "[]", '{"eos_token_id": "<|im_end|>"}', '{"eos_token_id": [-1]}']
)
def test_an_end_that_cannot_be_read_is_an_error(tmp_path, text):
    model = build(tmp_path)
    (tmp_path / "generation_config.json").write_text(text)
    with pytest.raises(EngineError, match=r"generation_config\.json (cannot be read|does not say)"):
        make_engine(model.spec(), engine_spec()).__enter__()


def test_a_checkpoint_needs_no_generation_config(tmp_path):
    model = build(tmp_path)
    (tmp_path / "generation_config.json").unlink()
    assert reply(model).finish in ("stop", "length")
