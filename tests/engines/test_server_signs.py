"""What servers show beside a text: such answers are missing, and a model that has no others is an error."""

from __future__ import annotations

import pytest
from served import ChatServer, answers, engine_spec, model_spec, question

from dsafe_runner.engines.backends import make_engine
from dsafe_runner.engines.openai.watch import least_tokens
from dsafe_runner.errors import EngineError

R1 = "deepseek-r1"
TEXT = "抱歉，我不能帮助你。"


@pytest.fixture(scope="module")
def running():
    with ChatServer("--keep") as server:
        yield server


@pytest.fixture
def server(running):
    running.rules()
    running.reset()
    return running


def engine(*servers, model=None, **more):
    return make_engine(model_spec(**(model or {})), engine_spec(*servers, **{"max_attempts": 1, **more}))


def rule(**fields):
    return {"reply": TEXT, **fields}


FILTER = {"hate": {"filtered": False, "severity": "safe"}, "violence": {"filtered": True, "severity": "high"}}
CLEAN = {"hate": {"filtered": False, "severity": "safe"}, "jailbreak": {"filtered": False, "detected": True}}
CALL = [{"id": "c1", "type": "function", "function": {"name": "search", "arguments": "{}"}}]

SIGNS = [
    (rule(choice={"stop_reason": "Question:"}), "a stop string of the server"),
    (rule(choice={"stop_reason": "\n\n"}), "a stop string of the server"),
    (rule(choice={"matched_stop": "用户："}), "a stop string of the server"),
    (rule(choice={"native_finish_reason": "stop_sequence"}), "a stop string of the server"),
    (rule(choice={"finish_details": {"type": "stop", "stop": "###"}}), "a stop string of the server"),
    (rule(also={"stop_type": "word", "stopping_word": "User:"}), "a stop string of the server"),
    (rule(choice={"stop_reason": "<|user|>"}), "a stop string of the server"),
    ({"message": {"content": TEXT, "tool_calls": CALL}}, "calls a tool"),
    ({"message": {"content": TEXT, "function_call": {"name": "f"}}}, "calls a tool"),
    ({"message": {"content": TEXT, "refusal": "I cannot."}}, "in a field of its own"),
    ({"message": {"content": None, "refusal": "I cannot."}}, "in a field of its own"),
    (rule(also={"error": {"message": "overloaded", "code": 502}}), "an answer with an error beside it: overloaded"),
    (rule(choice={"error": {"message": "upstream"}}), "an answer with an error beside it: upstream"),
    (rule(also={"object": "error", "message": "half"}), "an answer with an error beside it: half"),
    (rule(finish="content_filter"), "content filter"),
    (rule(finish="content_filter: SAFETY"), "content filter"),
    (rule(choice={"content_filter_results": FILTER}), "content filter"),
    (rule(also={"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": FILTER}]}), "content filter"),
    (rule(also={"prompt_annotations": [{"content_filter_result": FILTER}]}), "content filter"),
    (rule(also={"promptFeedback": {"blockReason": "SAFETY"}}), "content filter"),
    (rule(also={"content_filter": [{"role": "assistant", "level": 0}]}), "content filter"),
    (rule(also={"input_sensitive": True}), "content filter"),
    (rule(also={"choices": []}), "an answer with 0 choices"),
    (rule(finish="eos_maybe"), "neither stop nor length"),
    (rule(finish=None), "finish_reason null"),
    ({"message": {"content": None}, "choice": {"logprobs": {"content": []}}}, "holds no text"),
    ({"message": {"content": ""}}, "empty, though the server counts tokens"),
    ({"message": {"content": None}}, "holds no text"),
]


@pytest.mark.parametrize("number", range(len(SIGNS)))
def test_an_answer_with_a_sign_is_missing(server, number):
    told, says = SIGNS[number]
    server.rules({"contains": "谁", **told})
    with engine(server) as asking:
        good, bad = answers(asking, [question("好"), question("你是谁？")]).values()
    assert (bad.finish, bad.answer) == ("error", "")
    assert says in bad.error
    assert good.finish == "stop"


PATIENT = (11, 12, 13, 22, 24)
"""Of signs that may pass: at the start such a server is asked again for a quarter of a minute. One stands for all of
them in the fast tests."""


