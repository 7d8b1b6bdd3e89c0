"""The openai engine against a real server on loopback: every fault, every shape of an answer, every way to end."""

from __future__ import annotations

import json
import os
import re
import threading
import time

import pytest
from served import ChatServer, answers, engine_spec, model_spec, question

from dsafe_runner.engines.backends import identify, make_engine
from dsafe_runner.engines.process import EngineProcess
from dsafe_runner.errors import EngineError, UnavailableError
from dsafe_runner.records import Message

R1 = "deepseek-r1"
TESTS = 5
"""Requests that a server is tested with before any that counts."""
RETRIED = (
    "429",
    "500",
    "503",
    "hang",
    "reset",
    "close",
    "truncated",
    "not-json",
    "wrong-shape",
    "no-choices",
    "two-choices",
)


@pytest.fixture(scope="module")
def running():
    with ChatServer("--keep") as server:
        yield server


@pytest.fixture
def server(running):
    running.rules()
    running.faults(0.0)
    running.reset()
    return running


def engine(*servers, model=None, **more):
    return make_engine(model_spec(**(model or {})), engine_spec(*servers, **more))


def ask_one(server, message, *, model=None, **rule):
    """The response to one question to which the server answers with `message`."""
    server.rules({"contains": "谁", "message": message, **rule})
    with engine(server, model=model) as asking:
        (response,) = asking.generate([question("你是谁？")])
    return response


def test_faults_change_nothing_and_nothing_answered_is_asked_again(server):
    requests = [question(f"问题{i}", seed=i) for i in range(300)]
    with engine(server) as asking:
        calm = answers(asking, requests)
        assert server.log()["asked"] == 300 + TESTS, "and the test requests"
    assert len({r.answer for r in calm.values()}) > 250
    server.faults(0.2)
    server.reset()
    with engine(server, timeout=2.0) as asking:
        assert answers(asking, requests) == calm
    log = server.log()
    assert set(RETRIED) <= set(log["faults"])
    assert set(log["answered"].values()) == {1}
    assert len([text for text in log["answered"] if text.startswith("问题")]) == 300


def test_every_fault_is_retried_and_told_when_it_stays(server):
    kinds = [kind for kind in RETRIED if kind != "hang"]
    passing = [{"contains": f"一会儿 {fault}", "fault": fault, "times": 1} for fault in kinds]
    staying = [{"contains": f"永远 {fault}", "fault": fault} for fault in kinds]
    server.rules(*passing, *staying)
    with engine(server, timeout=5.0, max_attempts=2, concurrency=4) as asking:
        # good ones in between: a server that fails four times in a row rests
        mixed = [question(f"{word} {fault}") for fault in kinds[1:] for word in ("一会儿", "好", "永远", "好", "好")]
        got = answers(asking, mixed)
    errors = [got[r.key].error for r in mixed if r.messages[0].content.startswith("永远")]
    for error in errors:
        assert error.startswith("2 attempts failed, the last with ")
        assert "\n" not in error
    with engine(server, max_attempts=1) as asking:
        (turned_away,) = asking.generate([question("永远 429")])
    assert turned_away.error.startswith("4 attempts failed, the last with HTTP 429"), "which is a quarter of an attempt"
    assert sum(r.finish == "stop" for r in got.values()) == len(mixed) - len(errors)


@pytest.mark.parametrize("after", ["0.4", "date:1.9"])
def test_retry_after_is_honoured(after):
    with ChatServer("--retry-after", after, "--keep") as server:
        server.rules({"contains": "等", "fault": "429", "times": 1})
        with engine(server) as asking:
            server.reset()
            (response,) = asking.generate([question("等")])
        first, second = server.log()["times"]
    assert response.finish == "stop"
    assert 0.39 < second - first < 3.0


def test_a_refusal_of_one_request_is_one_missing_response(server):
    long = "maximum context\nlength is 1024 tokens" + "x" * 999
    server.rules(
        {"contains": "太长", "status": 400, "body": {"error": {"message": long}}},
        {"contains": "不许", "status": 403, "body": {"detail": "moderated"}},
    )
    with engine(server) as asking:
        long, moderated, good = answers(asking, [question("太长"), question("不许"), question("好")]).values()
    assert long.error.startswith("HTTP 400: maximum context length is 1024 tokens")
    assert len(long.error) < 200
    assert moderated.error == "HTTP 403: moderated"
    assert good.finish == "stop"
    assert server.log()["asked"] == 3 + TESTS


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "does not let us in"), (402, "paid"), (404, "has no chat for"), (307, "has no chat"), (403, "api_key_env")],
)
def test_a_refusal_of_everything_ends_the_engine(server, status, says):
    body = {"error": {"message": "geheime Frage"}}
    with engine(server, concurrency=4) as asking:
        server.rules({"contains": "坏", "status": status, "body": body})
        got = []
        with pytest.raises(EngineError, match=says) as ended:
            got.extend(asking.generate([question("好"), question("好好"), *(question(f"坏{i}") for i in range(2000))]))
        assert "geheime" not in str(ended.value), "this line is shown as it is; it must not quote a prompt"
        assert server.log()["asked"] < 60
        server.rules()
        assert answers(asking, [question("又好了")]), "the engine can go on"
    assert sum(r.finish == "stop" for r in got) == 2


