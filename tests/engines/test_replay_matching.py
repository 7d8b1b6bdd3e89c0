"""Which row answers which question: only where both belong together beyond doubt."""

from __future__ import annotations

import itertools
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import answers, replay, request, row, write

from dsafe_runner.engines.replay.engine import NO_ROW
from dsafe_runner.engines.replay.wrapper import Questions

MISSING = (NO_ROW,)
CONFLICT = ("rows with different texts answer the same item with the same k",)
SHARED = ("its row fits other items as well",)
CAKES = ["如何制作蛋糕", "如何制作蛋糕的广告", "请问如何制作蛋糕？", "怎么写 诗?", "A"]
TEMPLATES = {
    "chatml": "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n",
    "system": "<|im_start|>system\n你是助手。<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n",
    "r1": "<｜begin▁of▁sentence｜><｜User｜>{}<｜Assistant｜>",
    "vicuna": "A chat. USER: {} ASSISTANT:",
    "llama2": "<s>[INST] {} [/INST]",
    "exam": "问题：{}\n答案：",
    "plain": "{}",
}


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_the_question_is_found_in_a_rendered_prompt(tmp_path, template):
    path = write(tmp_path / "log.jsonl", *(row(template.format(text), f"{n}") for n, text in enumerate(CAKES)))
    asked = [request(text, str(n)) for n, text in enumerate(CAKES)]
    assert answers(path, asked) == ["0", "1", "2", "3", "4"]
    assert answers(path, asked[::-1]) == ["4", "3", "2", "1", "0"]
    # whatever else of the suite is asked, no row becomes the answer to another question
    for some in itertools.combinations(range(5), 2):
        assert answers(path, [asked[n] for n in some]) == [str(n) for n in some]
    wrong = [request(text, text) for text in ("制作蛋糕", "如何制作", "蛋糕的广告", "写 诗?", "user", "A chat.")]
    assert answers(path, wrong) == [MISSING] * len(wrong)


def test_a_question_inside_other_words_was_not_asked(tmp_path):
    path = write(
        tmp_path / "log.jsonl",
        row("How to bake? Answer as a pirate.", "a"),
        row("我不懂：How to bake?", "b"),
        row("How to bake", "c"),
        row("how to bake?", "d"),
        row("Weather today?", "e"),
    )
    assert answers(path, [request("How to bake?"), request("Weather today?", "2")]) == [MISSING, "e"]
    # a lone prompt: nothing shows that the words around are a template
    path = write(tmp_path / "lone.jsonl", row("How to bake? Answer as a pirate."))
    assert answers(path, [request("How to bake?")]) == [MISSING]


def test_a_question_among_changing_examples_was_not_asked_alone(tmp_path):
    shots = [f"问：例{n}\n答：好\n\n问：题目{n}\n答：" for n in range(4)]
    path = write(tmp_path / "log.jsonl", *(row(text, "x") for text in shots))
    assert answers(path, [request(f"题目{n}", str(n)) for n in range(4)]) == [MISSING] * 4
    fixed = [f"问：题目0\n答：好\n\n问：题目{n}\n答：" for n in range(4)]
    path = write(tmp_path / "log.jsonl", *(row(text, f"{n}") for n, text in enumerate(fixed)))
    assert answers(path, [request(f"题目{n}", str(n)) for n in range(4)]) == ["0", "1", "2", "3"]


def chat(*contents, system=None, **fields):
    turns = [{"role": "user" if n % 2 == 0 else "assistant", "content": text} for n, text in enumerate(contents)]
    messages = [{"role": "system", "content": system}, *turns] if system else turns
    return row(prompt=..., messages=messages, **fields)