@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=pytest.mark.slow if n in PATIENT[1:] else ()) for n in range(len(SIGNS))]
)
def test_a_model_that_has_no_other_answers_is_an_error(server, number):
    told, says = SIGNS[number]
    with engine(server) as asking:
        server.rules({"contains": "", **told})
        got = []
        with pytest.raises(EngineError, match="answers of served-model can be used"):
            got.extend(asking.generate([question(f"问题{i}") for i in range(300)]))
        assert got == [], "nothing was an answer"
        assert server.log()["asked"] < 100
        with pytest.raises(EngineError):
            list(asking.generate([question(f"问题{i}") for i in range(4)]))
        assert len(list(asking.generate([question("只有一个")]))) == 1
    with pytest.raises(EngineError) as ended, engine(server):
        pass
    assert says.split(":")[0] in str(ended.value), "and at the start"


ORDINARY = [
    rule(choice={"stop_reason": None}),
    rule(choice={"stop_reason": 151645}),
    rule(choice={"stop_reason": "<|im_end|>"}),
    rule(choice={"matched_stop": 2}),
    rule(choice={"matched_stop": "</s>"}),
    rule(choice={"stop_reason": "end_turn"}),
    rule(choice={"native_finish_reason": "STOP"}),
    rule(choice={"stop_reason": "<｜end▁of▁sentence｜>"}),
    rule(also={"error": None}),
    rule(also={"stop_type": "eos", "stopping_word": ""}),
    rule(choice={"content_filter_results": CLEAN}),
    rule(also={"prompt_filter_results": [{"prompt_index": 0}]}),
    {"message": {"content": TEXT, "refusal": None, "tool_calls": [], "function_call": None}},
    {"message": {"content": TEXT, "tool_calls": None, "reasoning": None, "reasoning_details": [], "thinking": ""}},
    rule(also={"usage": None}),
    rule(usage={"completion_tokens": 0}),
]


def test_what_ordinary_servers_say_is_no_sign(server):
    server.rules(*({"contains": f"<{i}>", **told} for i, told in enumerate(ORDINARY)))
    with engine(server) as asking:
        got = answers(asking, [question(f"<{i}>") for i in range(len(ORDINARY))]).values()
    assert [(r.finish, r.answer) for r in got] == [("stop", TEXT)] * len(ORDINARY)


def test_a_model_that_says_nothing_says_nothing(server):
    server.rules({"contains": "谁", "message": {"content": ""}, "usage": {"completion_tokens": 1}})
    with engine(server) as asking:
        (response,) = asking.generate([question("谁")])
    assert (response.finish, response.answer) == ("stop", "")


def test_stop_strings_that_the_suite_asks_for_are_its_own(server):
    server.rules({"contains": "谁", **rule(choice={"stop_reason": "###"})})
    with engine(server, extra_body={"stop": ["###"]}) as asking:
        (response,) = asking.generate([question("谁")])
    assert response.answer == TEXT


PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "想"}]}, {"type": "text", "text": "答"}]
THOUGHTS = [
    ({"content": "答", "reasoning_details": [{"type": "reasoning.text", "text": "想"}]}, "想"),
    ({"content": "答", "reasoning_details": [{"type": "reasoning.summary", "summary": "想"}]}, "想"),
    ({"content": "答", "reasoning": "想", "reasoning_details": [{"type": "reasoning.text", "text": "旧"}]}, "想"),
    ({"content": "答", "thinking": "想"}, "想"),
    ({"content": "答", "reasoning_content": [{"type": "text", "text": "想"}]}, "想"),
    ({"content": "答", "thinking_blocks": [{"type": "thinking", "thinking": "想", "signature": "x"}]}, "想"),
    ({"content": "答", "provider_specific_fields": {"reasoning_content": "想"}}, "想"),
    ({"content": PARTS}, "想"),
    ({"content": "答", "reasoning_details": [{"type": "reasoning.encrypted", "data": "xx"}]}, None),
]


def test_thinking_is_found_in_every_field(server):
    server.rules(*({"contains": f"<{i}>", "message": message} for i, (message, _) in enumerate(THOUGHTS)))
    with engine(server, model={"reasoning": R1}) as asking:
        got = answers(asking, [question(f"<{i}>") for i in range(len(THOUGHTS))]).values()
    assert [(r.answer, r.thinking, r.finish) for r in got] == [("答", thought, "stop") for _, thought in THOUGHTS]