def test_a_server_that_falls_silent_ends_the_engine_in_bounded_time(server):
    with engine(server, timeout=0.3, concurrency=8) as asking:
        server.rules({"contains": "坏", "fault": "hang"})
        begun = time.monotonic()
        with pytest.raises(EngineError, match=r"gave no answer for \d+ s \(\d+ attempts, the last: no answer within"):
            list(asking.generate(question(f"坏{i}") for i in range(50_000)))
    assert time.monotonic() - begun < 3.0
    assert server.log()["asked"] < 100


def test_a_server_that_dies_and_comes_back_costs_nothing():
    with ChatServer("--delay", "0.02") as server:
        requests = [question(f"问题{i}") for i in range(200)]
        with engine(server, concurrency=4, timeout=5.0, max_attempts=3) as asking:
            got = asking.generate(requests)
            some = [next(got) for _ in range(40)]
            port = server.port
            server.stop()
            threading.Timer(1.0, server.start, (port,)).start()
            rest = list(got)
    assert len(some) + len(rest) == 200
    assert {r.finish for r in (*some, *rest)} == {"stop"}


def test_the_server_with_the_fewest_in_flight_is_asked_next():
    with ChatServer("--delay", "0.01") as fast, ChatServer("--delay", "0.1") as slow:
        with engine(fast, slow, concurrency=10) as asking:
            fast.reset()
            slow.reset()
            answers(asking, [question(f"问题{i}") for i in range(200)])
        quick, late = fast.log(), slow.log()
    assert quick["asked"] + late["asked"] == 200
    assert quick["asked"] > 2 * late["asked"] > 0
    assert quick["most_at_once"] + late["most_at_once"] <= 11
    assert abs(quick["most_at_once"] - late["most_at_once"]) <= 5


def test_a_fleet_goes_on_without_a_server_that_dies():
    with ChatServer() as one, ChatServer() as other:
        with engine(one, other, concurrency=8) as asking:
            one.stop()
            requests = [question(f"问题{i}") for i in range(100)]
            assert {r.finish for r in answers(asking, requests).values()} == {"stop"}
        one.start()


def test_the_budget_bounds_all_attempts_of_a_response(server):
    server.rules({"contains": "坏", "fault": "500"})
    with engine(server, budget=0.7, max_attempts=100) as asking:
        begun = time.monotonic()
        (response,) = asking.generate([question("坏")])
    assert time.monotonic() - begun < 1.5
    assert response.error == "no answer within its budget of 0.7 s, the last attempt: HTTP 500: try again"
    server.rules({"contains": "坏", "fault": "hang"})
    with engine(server, budget=0.4, timeout=60.0) as asking:
        (response,) = asking.generate([question("坏")])
    assert response.finish == "error"


def test_closing_the_iterator_ends_what_is_in_flight(server):
    before = threading.active_count()
    with engine(server, concurrency=16, timeout=60.0) as asking:
        server.reset()
        server.rules({"contains": "好"}, {"contains": "", "fault": "hang"})
        got = asking.generate([question("好"), *(question(f"挂{i}") for i in range(100))])
        assert next(got).finish == "stop"
        with pytest.raises(EngineError, match="busy"):
            next(asking.generate([question("好")]))
        time.sleep(0.2)
        begun = time.monotonic()
        got.close()
        assert time.monotonic() - begun < 0.5
        assert server.log()["now"] == 0, "the server sees that nobody waits"
        assert answers(asking, [question("好")])
    assert threading.active_count() == before
    with pytest.raises(EngineError, match="not running"):
        next(asking.generate([question("好")]))


def test_leaving_the_engine_ends_what_is_in_flight(server, recwarn):
    with engine(server, concurrency=4) as asking:
        server.rules({"contains": "好"}, {"contains": "", "fault": "hang"})
        got = asking.generate([question("好"), *(question(f"挂{i}") for i in range(10))])
        assert next(got).finish == "stop"
    with pytest.raises(EngineError, match="closed before it had answered everything"):
        next(got)
    assert server.log()["now"] == 0
    assert not recwarn.list


