"""Logs of lm-evaluation-harness: real ones, their older spellings, and which texts count as whole."""

from __future__ import annotations

import copy
import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import LM_EVAL, answers, replay, request, specs, write

from dsafe_runner.engines.replay.engine import NO_ROW, ReplayEngine
from dsafe_runner.engines.replay.files import parse_line
from dsafe_runner.engines.replay.lm_eval import HarnessRun, harness_run, parse_harness_row
from dsafe_runner.errors import DataError

DATE = "2026-01-02T03-04-05.678901"
R1 = "deepseek-r1"
WHOLE = HarnessRun(known=True)


def documents(kind, task):
    """The rows of one of the real logs."""
    (file,) = (LM_EVAL / kind).glob(f"samples_{task}_*.jsonl")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def questions(kind, task, repeats=1, **sampling):
    return [
        request(r["doc"]["question"], r["doc"]["id"], k=k, benchmark="mine", **sampling)
        for r in documents(kind, task)
        for k in range(repeats)
    ]


def harness(text="可以。", prompt="问题一", **arguments):
    """A row as the harness writes it."""
    arguments = {"until": [], "max_gen_toks": 100, "do_sample": False, **arguments}
    return {
        "doc_id": 0,
        "doc": {"id": "1", "question": "问题一"},
        "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": arguments}},
        "resps": [[text]],
        "filtered_resps": [text],
        "acc": float("nan"),
    }


def log(folder, *rows, results="{}", task="mine", date=DATE):
    if results is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"results_{date}.json").write_text(results)
    return write(folder / f"samples_{task}_{date}.jsonl", *rows)


def test_real_logs_of_rendered_prompts(tmp_path):
    responses, notes = replay(LM_EVAL / "templated", questions("templated", "plain", max_tokens=400), reasoning=R1)
    assert [(r.answer, r.finish, r.thinking_open) for r in responses.values()] == [
        ("答案：A", "stop", False),
        ("答案：B", "stop", False),
        ("答案：A", "stop", False),
        ("答案：A", "stop", False),
    ]
    assert next(iter(responses.values())).thinking.startswith("A. 合规√")
    assert len(notes) == 1
    assert notes[0].startswith("8 of 12 rows answer nothing that was asked (samples_benign_2026-11-24T22-06-37.445174")


def test_real_logs_of_several_responses_per_item(tmp_path):
    asked = questions("templated", "benign", repeats=2, temperature=0.8, max_tokens=200)
    responses, notes = replay(LM_EVAL / "templated", asked, reasoning=R1)
    said = list(responses.values())
    raw = [text for r in documents("templated", "benign") for text in r["resps"][0]]
    assert [r.k for r in said] == [0, 1] * 4
    # the template opens the thinking, so a text without a closing tag is thinking
    assert [r.thinking_open for r in said] == ["</think>" not in text for text in raw]
    assert [r.finish for r in said] == ["length" if len(text.encode()) >= 200 else "stop" for text in raw]
    assert [r.finish for r in said].count("length") == 1
    cut = [note for note in notes if "count as cut" in note]
    assert len(cut) == 1
    assert cut[0].startswith("1 of 8 responses count as cut: they are long enough to have reached max_gen_toks;")
    assert cut[0].endswith("(samples_benign_2026-11-24T22-06-37.445174.jsonl:4)")


def test_real_logs_without_a_template(tmp_path):
    asked = questions("plain", "plain")
    for task, finish in (("plain", "stop"), ("defaults", "length")):
        (file,) = (LM_EVAL / "plain").glob(f"samples_{task}_*.jsonl")
        responses, notes = replay(file, asked, reasoning=R1)
        assert [r.finish for r in responses.values()] == [finish] * 4
        assert all(r.thinking for r in responses.values())
    # the default `until` is a blank line: everything after the first paragraph may be gone
    assert "4 of 4 responses count as cut: they may end at a stop string" in notes[0]
    assert notes[1] == "generated with max_gen_toks 256; the suite says max_tokens 1024"
    (file,) = (LM_EVAL / "plain").glob("samples_choice_*.jsonl")
    responses, _ = replay(file, asked)
    assert {r.error for r in responses.values()} == {
        "no text was generated (a multiple_choice or loglikelihood task); run it as generate_until"
    }


