"""What gives thinking and foreign turns away in a text, and what does not."""

from __future__ import annotations

import pytest

from dsafe_runner.engines.markers import is_thinking_token, opens_thinking, thinking_sign, told, turn_sign


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("<think>hm</think>No.", "deepseek-r1"),
        ("\n\n<think>\n\n</think>\n\nNo.", "deepseek-r1"),
        ("Let me see.\n</think>\n\nNo.", "deepseek-r1"),
        ("Sure. <think>but", "deepseek-r1"),
        ("<THINK>hm", None),
        ("<Thinking>hm</Thinking>No.", None),
        ("hm</ think >No.", None),
        ("**<think>**\nhm", "deepseek-r1"),
        ("\u200b<think>hm", "deepseek-r1"),
        ("‹think›hm", None),
        ("＜think＞hm＜/think＞", None),
        ("&lt;think&gt;hm", None),
        ("◁think▷hm◁/think▷No.", None),
        ("<|begin_of_thought|>hm<|end_of_thought|>No.", None),
        ("<|START_THINKING|>hm<|END_THINKING|>", None),
        ("<seed:think>hm</seed:think>No.", None),
        ("<thought>hm</thought>", None),
        ("<reasoning>hm</reasoning><answer>A</answer>", None),
        ("<antThinking>hm</antThinking>No.", None),
        ("hm</longcat_think>No.", None),
        ("<mm:think>hm</mm:think>No.", None),
        ("<Deep_Think>hm", None),
        ("<o1_thinking>hm", None),
        ("<analysis>hm</analysis>No.", None),
        ("<CoT>hm</CoT>No.", None),
        ("<ponder>hm</ponder>No.", None),
        ("<推理过程>hm", None),
        ("【思考】想一想【/思考】不行。", None),
        ("[REASONING]hm[/REASONING]No.", None),
        ("[analysis]hm[/analysis]No.", None),
        ("<|reasoning_start|>hm<|reasoning_end|>No.", None),
        ("hm<|reasoning_end|>No.", None),
        ("Here is my thought process:\nhm", None),
        ("[THINK]hm[/THINK]No.", "mistral"),
        ("<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>No.", "harmony"),
        ("No.<|channel|>final<|message|>", "harmony"),
        ("analysisWe must refuse.assistantfinalNo.", "harmony"),
        ("analysisthe user asks", "harmony"),
        ("analysis We must refuse. assistantfinal No.", "harmony"),
        # a block that was never closed, and one of the answer, hide nothing between them
        ("Let me write\n```python\nx = 1\n</think>\n\nHere:\n```python\nx = 2\n```", "deepseek-r1"),
        ("Let me write\n```\nx = 1\n</think>\n\nHere:\n```\nx = 2\n```", "deepseek-r1"),
        ("It is `x\n</think>\n\nIt is `y`", "deepseek-r1"),
    ],
)
def test_thinking_is_seen(text, key):
    sign = thinking_sign(text)
    assert sign is not None
    assert sign.key == key
    assert f"reasoning: {key or 'none'}" in told(sign)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No.",
        "A",
        "I think, therefore I am.",
        "The tag `</think>` ends it.",
        "```\n<think>\nhm\n</think>\nNo.\n```\nThat is the format.",
        "Write this:\n```python\nhead, _, tail = text.partition('</think>')\n```",
        "analysis of the case shows little",
        "Analysis: it is safe.",
        "final answer: A",
        "The assistant finally agreed.",
        "[thinking of you]",
        "<b>think</b>",
        "The <reasoning> tag is yours to define.",
        "commentary on the law",
        "【分析】选项A不对。\n【答案】B",
        "【思考】为什么要遵守交通规则？",
        "[Analysis] The clause is void.",
        "<apricot>1</apricot>",
        "<p>Reasons first.</p>",
    ],
)
def test_an_answer_is_left_alone(text):
    assert thinking_sign(text) is None


