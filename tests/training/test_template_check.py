"""Templates are told by what they render, and the prompt trained on is the one that is served."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from dsafe_runner.engines.prompts import Prompts
from dsafe_runner.errors import TrainingError
from dsafe_runner.records import Message, Request, Sampling
from dsafe_runner.training.template_check import check_template
from dsafe_runner.training.templates import PREFILL, TEMPLATES
from dsafe_runner.training.tokenise import Conversation, tokenise

CHATML = (
    "{% for m in messages %}{{ '<s>' + m['role'] + '\n' + m['content'] + eos_token + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<s>assistant\n' }}{% endif %}"
)
MULTI = (
    Message("system", "你是助手"),
    Message("user", "一"),
    Message("assistant", "想\n</think>\n\n二"),
    Message("user", "三"),
)


def shipped_r1():
    """The template the R1 distills come with, as TRL carries it for recognising them."""
    spec = importlib.util.find_spec("trl")
    if spec is None or spec.origin is None:
        pytest.skip("TRL carries the template: pip install 'dsafe-runner[train]'")
    return (Path(spec.origin).parent / "chat_templates" / "deepseek_r1_distill.jinja").read_text(encoding="utf-8")


def test_ours_and_the_shipped_r1_template_are_known(r1):
    check_template(r1, "deepseek-r1")
    r1.chat_template = shipped_r1()
    check_template(r1, "deepseek-r1")


@pytest.mark.parametrize("template", ["ours", "shipped"])
def test_the_trained_prompt_is_the_served_one_token_by_token(r1, template):
    if template == "shipped":
        r1.chat_template = shipped_r1()
    served = Prompts(
        r1, context=500, vocabulary=len(r1), system_prompt=None, template_kwargs={}, reasoning="deepseek-r1"
    )
    for messages in (MULTI, MULTI[1:], MULTI[-1:]):
        (ready,) = served.prepare([Request("k", "s", 0, messages, Sampling(), 0)])
        tokens = tokenise(r1, Conversation(messages, "想", "答"), reasoning=True, max_length=500)
        start = tokens.completion_mask.index(1)
        assert tokens.input_ids[:start] == ready.ids
        assert "想" not in r1.decode(ready.ids)  # earlier thinking is dropped, as when serving


def test_the_template_from_before_february_2025_is_refused(r1):
    r1.chat_template = shipped_r1().replace("<｜Assistant｜><think>\\n'}}{% endif %}", "<｜Assistant｜>'}}{% endif %}")
    with pytest.raises(TrainingError, match="does not open <think>"):
        check_template(r1, "deepseek-r1")


@pytest.mark.parametrize(
    "template",
    [
        CHATML,
        TEMPLATES["deepseek-r1"].replace(".split('</think>')[-1]", ""),
        "{{ bos_token }}" + TEMPLATES["deepseek-r1"],
        TEMPLATES["deepseek-r1"].replace("{% if m['role'] == 'system' %}", "{% if false %}"),
        "{{ raise_exception('no') }}",
    ],
)
def test_other_templates_are_unknown_where_reasoning_is_declared(r1, template):
    r1.chat_template = template
    with pytest.raises(TrainingError, match="unknown chat template"):
        check_template(r1, "deepseek-r1")


def test_without_reasoning_a_reply_must_follow_its_prompt_and_end(plain):
    check_template(plain, None)
    plain.chat_template = CHATML
    check_template(plain, None)
    for broken in (CHATML.replace("<s>assistant", "<s>model"), CHATML.replace("eos_token", "'</s>'")):
        plain.chat_template = broken
        with pytest.raises(TrainingError, match="unknown chat template"):
            check_template(plain, None)


def test_prefill_is_what_the_r1_prompt_ends_with():
    assert TEMPLATES["deepseek-r1"].replace("\\n", "\n").count(PREFILL) == 1
