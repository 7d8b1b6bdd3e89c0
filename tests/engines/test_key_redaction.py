"""A server's key in texts: masked in every spelling, and nothing else is."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import sys
import time
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from served import ChatServer, answers, engine_spec, model_spec, question

from dsafe_runner.engines.backends import identify, make_engine
from dsafe_runner.engines.process import EngineProcess
from dsafe_runner.engines.redaction import MASK, RedactingStream, Redactor
from dsafe_runner.errors import UnavailableError

KEY = "sk-geheim/0123=+\\Zz\"q'x_9-"

SPELLINGS = {
    "as it is": lambda t: t,
    "JSON": json.dumps,
    "JSON in JSON": lambda t: json.dumps({"body": json.dumps({"key": t})}),
    "JSON four deep": lambda t: json.dumps(json.dumps(json.dumps(json.dumps(t)))),
    "repr": repr,
    "repr of bytes": lambda t: repr(t.encode()),
    "unicode escapes": lambda t: "".join(f"\\u{ord(c):04x}" for c in t),
    "upper unicode escapes": lambda t: "".join(f"\\u{ord(c):04X}" for c in t),
    "escaped slashes": lambda t: t.replace("/", "\\/"),
    "percent": lambda t: urllib.parse.quote(t, safe=""),
    "percent twice": lambda t: urllib.parse.quote(urllib.parse.quote(t, safe=""), safe=""),
    "all percent": lambda t: "".join(f"%{ord(c):02X}" for c in t),
    "HTML": lambda t: html.escape(html.escape(t)),
    "HTML numbers": lambda t: "".join(f"&#{ord(c)};" for c in t),
    "upper case": str.upper,
    "header name": lambda t: "X-Seen-" + t.title() + ": 1",
    "hex": lambda t: t.encode().hex(),
    "wrapped": lambda t: "\n   ".join(re.findall(".{1,9}", t)),
    "wrapped in JSON": lambda t: "\\n".join(re.findall(".{1,9}", t)),
    "a letter a line": "\n".join,
    "base64": lambda t: base64.b64encode(t.encode()).decode(),
    "basic": lambda t: "Basic " + base64.b64encode(f"user:{t}".encode()).decode(),
    "bearer in base64": lambda t: base64.b64encode(f"Bearer {t} and more".encode()).decode(),
    "url-safe base64": lambda t: base64.urlsafe_b64encode(f"x{t}".encode()).decode(),
    "wrapped base64": lambda t: base64.encodebytes(b"a" * 40 + t.encode() + b"b" * 40).decode(),
    "base64 in JSON": lambda t: json.dumps(base64.b64encode(f"xy{t}".encode()).decode()).replace("/", "\\/"),
    "first half": lambda t: t[: len(t) // 2 + 1] + "...",
    "last half": lambda t: "..." + t[-(len(t) // 2) - 1 :],
}
keys = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=60)
words = st.text(alphabet="这是说明 ", max_size=20)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_masked(spelling):
    masked = Redactor(KEY).text(f"the key {SPELLINGS[spelling](KEY)} is wrong")
    assert MASK in masked
    assert not any(part in masked.casefold() for part in ("geheim", "0123", "zz", "q'x"))
    assert masked.startswith("the key ")
    assert masked.endswith(" is wrong")


@settings(max_examples=300, deadline=None)
@given(keys, st.sampled_from(sorted(SPELLINGS)), words, words)
def test_no_key_comes_back_in_any_spelling(key, spelling, before, after):
    spelt = SPELLINGS[spelling](key)
    masked = Redactor(key).text(f"{before} {spelt} {after}")
    assert MASK in masked
    assert spelt not in masked


@settings(max_examples=200, deadline=None)
@given(keys, st.text(max_size=80))
def test_what_does_not_hold_it_stays(key, text):
    halves = (key[: len(key) // 2].casefold(), key[-(len(key) // 2) :].casefold())
    plain = "".join(text.split()).casefold()
    if not any(half in plain for half in halves) and not set(text) & set("\\%&="):
        assert Redactor(key).text(text) == text


def test_values_and_names_of_fields():
    found = Redactor(KEY).value({KEY: [{"error": {"message": f"no money on {KEY}"}}, 3, None], "a": "b"})
    assert found == {MASK: [{"error": {"message": f"no money on {MASK}"}}, 3, None], "a": "b"}


def test_a_key_that_may_be_a_word_is_masked_only_where_it_stands_free():
    assert Redactor("EMPTY").text("key EMPTY, an empty one, EMPTYING") == "key ***, an empty one, EMPTYING"
    assert Redactor("A").value("答案：A") == "答案：A", "or no model could choose it"
    assert Redactor("").text("x") == Redactor(None).text("x") == "x"


def test_huge_texts_take_seconds_at_most():
    redactor = Redactor(KEY)
    start = time.perf_counter()
    for text in (
        "\\" * 200_000,
        "s" + " " * 200_000,
        "sk-" * 70_000,
        "%25" * 70_000,
        "&amp;" * 40_000,
        "\\s" * 100_000,
    ):
        assert redactor.text(text) == text
    assert time.perf_counter() - start < 10


def test_a_stream_masks_what_exceptions_say():
    out = io.StringIO()
    stream = RedactingStream(out, Redactor(KEY))
    print("header is", KEY[:9], end="", file=stream)
    print(KEY[9:], file=stream)
    stream.flush()
    assert out.getvalue() == "header is ***\n"


def test_what_is_written_to_files_must_not_hold_the_key(monkeypatch):
    monkeypatch.setenv("SOME_KEY", "sk-in-the-address-0123")
    spec = engine_spec("https://host.invalid/sk-in-the-address-0123/v1", api_key_env="SOME_KEY")
    with pytest.raises(UnavailableError, match=r"what \$SOME_KEY holds stands in the suite as well") as refused:
        identify(model_spec(), spec, cache={}, download=False)
    assert "0123" not in str(refused.value)
    body = {"headers": {"x-auth": "sk-in-the-address-0123"}}
    spec = engine_spec("https://host.invalid/v1", api_key_env="SOME_KEY", extra_body=body)
    with pytest.raises(UnavailableError, match="take it out"):
        identify(model_spec(), spec, cache={}, download=False)


def test_whatever_a_server_quotes_reaches_no_file(monkeypatch, tmp_path, capfd):
    """In answers, thinking, errors, the model's name: through a real server and the engine's own process."""
    key = "sk-geheim/0123456789=="
    monkeypatch.setenv("SOME_KEY", key)
    spelt = [make(key) for make in SPELLINGS.values()]
    with ChatServer("--key", key, "--version", f"1 {json.dumps(key)}") as server:
        rules = [{"contains": f"<{i}>", "reply": f"echo {text}"} for i, text in enumerate(spelt)]
        rules += [{"contains": f"[{i}]", "status": 400, "body": {"error": {"message": t}}} for i, t in enumerate(spelt)]
        rules += [
            {"contains": "{0}", "raw": '{"error": "sk-geheim\\/0123456789\\u003d\\u003d"}'},
            {"contains": "{1}", "status": 400, "raw": "x" * 3990 + key},
            {"contains": "{2}", "finish": key},
            {"contains": "{3}", "message": {"content": "a", key: 1}},
            {"contains": "{4}", "message": {"content": [{"type": "text", "text": key}]}},
        ]
        server.rules(*rules)
        asked = [question(rule["contains"]) for rule in rules]
        spec = engine_spec(server, api_key_env="SOME_KEY", max_attempts=1)
        with EngineProcess(model_spec(), spec, env={}, log_path=tmp_path / "log") as asking:
            got = answers(asking, asked)
            told = json.dumps(asking.describe())
        told += "".join(f"{r.answer}{r.error}" for r in got.values())
        told += (tmp_path / "log").read_text() + "".join(capfd.readouterr())
    assert told.count(MASK) >= 2 * len(spelt)
    assert not any(text in told for text in spelt)
    assert "0123456789" not in re.sub(r"\s|\\", "", told)


def test_a_traceback_in_the_log_does_not_quote_it(monkeypatch, tmp_path):
    key = "sk-geheim-0123456789"
    monkeypatch.setenv("SOME_KEY", key)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "sitecustomize.py").write_text(
        "import httpx2\n"
        "def broken(*_, headers=None, **__):\n"
        "    raise ValueError(f'bad header {headers}')\n"
        "httpx2.Request = type('Request', (), {'__init__': lambda self, *a, **k: broken(headers=dict(k['headers']))})\n"
    )
    with ChatServer("--key", key) as server:
        spec = engine_spec(server, api_key_env="SOME_KEY")
        process = EngineProcess(
            model_spec(), spec, env={"PYTHONPATH": f"{tmp_path}:{':'.join(sys.path)}"}, log_path=tmp_path / "log"
        )
        with pytest.raises(Exception, match="bad header") as ended, process:
            pass
    log = (tmp_path / "log").read_text()
    assert "Bearer ***" in log
    assert key not in log + str(ended.value)


def test_short_keys_do_not_change_what_models_say(monkeypatch):
    monkeypatch.setenv("SOME_KEY", "A")
    with ChatServer("--key", "A") as server:
        server.rules({"contains": "选", "reply": "答案：A"})
        with make_engine(model_spec(), engine_spec(server, api_key_env="SOME_KEY")) as asking:
            (response,) = asking.generate([question("选")])
    assert response.answer == "答案：A"
