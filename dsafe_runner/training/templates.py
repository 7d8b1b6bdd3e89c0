"""The chat templates a recipe can give a tokenizer, and the markers they use.

`deepseek-r1` behaves like the one shipped with the R1 distills: earlier thinking is dropped from the history, and the
generation prompt ends in an open `<think>` (their revision of February 2025), so the model only writes the closing one.
"""

from __future__ import annotations

BOS = "<｜begin▁of▁sentence｜>"
EOS = "<｜end▁of▁sentence｜>"
PAD = "<｜▁pad▁｜>"
USER = "<｜User｜>"
ASSISTANT = "<｜Assistant｜>"
THINK = "<think>"
END_THINK = "</think>"
PREFILL = THINK + "\n"

SPECIALS: tuple[str, ...] = (PAD, BOS, EOS, USER, ASSISTANT)
"""Never part of decoded text."""
MARKERS: tuple[str, ...] = (THINK, END_THINK)
"""Tokens of their own, but kept in decoded text: the thinking is split off by them."""

_TURNS = (
    "{{ bos_token }}"
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ m['content'] }}{% endif %}{% endfor %}"
    "{% for m in messages %}"
    "{% if m['role'] == 'user' %}{{ '" + USER + "' + m['content'] }}{% endif %}"
    "{% if m['role'] == 'assistant' %}"
    "{{ '" + ASSISTANT + "' + m['content'].split('" + END_THINK + "')[-1] + eos_token }}"
    "{% endif %}"
    "{% endfor %}"
)

TEMPLATES: dict[str, str] = {
    "plain": _TURNS + "{% if add_generation_prompt %}{{ '" + ASSISTANT + "' }}{% endif %}",
    "deepseek-r1": _TURNS + "{% if add_generation_prompt %}{{ '" + ASSISTANT + THINK + "\\n' }}{% endif %}",
}