def test_no_more_in_flight_than_said_and_connections_are_kept(server):
    with engine(server, concurrency=5) as asking:
        server.reset()
        server.rules({"contains": "", "delay": 0.005})
        answers(asking, [question(f"问题{i}") for i in range(100)])
        assert list(asking.generate([])) == []
    log = server.log()
    assert log["most_at_once"] == 5
    assert log["connections"] <= 6


def test_what_is_sent(server):
    model = {"system_prompt": "你是助手。", "chat_template_kwargs": {"enable_thinking": False}}
    with engine(server, model=model, extra_body={"top_k": 20}) as asking:
        server.reset()
        own = question("问", turns=(Message("system", "别的"), Message("user", "问")), temperature=0.0, seed=7)
        first, second, third = answers(asking, [question("问题"), own, question("问题", seed=9)]).values()
    bodies = {body["seed"]: body for body in server.log()["bodies"]}
    assert bodies[1] == {
        "model": "served-model",
        "messages": [{"role": "system", "content": "你是助手。"}, {"role": "user", "content": "问题"}],
        "temperature": 0.6,
        "top_p": 0.95,
        "max_tokens": 64,
        "seed": 1,
        "stream": False,
        "top_k": 20,
        "chat_template_kwargs": {"enable_thinking": False},
    }
    assert bodies[7]["messages"] == [{"role": "system", "content": "别的"}, {"role": "user", "content": "问"}]
    assert first.prompt_sha256 == third.prompt_sha256 != second.prompt_sha256
    assert (first.prompt_tokens, first.completion_tokens) == (12, 7)
    with engine(server) as asking:
        (plain,) = asking.generate([question("问题")])
    assert plain.prompt_sha256 != first.prompt_sha256
    assert "chat_template_kwargs" not in server.log()["bodies"][-1]


SHAPES = [
    ({"content": "答", "reasoning": "想"}, "stop", ("答", "想", False)),
    ({"content": "答", "reasoning_content": "想"}, "stop", ("答", "想", False)),
    ({"content": "答", "reasoning": None, "reasoning_content": "想"}, "stop", ("答", "想", False)),
    ({"content": "答", "reasoning": "新", "reasoning_content": "旧"}, "stop", ("答", "新", False)),
    ({"content": "<think>想</think>答"}, "stop", ("答", "想", False)),
    ({"content": "想</think>答"}, "stop", ("答", "想", False)),
    ({"content": "又想</think>答", "reasoning": "想"}, "stop", ("又想</think>答", "想", False)),
    ({"content": "</think>\n答", "reasoning": "想"}, "stop", ("答", "想", False)),
    ({"content": "不行。<think>想</think>答"}, "length", ("不行。<think>想</think>答", None, False)),
    ({"content": None, "reasoning": "想"}, "length", ("", "想", True)),
    ({"content": None}, "length", ("", None, True)),
    ({"content": None, "reasoning": "全在这里"}, "stop", ("", "全在这里", True)),
    ({"content": "想到一半"}, "length", ("", "想到一半", True)),
    ({"content": "没有想"}, "stop", ("没有想", None, False)),
]


def test_thinking_in_every_shape(server):
    server.rules(*({"contains": f"<{i}>", "message": m, "finish": f} for i, (m, f, _) in enumerate(SHAPES)))
    requests = [question(f"<{i}>") for i in range(len(SHAPES))]
    with engine(server, model={"reasoning": R1}) as asking:
        got = answers(asking, requests)
    for request, (_, finish, expected) in zip(requests, SHAPES, strict=True):
        response = got[request.key]
        assert (response.answer, response.thinking, response.thinking_open) == expected
        assert response.finish == finish


def test_a_template_that_opens_the_thinking_is_remembered():
    """Then a text that stops without closing tag is thinking, however it ended."""
    with ChatServer("--shape", "closing-tag") as server:
        response = ask_one(server, {"content": "还在想"}, model={"reasoning": R1})
        assert (response.answer, response.thinking, response.thinking_open) == ("", "还在想", True)
        server.rules({"contains": "ready", "message": {"content": "很长"}, "finish": "length"})
        with engine(server, model={"reasoning": R1}) as asking:
            assert "cut before any tag" in asking.describe()["warnings"][0]
            server.rules({"contains": "谁", "message": {"content": "还在想"}})
            (response,) = asking.generate([question("谁")])
        assert response.thinking_open
        server.rules()
        with engine(server, model={"reasoning": R1}) as asking:
            (response,) = asking.generate([question("问", temperature=0.0)])
        assert response.thinking == "先想一想。"


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ([{"type": "text", "text": "甲"}, {"type": "text", "text": "乙"}], "甲乙"),
        ("半个\ud83d", "半个\ufffd"),
        ("\ud83d\ude00\x00", "😀\x00"),
    ],
)
def test_content_comes_in_parts_or_in_pieces(server, content, answer):
    response = ask_one(server, {"content": content})
    assert (response.answer, response.finish) == (answer, "stop")
    response.answer.encode()


