"""What servers must show before they are asked anything that counts, and what makes a served model what it is."""

from __future__ import annotations

import resource
import socket
import time

import pytest
from served import ChatServer, answers, engine_spec, model_spec, question

from dsafe_runner.engines.backends import identify, make_engine
from dsafe_runner.engines.openai.retry import delay
from dsafe_runner.engines.openai.transport import proxy_for
from dsafe_runner.errors import EngineError, UnavailableError

R1 = "deepseek-r1"


def engine(*servers, model=None, **more):
    return make_engine(model_spec(**(model or {})), engine_spec(*servers, **more))


def start(*servers, model=None, **more):
    """Start an engine and say what it found."""
    with engine(*servers, model=model, **more) as running:
        return running.describe()


def test_what_a_server_shows_is_described():
    with ChatServer("--shape", "reasoning", "--choice") as server:
        told = start(server, model={"reasoning": R1}, extra_body={"top_k": 5})
    assert told["contract"] == {
        server.url: {
            "served": "listed",
            "root": "/models/served-model",
            "max_model_len": 4096,
            "version": "0.32.0",
            "answers_as": "served-model",
            "thinking": "reasoning",
            "choice": "binds",
            "seed": "accepted",
            "tokens_field": "max_tokens",
        }
    }
    assert told["context_length"] == 4096
    assert told["warnings"] == []
    assert told["extra_body"] == {"top_k": 5}


def test_a_vendor_without_pages_is_taken_as_it_is():
    with ChatServer("--no-models", "--version", "", "--max-model-len", "0", "--echo", "served-model-0711") as server:
        (told,) = start(server)["contract"].values()
        assert (told["served"], told["version"], told["max_model_len"]) == ("unknown", "unknown", None)
        assert told["answers_as"] == "served-model-0711"
        assert told["choice"] == "ignored"


def test_fields_a_server_refuses_are_found_out_and_left_out():
    with ChatServer("--refuses", "seed,max_tokens", "--keep") as server, engine(server) as running:
        told = running.describe()
        assert {r.finish for r in answers(running, [question("好")]).values()} == {"stop"}
        sent = server.log()["bodies"][-1]
    assert "seed" not in sent
    assert sent["max_completion_tokens"] == 64
    (found,) = told["contract"].values()
    assert (found["seed"], found["tokens_field"]) == ("refused", "max_completion_tokens")
    assert "refuse `seed`" in told["warnings"][0]


def test_requests_that_are_refused_whatever_is_left_out():
    with ChatServer("--refuses", "top_k") as server, pytest.raises(EngineError, match=r"top_k'\); see extra_body"):
        start(server, extra_body={"top_k": 5})


@pytest.mark.parametrize(
    ("options", "more", "kind", "says"),
    [
        (["--model", "other"], {}, UnavailableError, "serves other, another-model; correct the model's path"),
        (["--model", "other", "--no-models"], {}, UnavailableError, r"no chat for served-model \(HTTP 404: The model"),
        (["--key", "k"], {}, UnavailableError, r"does not let us in \(HTTP 401\); name the environment variable"),
        (["--max-model-len", "512"], {"context_length": 1024}, EngineError, "of 512 tokens and the suite says 1024"),
        (["--silent"], {"timeout": 0.1}, UnavailableError, r"does not answer \(no answer within 0.1 s\); start"),
        (["--faults", "1", "--kinds", "wrong-shape"], {}, EngineError, "speak the chat API: .* without choices"),
        (["--faults", "1", "--kinds", "503"], {}, UnavailableError, r"does not answer \(HTTP 503: try again\)"),
        (["--shape", "reasoning"], {}, EngineError, r"thinking \(reasoning\), .* say `reasoning: deepseek-r1`"),
        (["--shape", "tags"], {}, EngineError, r"thinking \(<think>\)"),
        (["--shape", "closing-tag"], {}, EngineError, r"thinking \(</think>\)"),
    ],
)
def test_what_ends_an_engine_before_it_begins(options, more, kind, says):
    with ChatServer(*options) as server:
        begun = time.monotonic()
        with pytest.raises(kind, match=says) as ended:
            start(server, max_attempts=2, **more)
        assert time.monotonic() - begun < 5
    assert "\n" not in str(ended.value)
    assert server.url in str(ended.value)


def test_nothing_listens():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/v1"
        with pytest.raises(UnavailableError, match=rf"^{url} does not answer \(no connection: Connection refused\)"):
            start(url)


