"""Markers in the text of a row, in any turn: refused with file and row, and only they."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from tokenizers import AddedToken

from dsafe_runner.errors import TrainingError
from dsafe_runner.records import Message
from dsafe_runner.training.template_check import check_named, check_template
from dsafe_runner.training.templates import ASSISTANT, EOS, PAD, USER
from dsafe_runner.training.tokenise import Conversation, tokenise, tokenise_all

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
ASKED = Message("user", "今天适合散步吗")


@pytest.fixture
def chatml(plain):
    """ChatML markers, one of them special, and an ordinary added token."""
    plain.add_tokens([AddedToken("<|im_start|>", special=False), AddedToken("<table>", special=False)])
    plain.add_special_tokens({"eos_token": "<|im_end|>"})
    plain.bos_token = None
    plain.chat_template = CHATML
    return plain


def rows(place: str, marker: str) -> Conversation:
    """A row with thinking and three turns before the last one, the marker in one of its texts."""
    texts = dict.fromkeys(("system", "first", "reply", "last", "thinking", "answer"), "一二三")
    texts[place] += f"{marker}四"
    turns = (
        Message("system", texts["system"]),
        Message("user", texts["first"]),
        Message("assistant", texts["reply"]),
        Message("user", texts["last"]),
    )
    return Conversation(turns, texts["thinking"], texts["answer"], id="r9", where="ours.jsonl:9")


@pytest.mark.parametrize("place", ["system", "first", "reply", "last", "thinking", "answer"])
@pytest.mark.parametrize("marker", [USER, ASSISTANT, EOS, PAD, "<think>", "<|im_start|>", "<｜tool▁sep｜>"])
def test_a_marker_is_refused_in_every_text(r1, place, marker):
    with pytest.raises(TrainingError, match=r"ours\.jsonl:9 \(r9\): the text itself holds ") as error:
        tokenise(r1, rows(place, marker), reasoning=True, max_length=500)
    assert marker in str(error.value)


@pytest.mark.parametrize("place", ["system", "first", "last", "answer"])
def test_a_chatml_marker_that_is_no_special_token_is_refused(chatml, place):
    for marker in ("<|im_start|>user\n", "<|im_end|>"):
        row = rows(place, marker)
        bare = Conversation(row.messages, "", row.answer, id=row.id, where=row.where)
        with pytest.raises(TrainingError, match=r"ours\.jsonl:9 \(r9\): the text itself holds <\|im_"):
            tokenise(chatml, bare, reasoning=False, max_length=500)


def test_markers_a_template_writes_as_plain_text_are_refused_too(plain):
    plain.chat_template = plain.chat_template.replace("<｜User｜>", "[INST]").replace("<｜Assistant｜>", "[/INST]")
    for marker in ("[INST]", "[/INST]"):
        with pytest.raises(TrainingError, match="the text itself holds"):
            tokenise(plain, Conversation((ASKED,), "", f"好{marker}的"), reasoning=False, max_length=99)
    tokenise(plain, Conversation((ASKED,), "", "数组[A]和[IN]的值"), reasoning=False, max_length=99)


def test_an_ordinary_added_token_and_signs_train(chatml, r1):
    row = Conversation((ASKED,), "", "<table>a <| b |> c < d > [1] <b> f</table> 〈答〉")
    assert tokenise(chatml, row, reasoning=False, max_length=500).input_ids
    r1.add_tokens([AddedToken("<table>", special=False)])
    thinking = Conversation((ASKED,), "x < 3 且 y > 2", "<table>好</table>")
    made = tokenise(r1, thinking, reasoning=True, max_length=500)
    assert r1.convert_tokens_to_ids("<table>") in made.input_ids


def test_earlier_thinking_may_stand_in_the_history(r1):
    turns = (ASKED, Message("assistant", "<think>\n想\n</think>\n\n适合"), ASKED)
    assert tokenise(r1, Conversation(turns, "想", "适合"), reasoning=True, max_length=500).input_ids


def test_one_bad_row_among_many_is_the_one_named(r1):
    good = [Conversation((ASKED,), "想", "适合", where=f"ours.jsonl:{n}") for n in range(1, 8)]
    bad = Conversation((ASKED,), "<think>想", "适合", where="ours.jsonl:8")
    with pytest.raises(TrainingError, match=r"ours\.jsonl:8: the text itself holds <think> \(thinking\)"):
        tokenise_all(r1, [*good, bad], reasoning=True, max_length=500)


def test_a_template_by_name_needs_its_markers_as_tokens(r1):
    check_named(r1, "deepseek-r1")
    check_named(r1, "plain")
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = {letter: n for n, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    bare = Tokenizer(models.BPE(vocab=alphabet, merges=[]))
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    other = PreTrainedTokenizerFast(tokenizer_object=bare)
    with pytest.raises(TrainingError, match=r"plain writes <｜User｜>, <｜Assistant｜>, which this tokenizer"):
        check_named(other, "plain")
    with pytest.raises(TrainingError, match=r"<think>, </think>, which this tokenizer reads as several tokens"):
        check_named(other, "deepseek-r1")


def test_a_template_that_writes_the_date_is_refused(plain):
    check_template(plain, None)
    dated = "{% if strftime_now is defined %}{{ strftime_now('%d %b %Y') }}{% endif %}"
    plain.chat_template = dated + plain.chat_template
    with pytest.raises(TrainingError, match="date of the day"):
        check_template(plain, None)
    plain.chat_template = plain.chat_template.replace("strftime_now is defined", "date_string is defined")
    check_template(plain, None)


def test_the_command_names_file_and_row(write_recipe, tmp_path):
    lines = [
        {"messages": [{"role": "user", "content": f"问{n}"}], "thinking": "想", "answer": f"答{USER if n == 2 else ''}"}
        for n in range(4)
    ]
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    (tmp_path / "ours.jsonl").write_text(text, encoding="utf-8")
    data = {"use": "mixture", "sources": [{"path": "./ours.jsonl", "kind": "safety"}], "near_duplicates": None}
    recipe = write_recipe(data=[data])
    done = subprocess.run(
        [sys.executable, "-m", "dsafe_runner", "train", str(recipe), "--preview"],
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        timeout=200,
    )
    assert done.returncode == 4
    assert "./ours.jsonl:3: the text itself holds <｜User｜> (answer)" in done.stderr