NO_ANSWERS = [
    ({"finish": "content_filter"}, "the server's content filter ended the answer"),
    ({"finish": "tool_calls"}, "finish_reason 'tool_calls', neither stop nor length"),
    ({"finish": "\x1b[2J" + "x" * 500}, "neither stop nor length"),
    ({"finish": 3}, "finish_reason 'int'"),
    ({"message": {"content": None, "refusal": "no"}}, "in a field of its own"),
    ({"finish": None}, r"2 attempts failed, the last with an answer that is not finished \(finish_reason null\)"),
    ({"finish": "abort"}, r"2 attempts failed, the last with an answer that is not finished"),
    ({"message": {"content": 3}}, "2 attempts failed, the last with an answer whose content is no text"),
    ({"message": {"content": [{"type": "image"}]}}, "content is no text"),
    ({"message": {"content": "a", "reasoning": ["b"]}}, "whose reasoning is no text"),
    ({"raw": '{"choices": [[]]}'}, "choice has no message"),
    ({"raw": "[" * 100_000}, "an answer that is not JSON"),
    ({"raw": "[]"}, "an answer without choices"),
    ({"raw": '{"error": {"message": "overloaded"}}'}, "an answer without choices: overloaded"),
    ({"raw": "", "status": 204}, "HTTP 204, which is no answer"),
]


def test_what_is_no_answer_of_the_model_is_an_error(server):
    server.rules(*({"contains": f"<{i}>", **rule} for i, (rule, _) in enumerate(NO_ANSWERS)))
    requests = [question(f"<{i}>") for i in range(len(NO_ANSWERS))]
    good = [question("好") for _ in NO_ANSWERS]
    with engine(server, max_attempts=2, concurrency=2) as asking:
        got = answers(asking, [request for pair in zip(requests, good, strict=True) for request in pair])
    for request, (_, says) in zip(requests, NO_ANSWERS, strict=True):
        response = got[request.key]
        assert (response.finish, response.answer) == ("error", "")
        assert re.search(says, response.error), response.error
        assert "\x1b" not in response.error
        assert len(response.error) < 250
    assert {got[request.key].finish for request in good} == {"stop"}


def test_usage_that_is_no_count_is_zero(server):
    whole = {"choices": [{"message": {"content": "好"}, "finish_reason": "stop"}]}
    for usage in (None, [], {"prompt_tokens": "12", "completion_tokens": -1}, {"prompt_tokens": True}):
        server.rules({"contains": "谁", "raw": json.dumps({**whole, "usage": usage})})
        with engine(server) as asking:
            (response,) = asking.generate([question("谁")])
        assert (response.answer, response.prompt_tokens, response.completion_tokens) == ("好", 0, 0)


def test_thinking_nobody_declared_is_kept_as_it_came(server):
    """Whether it is how the model answers is decided over all of its responses."""
    with engine(server) as asking:
        server.rules({"contains": "谁", "message": {"content": "答", "reasoning": "想"}})
        (response,) = asking.generate([question("谁")])
    assert (response.answer, response.thinking) == ("答", "想")


@pytest.mark.parametrize(
    ("parser", "content", "expected"),
    [
        ("qwen3", "<think>\n\n</think>\n\n答", ("答", "", False)),
        ("qwen3", "没有想", ("没有想", None, False)),
        ("mistral", "[THINK]想[/THINK]答", ("答", "想", False)),
        (
            "harmony",
            "<|channel|>analysis<|message|>想<|end|><|start|>assistant<|channel|>final<|message|>答",
            ("答", "想", False),
        ),
        ("harmony", "analysis想assistantfinal答", ("答", "想", False)),
        ("none", "<think>想</think>答", ("<think>想</think>答", None, False)),
    ],
)
def test_other_formats_of_thinking(server, parser, content, expected):
    server.rules({"contains": "谁", "message": {"content": content}})
    with engine(server, model={"reasoning": parser}) as asking:
        (response,) = asking.generate([question("谁")])
    assert (response.answer, response.thinking, response.thinking_open) == expected


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("想" * 60 + "</think>\n\n答", "deepseek-r1"),
        ("[THINK]想[/THINK]答", "mistral"),
        ("<|channel|>analysis<|message|>想<|end|><|start|>assistant<|channel|>final<|message|>答", "harmony"),
        ("analysis想assistantfinal答", "harmony"),
    ],
)
def test_a_server_that_thinks_where_it_has_to_is_found_out_at_the_start(server, content, key):
    """It answers the first question without thinking, and is asked more than that."""
    server.rules({"contains": "train", "message": {"content": content}})
    with pytest.raises(EngineError, match=f"say `reasoning: {key}`"), engine(server):
        pass


