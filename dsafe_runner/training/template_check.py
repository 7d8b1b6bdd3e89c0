"""Whether a tokenizer's chat template does what training counts on, told by what it renders, not by how it is written.

Traps of the R1 templates this is for: earlier thinking is dropped from the history (it must be: that is how the model
is served), the reply's own thinking is dropped too when a whole conversation is rendered (so it never is), and
revisions before February 2025 do not open `<think>`.
"""

from __future__ import annotations

from typing import Any

from dsafe_runner.errors import TrainingError
from dsafe_runner.records import Message, message_list
from dsafe_runner.training.templates import ASSISTANT, END_THINK, PREFILL, TEMPLATES, THINK, USER
from dsafe_runner.training.tokenise import render_prompt

_PROBE = (Message("user", "一"), Message("assistant", f"想\n{END_THINK}\n\n二"), Message("user", "三"))
_SYSTEM = Message("system", "四")


def check_template(tokenizer: Any, reasoning: str | None) -> None:
    """TrainingError: the template is not one that rows can be rendered with, and what to do about it.

    reasoning  "deepseek-r1": the format must be exactly that of the R1 distills. None: the reply must follow the prompt
               and be ended by the end-of-text token, in whatever format.
    """
    _refuse_dates(tokenizer)
    if reasoning is None:
        _check_plain(tokenizer)
        return
    bos, eos = tokenizer.bos_token or "", tokenizer.eos_token
    turns = f"{USER}一{ASSISTANT}\n\n二{eos}{USER}三{ASSISTANT}{PREFILL}"
    for messages, wanted in ((_PROBE, f"{bos}{turns}"), ((_SYSTEM, *_PROBE), f"{bos}四{turns}")):
        found = _rendered(tokenizer, messages)
        if found == wanted.removesuffix(PREFILL):
            raise TrainingError(
                "the chat template does not open <think>: it is the one from before February 2025, and a model trained "
                "with it starts its replies wrongly where the new one is served; say `template: deepseek-r1`"
            )
        if found != wanted:
            raise TrainingError(
                f"unknown chat template: a probe is rendered as {found!r}, deepseek-r1 gives {wanted!r}; take a "
                "DeepSeek-R1 distill as the start, or say `template: deepseek-r1`"
            )


def check_named(tokenizer: Any, name: str) -> None:
    """TrainingError: a template of ours writes markers that are not single tokens of this tokenizer."""
    markers = [USER, ASSISTANT, *((THINK, END_THINK) if PREFILL in TEMPLATES[name].replace("\\n", "\n") else ())]
    split = [m for m in markers if len(tokenizer(m, add_special_tokens=False)["input_ids"]) != 1]
    if split:
        raise TrainingError(
            f"template: {name} writes {', '.join(split)}, which this tokenizer reads as several tokens: no turn would "
            "have a marker of its own; leave `template` out to keep the start's own, or take a start that has them"
        )


def _refuse_dates(tokenizer: Any) -> None:
    """TrainingError: prompts would hold the day they were trained on."""
    days = []
    for day in ("第一天", "第二天"):
        try:
            probe = message_list(_PROBE[:1])
            days.append(
                tokenizer.apply_chat_template(
                    probe, add_generation_prompt=True, tokenize=False, strftime_now=lambda _, day=day: day
                )
            )
        except Exception:  # it cannot render a probe: said where that is checked
            return
    if days[0] != days[1]:
        raise TrainingError(
            "the chat template writes the date of the day into every prompt: the model would be trained on prompts it "
            "is never served with; give the start a template with a fixed date, or none"
        )


def _check_plain(tokenizer: Any) -> None:
    asked, reply = Message("user", "一"), Message("assistant", "二")
    prompt = _rendered(tokenizer, (asked,))
    whole = tokenizer.apply_chat_template(message_list((asked, reply)), tokenize=False)
    if not whole.startswith(prompt + "二" + tokenizer.eos_token):
        raise TrainingError(
            f"unknown chat template: a reply is rendered as {whole!r}, which is not the prompt {prompt!r}, the reply "
            f"and {tokenizer.eos_token}; say `template: plain`, or take a model whose template ends replies so"
        )


def _rendered(tokenizer: Any, messages: tuple[Message, ...]) -> str:
    try:
        return render_prompt(tokenizer, messages)
    except Exception as error:  # a template is a program of the checkpoint's: it may raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise TrainingError(f"unknown chat template: it cannot render a probe ({reason}); say `template:`") from error