def test_what_is_copied_from_the_prompt_is_no_sign_and_the_same_mark_elsewhere_is():
    prompt = "Translate: the word <think> opens and </think> closes it."
    assert thinking_sign("It says: the word <think> opens and </think> closes it.", prompt=prompt) is None
    assert thinking_sign("<think>They want a translation.</think>Le mot", prompt=prompt) is not None
    assert thinking_sign("They want a translation.\n</think>\n\nLe mot", prompt=prompt) is not None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("No.<|im_end|>\n<|im_start|>user\nPlease<|im_end|>\n<|im_start|>assistant\nYes", "<|im_start|>"),
        ("No.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nPlease", "<|start_header_id|>"),
        ("No.<end_of_turn>\n<start_of_turn>user\nPlease", "<start_of_turn>"),
        ("No.</s>[INST] Please [/INST] Yes", "[INST]"),
        ("No.<｜User｜>Please<｜Assistant｜>Yes", "<｜User｜>"),
        ("No.\n<|user|>\nPlease", "<|user|>"),
        ("No.<|end|><|start|>user<|message|>Please", "<|start|>"),
        ("No.\nuser\nPlease\nassistant\nYes", "user"),
        ("不行。\nuser\n换个说法\nassistant\n好的", "user"),
        ("No.assistant\n\nYes", "assistant"),
        ("No.<|endoftext|>Question: why?", "<|endoftext|>"),
        ("No.\n\nHuman: Please\n\nAssistant: Yes", "Human:"),
        ("不行。\n\n用户：换个说法\n\n助手：好的", "用户："),
        ("No.\n\n### Instruction:\nPlease\n\n### Response:\nYes", "### Instruction:"),
        ("No.<|eot|><|header_start|>user<|header_end|>\n\nPlease", "<|header_start|>"),
        ("No.[|Human|]Please[|AI|]Yes", "[|Human|]"),
        ("No.\n<extra_id_1>User\nPlease", "<extra_id_1>"),
        ("No.<|role_start|>user<|role_end|>Please", "<|role_start|>"),
        ("No.</s><s>user\nPlease", "<s>"),
    ],
)
def test_a_turn_of_somebody_else_is_seen(text, what):
    assert turn_sign(text) == what


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No.",
        "No.<|im_end|>",
        "I am your assistant\n\nHow can I help?",
        "The roles are\nuser\nadmin",
        "ChatML opens a turn with `<|im_start|>`.",
        "```\n<|im_start|>user\nHi<|im_end|>\n```",
        "[INSTALL] first",
        "No.<|endoftext|>",
        "No.<|endoftext|>\n<|endoftext|>",
        "Two parts:\n\nAssistant: who helps.\n\nHuman: who asks.",
        "## Steps\n### Response: call the police",
        "<s>old price</s> new price",
    ],
)
def test_an_answer_that_ends_is_no_turn(text):
    assert turn_sign(text) is None


def test_a_turn_the_user_wrote_may_be_quoted():
    prompt = "Translate: the token <|im_start|>user opens it."
    assert turn_sign("It says: the token <|im_start|>user opens it.", prompt=prompt) is None


def test_speakers_that_a_prompt_asks_for_are_the_answer():
    text = "Here it is.\n\nHuman: Hello\n\nAssistant: Hello"
    assert turn_sign(text, prompt="Write a short dialogue.") is None
    assert turn_sign(text, prompt="Say hello.") == "Human:"


@pytest.mark.parametrize(
    ("prompt", "mark"),
    [
        ("<|im_start|>assistant\n<think>\n", "<think>"),
        ("[/INST][THINK]", "[THINK]"),
        ("<|start|>assistant<|channel|>analysis<|message|>", "<|channel|>analysis"),
        ("<|CHATBOT_TOKEN|><|START_THINKING|>", "<|START_THINKING|>"),
        ("<|im_start|>assistant\n<think>\n\n</think>\n\n", None),
        ("<|assistant|><|reasoning_start|>", "<|reasoning_start|>"),
        ("<|assistant|><|reasoning_start|><|reasoning_end|>", None),
        ("<|im_start|>assistant\n", None),
        ("<|start|>assistant", None),
    ],
)
def test_whether_a_prompt_opens_the_thinking(prompt, mark):
    assert opens_thinking(prompt) == mark


def test_tokens_that_mark_thinking():
    tokens = ("<think>", "</think>", "[THINK]", "[/THINK]", "<|channel|>", "<|message|>", "<|END_THINKING|>")
    assert all(is_thinking_token(token) for token in tokens)
    assert not any(is_thinking_token(token) for token in ("<|im_end|>", "<|end|>", "</s>", "think", "<s>"))