def test_the_self_test_survives_faults():
    for seed in range(3):
        with ChatServer("--faults", "0.2", "--fault-seed", str(seed)) as server:
            assert start(server, timeout=0.3)["contract"][server.url]["served"] == "listed"


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (["--root", "/models/smaller"], "root is (served-model|smaller) at"),
        (["--max-model-len", "2048"], "max_model_len is (4096|2048) at"),
        (["--version", "0.31.0"], "version is"),
        (["--echo", "served-model@4bit"], "answers_as is"),
        (["--shape", "tags"], "thinking is"),
        (["--refuses", "seed"], "seed is"),
    ],
)
def test_a_fleet_serves_one_thing(other, says):
    shape = [] if "--shape" in other else ["--shape", "reasoning"]
    with ChatServer("--shape", "reasoning") as one, ChatServer(*other, *shape) as two:
        with pytest.raises(EngineError, match=f"serve different things: {says}") as ended:
            start(one, two, model={"reasoning": R1})
        assert one.url in str(ended.value)
        assert two.url in str(ended.value)


def test_a_fleet_may_keep_its_weights_in_different_folders_and_say_less():
    with ChatServer("--root", "/a/served-model/") as one, ChatServer("--no-models", "--version", "") as two:
        assert start(one, two)["context_length"] == 4096


def test_one_silent_server_of_a_fleet_is_named():
    with ChatServer() as one, ChatServer("--silent") as two, pytest.raises(UnavailableError, match=two.url):
        start(one, two, timeout=0.1, max_attempts=2)


def test_a_model_said_to_think_that_does_not_is_a_warning():
    with ChatServer() as server:
        told = start(server, model={"reasoning": R1})
    assert "showed no thinking (none seen)" in told["warnings"][0]


def facts(*urls, model=None, **more):
    spec = engine_spec(*(urls or ["http://127.0.0.1:8000/v1"]), **more)
    return identify(model_spec(**(model or {})), spec, cache={}, download=False).facts


def test_what_makes_an_answer_what_it_is():
    plain = facts()
    assert facts("http://127.0.0.1:8000/v1/", "HTTP://127.0.0.1:8000/v1".replace("HTTP", "http")) == plain
    assert facts("http://b/v1", "http://A/v1") == facts("http://a/v1", "http://b/v1")
    assert facts(concurrency=1, timeout=9.0, max_attempts=1, budget=1.0, api_key_env="KEY") == plain
    others = [
        facts("http://127.0.0.1:8001/v1"),
        facts(extra_body={"top_k": 5}),
        facts(identity="fleet"),
        facts(context_length=64),
        facts(model={"path": "other"}),
        facts(model={"revision": "2"}),
    ]
    assert plain not in others
    assert facts("http://x/v1", identity="fleet") == facts("http://y/v1", identity="fleet")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://me:secret@127.0.0.1:8000/v1", "carries a user or password"),
        ("http://:8000/v1", "no http"),
        ("http://[::1/v1", "no http"),
        ("http://h:99999/v1", "no http"),
        ("https:///v1", "no http"),
    ],
)
def test_urls_that_are_refused(url, says):
    with pytest.raises(UnavailableError, match=says) as refused:
        facts(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["seed", "model", "n", "stream", "temperature", "messages", "max_tokens"])
def test_extra_body_cannot_say_what_the_suite_says(name):
    with pytest.raises(EngineError, match=f"extra_body says {name}, which the suite says elsewhere"):
        facts(extra_body={name: 1})


def test_which_proxy_is_taken(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert proxy_for("http://example.org/v1") is None
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    monkeypatch.setenv("all_proxy", "http://other.example:1")
    monkeypatch.setenv("no_proxy", "10.0.0.0/8,.inside.example")
    assert proxy_for("https://example.org/v1") == "http://proxy.example:3128"
    assert proxy_for("http://example.org/v1") == "http://other.example:1"
    direct = [
        "10.1.2.3:80",
        "gpu.inside.example",
        "127.0.0.1:80",
        "127.9.9.9",
        "localhost:1",
        "a.localhost",
        "[::1]:80",
    ]
    assert [proxy_for(f"http://{host}/v1") for host in direct] == [None] * len(direct)


def test_how_long_to_wait():
    for attempt in range(0, 2000, 50):
        assert 0.0 <= delay(attempt) <= 30.0
    assert max(delay(0) for _ in range(100)) <= 0.25
    assert len({delay(5) for _ in range(20)}) == 20, "clients that failed together do not come back together"
    assert 2.0 <= delay(0, 2.0) <= 2.25
    assert delay(0, 1e9) < 301, "a server cannot ask for ever"


def test_more_places_than_the_system_has_files():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY:
        pytest.skip("this system has no limit on open files")
    with pytest.raises(EngineError, match=rf"concurrency {hard} needs {hard + 64} open files .* {hard}; lower"):
        start("http://127.0.0.1:9/v1", concurrency=hard)