def test_another_model_behind_the_same_name_ends_the_engine(server):
    with engine(server) as asking:
        server.rules({"contains": "谁", "reply": "好", "model": "smaller-model"})
        with pytest.raises(EngineError, match="now answers as smaller-model and answered as served-model at the start"):
            list(asking.generate([question("谁")]))


def test_letters_are_not_for_servers(server):
    with engine(server) as asking:
        (response,) = asking.generate([question("选", scoring="letters", letters=("A", "B"))])
    assert response.finish == "error"
    assert "letters" in response.error


def test_the_key_is_sent_and_never_told(server, monkeypatch, tmp_path, capfd):
    key = "sk-geheim/0123456789"
    with ChatServer("--key", key, "--keep") as locked:
        spec = engine_spec(locked, api_key_env="SOME_KEY", max_attempts=1)
        monkeypatch.delenv("SOME_KEY", raising=False)
        assert identify(model_spec(), spec, cache={}, download=False).device == "none", "no key needed to know who"
        with pytest.raises(UnavailableError, match="SOME_KEY is not set"):
            make_engine(model_spec(), spec).__enter__()
        monkeypatch.setenv("SOME_KEY", "sk\nwrong")
        with pytest.raises(UnavailableError, match="SOME_KEY holds characters that no key has"):
            make_engine(model_spec(), spec).__enter__()
        monkeypatch.setenv("SOME_KEY", "sk-other-secret")
        with pytest.raises(UnavailableError, match=r"see that \$SOME_KEY holds a key") as refused:
            make_engine(model_spec(), spec).__enter__()
        assert "sk-other" not in str(refused.value)
        monkeypatch.setenv("SOME_KEY", key)
        quoting = f'{{"error": "the key sk-geheim\\/0123456789 or {key} has no money"}}'
        locked.rules({"contains": "谁", "raw": quoting})
        with EngineProcess(model_spec(), spec, env={}, log_path=tmp_path / "log") as asking:
            good, bad = answers(asking, [question("好"), question("谁")]).values()
            told = json.dumps([asking.describe(), good.answer, bad.error])
        assert (
            bad.error == "1 attempts failed, the last with an answer without choices: the key *** or *** has no money"
        )
        assert locked.log()["headers"][-1]["authorization"] == f"Bearer {key}"
    assert "geheim" not in told + (tmp_path / "log").read_text() + "".join(capfd.readouterr())


def test_a_proxy_of_the_environment_does_not_get_what_goes_to_this_machine(server, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with engine(server) as asking:
        assert answers(asking, [question("好")])


def test_a_proxy_of_the_environment_is_used_for_what_is_elsewhere(server, monkeypatch):
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url.removesuffix("/v1"))
    with engine("http://models.invalid:8000/v1") as asking:
        assert {r.finish for r in answers(asking, [question("好")]).values()} == {"stop"}
    monkeypatch.setenv("http_proxy", "gopher://me:secret@proxy.invalid")
    with pytest.raises(UnavailableError, match="names a proxy for http://models") as refused:
        engine("http://models.invalid:8000/v1").__enter__()
    assert "secret" not in str(refused.value)


def test_in_a_process_of_its_own(server, tmp_path):
    requests = [question(f"问题{i}", seed=i) for i in range(200)]
    with engine(server) as asking:
        expected = answers(asking, requests)
    with EngineProcess(model_spec(), engine_spec(server), env={}, log_path=tmp_path / "log") as asking:
        assert asking.describe()["contract"][server.url]["served"] == "listed"
        server.reset()
        got = asking.generate(requests)
        first = next(got)
        assert {r.key: r for r in (first, *got)} == expected
        pid = asking.pid
        server.rules({"contains": "", "fault": "hang"})
        begun = time.monotonic()
        threading.Timer(0.3, asking.kill).start()
        with pytest.raises(EngineError, match="was stopped"):
            list(asking.generate([question(f"挂{i}") for i in range(100)]))
        assert time.monotonic() - begun < 3.0
    with pytest.raises(OSError):
        os.kill(pid, 0)