def test_two_logs_of_one_item_that_differ_are_no_answer():
    found = answers(LM_EVAL / "plain", questions("plain", "plain"), reasoning=R1)
    assert found == [("rows with different texts answer the same item with the same k",)] * 4


def test_a_real_log_of_a_chat_server():
    asked = questions("served", "plain", max_tokens=400)
    responses, notes = replay(LM_EVAL / "served", asked)
    assert [r.answer for r in responses.values()] == ["答案：A", "答案：A", "", "答案：A"]
    assert [r.finish for r in responses.values()] == ["stop", "stop", "error", "stop"]
    assert notes == [
        "1 of 4 responses are missing: its text is empty, which is also what lm-eval writes where a server gave none "
        "(samples_plain_2026-11-24T22-06-52.832463.jsonl:3)"
    ]
    # a model that thinks, behind a server that took the thinking away: nothing shows where it ended
    responses, _ = replay(LM_EVAL / "served", asked, reasoning=R1)
    assert [r.thinking_open for r in responses.values()] == [True, True, False, True]


def test_what_was_read_is_described():
    with ReplayEngine(*specs(LM_EVAL / "served")) as engine:
        said = engine.describe()
    json.dumps(said, allow_nan=False)
    (file,) = said["files"]
    assert (file["format"], file["rows"], said["responses"]) == ("lm-eval", 4, 4)
    assert file["generation"] == ['{"do_sample": false, "max_gen_toks": 400, "until": ["</s>"]}']
    assert len(file["sha256"]) == len(file["results_sha256"]) == 64


def test_the_older_spelling_of_arguments(tmp_path):
    for kind, task in (("templated", "plain"), ("served", "plain"), ("plain", "benign")):
        new = documents(kind, task)
        old = copy.deepcopy(new)
        for fields in old:
            fields["arguments"] = [list(one.values()) for one in fields["arguments"].values()]
        asked = questions(kind, task, repeats=2)
        left, right = tmp_path / f"{kind}-new", tmp_path / f"{kind}-old"
        log(left, *new), log(right, *old)
        assert answers(left, asked, reasoning=R1) == answers(right, asked, reasoning=R1)
        assert answers(left, asked, reasoning=R1)[0] != (NO_ROW,)


def test_the_latest_run_of_a_task_counts(tmp_path):
    log(tmp_path, harness("旧"), date="2026-01-02T03-04-05")
    log(tmp_path, harness("新"), date="2026-01-02T03-04-05.1")
    log(tmp_path, harness("别", prompt="问题二"), task="mine_2", date="2025-01-01T00-00-00")
    asked = [request("问题一", benchmark="mine"), request("问题二", "2", benchmark="mine_2")]
    assert answers(tmp_path, asked) == ["新", "别"]
    _, notes = replay(tmp_path, asked)
    left_out = "samples_mine_2026-01-02T03-04-05.jsonl"
    assert notes[0] == f"files of earlier runs of the same task are left out ({left_out})"
    with ReplayEngine(*specs(tmp_path)) as engine:
        assert engine.describe()["left_out"] == [left_out]


def answers_of(tmp_path, fields, reasoning=None):
    log(tmp_path / "log", fields)
    (response,) = replay(tmp_path / "log", [request("问题一")], reasoning=reasoning)[0].values()
    return response.thinking, response.answer


def finish(tmp_path, fields, results="{}", reasoning=None):
    (tmp_path / "log").exists() and shutil.rmtree(tmp_path / "log")
    log(tmp_path / "log", fields, results=results)
    (response,) = replay(tmp_path / "log", [request("问题一")], reasoning=reasoning)[0].values()
    return response.finish