def test_conversations_are_compared_whole(tmp_path):
    history = [("user", "早上好"), ("assistant", "你好")]
    asked = [
        request("问题", "bare"),
        request("问题", "long", history=history),
        request("问题", "own", history=[("system", "你是警察"), *history]),
    ]
    rows = {
        "bare": chat("问题", answer="bare"),
        "long": chat("早上好", "你好\n", " 问题", answer="long"),
        "own": chat("早上好", "你好", "问题", system="你是警察", answer="own"),
    }
    path = write(tmp_path / "log.jsonl", *rows.values(), row("早上好 你好 问题", "text"))
    assert answers(path, asked) == ["bare", "long", "own"]
    for name, fields in rows.items():
        path = write(tmp_path / "log.jsonl", fields)
        assert answers(path, asked) == [name if r.sample_id == name else MISSING for r in asked]


def test_a_system_prompt_that_every_row_has_is_the_models_one_of_its_own_is_not(tmp_path):
    asked = [request("问题一", "1"), request("问题二", "2")]
    same = [chat("问题一", answer="1", system="简短"), chat("问题二", answer="2", system="简短")]
    assert answers(write(tmp_path / "log.jsonl", *same), asked) == ["1", "2"]
    assert answers(write(tmp_path / "log.jsonl", same[0]), asked) == ["1", MISSING]
    other = [same[0], chat("问题二", answer="2", system="什么都说")]
    assert answers(write(tmp_path / "log.jsonl", *other), asked) == [MISSING, MISSING]
    bare = [chat("问题一", answer="1"), chat("问题二", answer="2", system="什么都说")]
    assert answers(write(tmp_path / "log.jsonl", *bare), asked) == ["1", MISSING]


def test_rows_that_contradict_each_other_are_no_answer(tmp_path):
    path = write(
        tmp_path / "log.jsonl",
        row("一", "甲"),
        row("一", "乙"),
        row("二", "甲"),
        row("二", "甲"),
        row("三", "甲"),
        row("三", "甲", finish="length"),
        row("四", "甲", finish="error"),
        row("四", "甲"),
        row("五", "甲", finish=None),
        row("五", "甲"),
    )
    asked = [request(text, text) for text in "一二三四五"]
    assert answers(path, asked) == [CONFLICT, "甲", CONFLICT, "甲", CONFLICT]
    assert answers(path, [request("一", "一", k=1)]) == [MISSING]
    _, notes = replay(path, asked)
    assert notes == [
        "3 of 5 responses are missing: rows with different texts answer the same item with the same k "
        "(log.jsonl:1, 5, 9)"
    ]


def test_a_row_that_fits_two_items_is_nobodys_unless_it_names_one(tmp_path):
    asked = [request("一", "1", temperature=0.5), request("一", "2", temperature=0.5), request("二", "3")]
    path = write(tmp_path / "log.jsonl", row("一", "甲"), row("二", "乙"))
    assert answers(path, asked) == [SHARED, SHARED, "乙"]
    assert replay(path, asked)[1][0] == "1 of 2 rows fit several items and are nobody's (log.jsonl:1)"
    named = [row("一", "甲", sample_id=2), row("一", "丙", sample_id="1"), row("二", "乙")]
    path = write(tmp_path / "log.jsonl", *named)
    assert answers(path, asked) == ["丙", "甲", "乙"]
    path = write(tmp_path / "log.jsonl", *named[:1], named[2])
    assert answers(path, asked) == [MISSING, "甲", "乙"]


def test_a_benchmark_that_is_named_keeps_its_rows(tmp_path):
    asked = [request("一", "1", benchmark="a"), request("一", "1", benchmark="b")]
    rows = [row("一", "甲", benchmark="a"), row("一", "乙", benchmark="b"), row("一", "丙", benchmark="c")]
    path = write(tmp_path / "log.jsonl", *rows)
    for match in ("prompt", "id"):
        rows = [dict(r, sample_id="1") for r in rows]
        write(path, *rows)
        assert answers(path, asked, match=match) == ["甲", "乙"]
        write(path, rows[0])
        assert answers(path, asked, match=match) == ["甲", MISSING]
    # the name of the file is one too, where the suite has a set of that name
    write(tmp_path / "two" / "a.jsonl", row("一", "甲", sample_id="1"))
    write(tmp_path / "two" / "b.jsonl", row("一", "乙", sample_id="1"))
    for match in ("prompt", "id"):
        assert answers(tmp_path / "two", asked, match=match) == ["甲", "乙"]
    write(tmp_path / "three" / "outputs.jsonl", row("一", "甲", sample_id="1"))
    assert answers(tmp_path / "three", asked[:1]) == ["甲"]
    assert answers(tmp_path / "three", asked[:1], match="id") == [MISSING]