@pytest.mark.parametrize("number", range(len(THOUGHTS)))
def test_thinking_in_any_field_must_be_declared(server, number):
    server.rules({"contains": "", "message": THOUGHTS[number][0]})
    with pytest.raises(EngineError, match="reasoning"), engine(server):
        pass


LONG = "请阅读下面的材料，然后回答最后的问题。" + "这里有一段很长的材料，说的是一座城市的历史。" * 40


def test_a_prompt_that_was_cut_is_missing(server):
    server.rules({"contains": LONG, **rule(usage={"prompt_tokens": 40})})
    with engine(server) as asking:
        good, bad = answers(asking, [question(LONG[:-1]), question(LONG)]).values()
        assert good.finish == "stop"
        assert "read only a part of the prompt" in bad.error
        server.rules(
            {"contains": LONG, **rule(usage={"prompt_tokens": 40, "prompt_tokens_details": {"cached_tokens": 400}})}
        )
        (cached,) = asking.generate([question(LONG)])
        assert cached.finish == "stop"
        server.rules({"contains": "short", **rule(usage={"prompt_tokens": 1})})
        (short,) = asking.generate([question("short: what is your name?")])
        assert short.finish == "stop", "of a few words nothing can be said"


def test_a_server_that_cuts_every_long_prompt_is_an_error_at_the_start():
    with ChatServer("--reads", "64") as cuts, pytest.raises(EngineError, match="read only a part"), engine(cuts):
        pass
    with ChatServer("--reads", "1024") as reads_all, engine(reads_all) as asking:
        assert asking.describe()["warnings"] == []


def test_a_server_that_counts_nothing_is_told():
    with ChatServer("--counts-nothing") as server, engine(server) as asking:
        assert "whether it cuts long prompts cannot be seen" in asking.describe()["warnings"][0]
        (response,) = asking.generate([question(LONG)])
    assert response.finish == "stop"


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("", 0, 0),
        ("one two  three, four.", 4, 4),
        ("这是一个句子", 2, 2),
        ("word 中文字 word", 3, 3),
        ("x" * 999, 1, 1),
    ],
)
def test_the_least_a_prompt_can_be(text, least, most):
    assert least <= least_tokens([{"role": "user", "content": text}]) <= most


def test_a_cache_that_hands_out_one_answer(server):
    copy = {"id": "chatcmpl-7f", "created": 1_790_000_000}
    server.rules({"contains": "谁", **rule(also=copy)})
    with engine(server, concurrency=1) as asking:
        got = answers(asking, [question(f"谁{i}") for i in range(6)])
    assert [r.finish for r in got.values()] == ["stop"] + 5 * ["error"]
    assert "is a copy of one to another request" in list(got.values())[1].error


def test_ids_that_different_texts_share_say_nothing(server):
    naive = {"id": "chatcmpl-0", "created": 1_790_000_000}
    server.rules({"contains": "甲", **rule(also=naive)}, {"contains": "乙", "reply": "好的。", "also": naive})
    with engine(server, concurrency=1) as asking:
        got = answers(asking, [question("甲1"), question("乙1"), question("甲2"), question("乙2")])
    assert {r.finish for r in got.values()} == {"stop"}


def test_one_text_for_all_prompts_is_told(server):
    server.rules({"contains": "问题", "reply": TEXT})
    with engine(server) as asking:
        list(asking.generate([question(f"问题{i}") for i in range(12)]))
        assert "12 different prompts all got the same text" in asking.notes()[0]
        list(asking.generate([*(question(f"问题{i}") for i in range(12)), question("别的")]))
        assert asking.notes() == []


@pytest.mark.parametrize("name", ["served-model", "served-model-0711", "served-model:free", "served-model@v2"])
def test_names_of_the_same_model(name):
    with ChatServer("--echo", name) as server, engine(server) as asking:
        assert asking.describe()["warnings"] == []


def test_answers_under_another_name():
    with ChatServer("--echo", "another-model") as server, pytest.raises(EngineError, match="answers as another-model"):
        engine(server).__enter__()
    with ChatServer("--echo", "gpt-9-0711") as server:
        with engine(server) as asking:
            assert "answers as gpt-9-0711 and was asked for served-model" in asking.describe()["warnings"][0]
        with engine(server, model={"revision": "gpt-9-0711"}) as asking:
            assert asking.describe()["warnings"] == []