@pytest.mark.parametrize(
    ("fields", "results", "expected"),
    [
        (harness("a" * 99), "{}", "stop"),
        (harness("a" * 100), "{}", "length"),
        (harness("字" * 33), "{}", "stop"),
        (harness("字" * 34), "{}", "length"),
        (harness(), None, "length"),
        (harness(until=["</s>", "<|im_end|>", "<｜end▁of▁sentence｜>", ""]), "{}", "stop"),
        (harness(until="<eos>"), "{}", "stop"),
        (harness(until=None), "{}", "stop"),
        (harness(until=["\n\n"]), "{}", "length"),
        (harness(until="问题："), "{}", "length"),
        (harness(until=["</think>"]), "{}", "length"),
        (harness(until=["<br>"]), "{}", "length"),
        (harness(until=7), "{}", "length"),
        (harness(max_gen_toks=None), "{}", "length"),
        (harness(max_gen_toks=None, max_new_tokens=50), "{}", "stop"),
        (harness("a" * 60, max_gen_toks=100, max_tokens=50), "{}", "length"),
        (harness(max_gen_toks="100"), "{}", "stop"),
        (harness(max_gen_toks=True), "{}", "length"),
        (harness(max_gen_toks=0), "{}", "length"),
        (harness(max_gen_toks=float("nan")), "{}", "length"),
        (harness(max_gen_toks=float("inf")), "{}", "length"),
        (harness(max_length=100), "{}", "length"),
        (harness(max_gen_toks=None), '{"config": {"model_args": {"max_gen_toks": 64}}}', "stop"),
        (harness(max_gen_toks=None), '{"config": {"model_args": "pretrained=x,max_gen_toks=64,dtype=auto"}}', "stop"),
        (harness(max_gen_toks=None), '{"config": {"model_args": "pretrained=x"}}', "length"),
        (harness(), '{"config": {"model_args": {"think_end_token": null}}}', "stop"),
        (harness(), '{"config": {"model_args": {"think_end_token": "</think>"}}}', "length"),
        (harness(), '{"config": {"model_args": {"think_end_token": 128014}}}', "length"),
        (harness(), '{"config": {"model_args": "pretrained=x,think_end_token=</think>"}}', "length"),
        (harness(), '{"config": null}', "stop"),
    ],
)
def test_a_text_is_whole_only_where_the_log_proves_it(tmp_path, fields, results, expected):
    assert finish(tmp_path, fields, results) == expected


def test_a_broken_results_file_is_no_proof_of_anything(tmp_path):
    with pytest.raises(DataError, match=r"^results_.*\.json: not JSON: .*; get the file of this run again"):
        finish(tmp_path, harness(), results='{"config": ')


def test_thinking_needs_its_tags(tmp_path):
    # as it came: that it holds thinking is seen where it would be judged
    assert answers_of(tmp_path, harness("想</think>好")) == (None, "想</think>好")
    assert answers_of(tmp_path, harness("想</think>好"), reasoning=R1) == ("想", "好")
    assert finish(tmp_path, harness("想</think>好"), reasoning=R1) == "stop"
    # the prompt opens the thinking and the suite does not say that the model thinks
    templated = [harness(prompt=f"<|User|>问题{n}<|Assistant|><think>\n") for n in "一二"]
    log(tmp_path / "two", *templated)
    (response,) = replay(tmp_path / "two", [request("问题一")])[0].values()
    assert response.error.startswith("its prompt opens the thinking")


def test_greedy_repeats_are_no_further_evidence(tmp_path):
    asked = [request("问题一", k=k, temperature=0.7) for k in range(2)]
    for arguments, expected in (
        ({}, False),
        ({"temperature": 0.7}, False),
        ({"do_sample": True}, False),
        ({"do_sample": True, "temperature": 0.7}, True),
        ({"do_sample": None, "temperature": 0.7}, True),
    ):
        fields = harness(**arguments)
        fields["resps"] = [["甲", "甲"]]
        log(tmp_path, fields)
        second = "甲" if expected else ("a greedy response repeated is no further evidence",)
        assert answers(tmp_path, asked) == ["甲", second]
    log(tmp_path, harness())
    _, notes = replay(tmp_path, asked[:1])
    assert notes == [
        "generated with max_gen_toks 100; the suite says max_tokens 1024",
        "generated at temperature 0; the suite says 0.7",
    ]