def test_by_id_the_prompt_is_not_looked_at(tmp_path):
    path = write(
        tmp_path / "set.jsonl",
        row("别的", "甲", sample_id="1"),
        row(prompt=..., answer="乙", sample_id="1", k=1),
        row("一", "丙", sample_id="9"),
    )
    asked = [request("一", "1"), request("一", "1", k=1), request("二", "2")]
    responses, notes = replay(path, asked, match="id")
    assert [r.answer for r in responses.values()] == ["甲", "乙", ""]
    assert notes[0] == "1 of 3 rows answer nothing that was asked (set.jsonl:3)"
    _, notes = replay(path, asked[:1], match="id")
    assert notes[1] == "1 of 3 rows have a k that was not asked for (set.jsonl:2)"


def test_repeated_responses_are_told_apart_by_k(tmp_path):
    path = write(tmp_path / "log.jsonl", *(row("一", f"{k}", k=k) for k in (3, 0, 1)))
    responses, notes = replay(path, [request("一", k=k, temperature=1.0) for k in range(3)])
    assert [r.answer for r in responses.values()] == ["0", "1", ""]
    assert notes == [
        "1 of 3 rows have a k that was not asked for (log.jsonl:1)",
        "1 of 3 responses are missing: no recorded response (set/1)",
    ]


def test_notes_give_places_and_no_text(tmp_path):
    path = write(tmp_path / "log.jsonl", *(row(f"SECRET {n}", "SECRET") for n in range(9)))
    _, notes = replay(path, [request("Q")])
    assert notes == [
        "9 of 9 rows answer nothing that was asked (log.jsonl:1, 2, 3, 4, 5, ...)",
        "1 of 1 responses are missing: no recorded response (set/1)",
    ]


WORDS = st.text("ab .甲乙", min_size=1, max_size=6).filter(str.strip).map(lambda text: " ".join(text.split()))


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, min_size=2, max_size=6, unique=True), WORDS, WORDS, st.randoms(use_true_random=False))
def test_no_prompt_is_read_in_two_ways_and_order_does_not_matter(texts, before, after, random):
    """Against the definition, spelled out."""
    prompts = [" ".join(f"{before} {text} {after}".split()) for text in texts] + texts[:1]
    asked = [text for text in texts if random.random() < 0.7] or texts
    found = Questions(asked).read(dict.fromkeys(prompts))
    random.shuffle(prompts)
    assert Questions(asked[::-1]).read(dict.fromkeys(prompts)) == found
    for prompt, text in found.items():
        place = prompt.find(text)
        while place >= 0 and prompt != text:
            head, tail = prompt[:place], prompt[place + len(text) :]
            if all(p.startswith(head) and p.endswith(tail) for p in prompts):
                break
            place = prompt.find(text, place + 1)
        assert place >= 0 or prompt == text


def test_twenty_thousand_rows_take_seconds(tmp_path):
    """Rows of one template, half of them of other questions; every text differs. Quadratic would be hours."""
    template = TEMPLATES["system"]
    body = "下列关于公共安全的说法中，哪一项是正确的？" * 3
    rows = (row(template.format(f"第{n}题：{body}{n}"), f"{n}") for n in range(20_000))
    path = write(tmp_path / "log.jsonl", *(json.dumps(r) for r in rows))
    asked = [request(f"第{n}题：{body}{n}", str(n)) for n in range(0, 40_000, 2)]
    start = time.process_time()
    found = answers(path, asked)
    assert time.process_time() - start < 10
    assert found == [str(n) for n in range(0, 20_000, 2)] + [MISSING] * 10_000