def test_by_id_a_document_names_the_item_and_doc_id_does_not(tmp_path):
    asked = [request("问题一", "1", benchmark="mine"), request("问题二", "2", benchmark="mine")]
    fields = harness(prompt="examples and the question in other words")
    log(tmp_path, fields)
    assert answers(tmp_path, asked, match="id") == ["可以。", (NO_ROW,)]
    assert answers(tmp_path, [request("问题一", "1", benchmark="other")], match="id") == [(NO_ROW,)]
    fields["doc"]["id"] = 2
    log(tmp_path, fields)
    assert answers(tmp_path, asked, match="id") == [(NO_ROW,), "可以。"]
    for broken in ({"doc": {"question": "x"}}, {"doc": None}):
        log(tmp_path, fields, {**fields, **broken})
        with pytest.raises(DataError, match=r"jsonl:2: its doc has no id, and doc_id only counts rows; say"):
            replay(tmp_path, asked, match="id")
    log(tmp_path, {**fields, "doc": {"id": 1.5}})
    with pytest.raises(DataError, match=r"jsonl:1: doc\.id is a text or a whole number, not a number"):
        replay(tmp_path, asked, match="id")
    assert answers(tmp_path, asked) == [(NO_ROW,)] * 2, "by prompt an odd id is the document's own affair"


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"arguments": []}, "arguments is neither the list nor the object lm-eval writes"),
        ({"arguments": "x"}, "arguments is neither"),
        ({"arguments": [[]]}, "arguments holds something that is no request"),
        ({"arguments": {"gen_args_0": 3}}, "arguments holds something"),
        ({"arguments": [[["a", "b"], {}]]}, "the prompt in arguments is a text, not a list"),
        ({"arguments": [[["no json"], {}]]}, "the messages in arguments are not JSON"),
        ({"arguments": [[['[{"role": "user"}]'], {}]]}, "the content of a message is a text, not null"),
        ({"arguments": [["a", {}], ["b", {}]]}, "several texts were generated for one document"),
        ({"resps": []}, "resps is one list of texts"),
        ({"resps": "text"}, "resps is one list"),
        ({"resps": [["a"], ["b"]]}, "resps is one list"),
        ({"resps": [[]]}, "resps is one list"),
        ({"resps": [[["-1.5", "False"]]]}, "resps holds a list where a text should be"),
        ({"resps": [[None]]}, "resps holds null where"),
    ],
)
def test_a_row_of_another_shape_is_a_mistake(tmp_path, change, mistake):
    log(tmp_path, harness(), {**harness(), **change})
    with pytest.raises(DataError) as wrong:
        replay(tmp_path, [])
    assert str(wrong.value).startswith(f"samples_mine_{DATE}.jsonl:2: {mistake}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("until", "max_gen_toks", "max_tokens", "temperature", "do_sample", "max_length")


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["doc", "arguments", "resps"]), JSON),
    st.none() | st.dictionaries(st.sampled_from(NAMES), JSON),
    st.none() | st.lists(JSON, max_size=3),
    st.sampled_from(["prompt", "id"]),
)
def test_whatever_a_row_is_it_is_read_or_refused(change, generation, texts, match):
    fields = {**harness(), **change}
    if generation is not None:
        fields["arguments"] = [["问题一", generation]]
    if texts is not None:
        fields["resps"] = [texts]
    run = harness_run({"config": {"model_args": change.get("doc")}})
    try:
        found = parse_harness_row(fields, run, reasoning=None, match=match)
    except DataError:
        return
    for k, recorded in enumerate(found):
        assert recorded.k == k
        assert (recorded.response is None) <= (recorded.problem is not None)
    json.dumps(list(run.generation), allow_nan=False)


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1, max_size=40), st.integers(1, 60))
def test_a_text_that_could_have_reached_the_limit_is_never_whole(text, limit):
    line = json.dumps(harness(text, max_gen_toks=limit)).encode()
    (recorded,) = parse_harness_row(parse_line(line), copy.deepcopy(WHOLE), reasoning=None, match="prompt")
    if recorded.problem is None:
        assert (recorded.response.finish == "stop") == (len(text.encode()) < limit)
