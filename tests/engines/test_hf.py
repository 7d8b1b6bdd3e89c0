"""The transformers engine on a real, small, random-weight Qwen2."""

from __future__ import annotations

import json
import math
import random
import shutil

import pytest
from tiny_qwen2 import ask, build, engine_spec

from dsafe_runner.engines.hf.engine import TransformersEngine
from dsafe_runner.errors import EngineError, UnavailableError
from dsafe_runner.records import Message, Request, Sampling

ABCD = ("A", "B", "C", "D")


@pytest.fixture(scope="module")
def engine(tiny):
    with TransformersEngine(tiny.spec(), engine_spec()) as running:
        yield running


def answers(engine, requests):
    responses = list(engine.generate(requests))
    assert len(responses) == len(requests)
    return {r.key: r for r in responses}


def questions(count, **sampling):
    return [ask("题目" * (1 + 7 * i % 11) + str(i), seed=100 + i, **sampling) for i in range(count)]


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_a_text_depends_on_its_request_alone(tiny, engine, temperature):
    requests = questions(16, temperature=temperature, top_p=0.95, max_tokens=32)
    with TransformersEngine(tiny.spec(), engine_spec(max_batch_size=1)) as alone:
        expected = answers(alone, requests)
    mixed = requests + questions(5, temperature=temperature, top_p=0.95, max_tokens=32)
    random.Random(3).shuffle(mixed)
    batched = answers(engine, mixed)
    assert {k: batched[k] for k in expected} == expected


def test_rows_that_finish_early_leave_the_batch_without_disturbing_the_others(tiny, engine):
    requests = questions(16, temperature=1.5, max_tokens=100)
    batched = answers(engine, requests)
    ends = [r.completion_tokens for r in batched.values()]
    assert len(set(ends)) > 5, "the model should end its texts at different lengths"
    assert {r.finish for r in batched.values()} == {"stop", "length"}
    with TransformersEngine(tiny.spec(), engine_spec(max_batch_size=1)) as alone:
        assert answers(alone, requests) == batched


def test_the_seed_decides_the_draw(engine):
    once, again, other = (ask("抽样", temperature=1.0, seed=seed) for seed in (5, 5, 6))
    drawn = answers(engine, [once, again, other])
    assert drawn[once.key].answer == drawn[again.key].answer
    assert drawn[once.key].answer != drawn[other.key].answer


def test_draws_follow_the_models_distribution(tiny, engine):
    import torch

    requests = [ask("分布", temperature=0.7, top_p=0.6, seed=i, max_tokens=1) for i in range(1500)]
    first = [r.answer for r in answers(engine, requests).values()]
    loaded = engine._loaded
    ids = loaded.prompts.prepare(requests[:1])[0].ids
    with torch.inference_mode():
        p = (loaded.model(torch.tensor([ids])).logits[0, -1] / 0.7).softmax(-1)
    order = p.argsort(descending=True)
    kept = order[: int((p[order].cumsum(0) - p[order] < 0.6).sum())].tolist()
    total = float(p[kept].sum())
    share = {token: float(p[token]) / total for token in kept}
    texts = {}
    for token in kept:
        text = loaded.tokenizer.decode([token], clean_up_tokenization_spaces=False)
        text = "" if token in loaded.eos else text
        texts[text] = texts.get(text, 0.0) + share[token]
    assert set(first) <= set(texts), "a token outside the nucleus was drawn"
    chi2 = sum((first.count(t) - 1500 * q) ** 2 / (1500 * q) for t, q in texts.items() if 1500 * q >= 5)
    cells = sum(1500 * q >= 5 for q in texts.values())
    assert cells >= 2
    assert chi2 < cells + 5 * math.sqrt(2 * cells)


def test_greedy_uses_nothing_of_the_checkpoints_sampling_defaults(tiny, engine):
    import torch
    from transformers import AutoModelForCausalLM

    request = ask("贪心", max_tokens=12)
    ids = engine._loaded.prompts.prepare([request])[0].ids
    bare = AutoModelForCausalLM.from_pretrained(tiny.folder, dtype=torch.float32)
    assert bare.generation_config.repetition_penalty == 1.9
    tokens = list(ids)
    with torch.inference_mode():
        for _ in range(12):
            tokens.append(int(bare(torch.tensor([tokens])).logits[0, -1].argmax()))
    got = answers(engine, [request])[request.key]
    text = engine._loaded.tokenizer.decode(tokens[len(ids) :], clean_up_tokenization_spaces=False)
    assert got.answer == text
    assert got.completion_tokens == 12
    assert got.prompt_tokens == len(ids)


def test_end_tokens_of_generation_config_and_tokenizer_both_end_a_text(engine):
    assert engine.describe()["eos_token_ids"] == [0, 1, 2]  # 1 opens a turn


def test_padding_with_an_end_token_cuts_nothing(engine):
    assert engine._loaded.pad in engine._loaded.eos  # the tokenizer has no pad token inside the vocabulary
    long, short = ask("长" * 60, max_tokens=8), ask("短", max_tokens=8)
    assert {r.completion_tokens for r in answers(engine, [long, short]).values()} == {8}


def test_the_context_ends_a_text_and_refuses_a_prompt(tiny):
    with TransformersEngine(tiny.spec(), engine_spec(context_length=64)) as small:
        fits, full = ask("甲" * 5, max_tokens=1000), ask("乙" * 60)
        got = answers(small, [fits, full])
        assert got[full.key].finish == "error"
        size = len(small._loaded.tokenizer(small._loaded.prompts._text(full), add_special_tokens=False)["input_ids"])
        assert got[full.key].error == f"prompt of {size} tokens does not fit the context of 64"
        assert got[fits.key].finish == "length"
        assert got[fits.key].prompt_tokens + got[fits.key].completion_tokens == 64


def test_letters_are_the_models_own_log_probabilities_in_any_batch(engine):
    import torch

    requests = [ask("选哪个" * (1 + i), letters=ABCD) for i in range(11)]
    got = answers(engine, requests)
    loaded = engine._loaded
    ids = loaded.tokenizer(["答案：" + letter for letter in ABCD], add_special_tokens=False)["input_ids"]
    for request in requests:
        item = loaded.prompts.prepare([request])[0]
        with torch.inference_mode():
            logp = loaded.model(torch.tensor([item.ids])).logits[0, -1].log_softmax(-1)
        response = got[request.key]
        assert response.letter_logprobs == pytest.approx(
            {x: float(logp[i[-1]]) for x, i in zip(ABCD, ids, strict=True)}, abs=1e-4
        )
        assert response.answer == max(response.letter_logprobs, key=response.letter_logprobs.get)
        assert response.finish == "stop"


@pytest.mark.parametrize(
    ("letters", "words"),
    [(("A", "可以吗"), "not a single token"), (("A", "A"), "not distinct"), (("A",), "at least two")],
)
def test_letters_that_cannot_be_scored_are_an_error_of_their_request(engine, letters, words):
    bad, good = ask("选", letters=letters), ask("选", letters=ABCD)
    got = answers(engine, [bad, good])
    assert got[bad.key].finish == "error"
    assert words in got[bad.key].error
    assert got[good.key].finish == "stop"


def test_out_of_memory_halves_the_batch_and_names_a_request_that_fits_nowhere(tiny):
    import torch

    requests = questions(13, max_tokens=6)
    huge = ask("大" * 90, max_tokens=6)
    with TransformersEngine(tiny.spec(), engine_spec()) as engine:
        expected = answers(engine, requests)
        rows = []

        def limited(module, args, kwargs):
            batch, width = kwargs["input_ids"].shape
            rows.append(batch)
            if batch > 3 or width > 200:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

        engine._loaded.model.register_forward_pre_hook(limited, with_kwargs=True)
        got = answers(engine, [*requests, huge])
    assert max(rows) == 8
    failed = got.pop(huge.key)
    assert failed.finish == "error"
    assert "out of memory for a single request" in failed.error
    assert got == expected


def test_allocation_failure_of_the_cpu_counts_as_out_of_memory(engine):
    handle = engine._loaded.model.register_forward_pre_hook(_allocate_too_much)
    try:
        got = list(engine.generate([ask("一")]))
    finally:
        handle.remove()
    assert "out of memory" in got[0].error


def _allocate_too_much(module, args):
    import torch

    torch.empty(2**52, dtype=torch.int8)  # more than an address has bits for, whatever the machine overcommits


def test_numbers_that_are_none_are_errors_not_answers(tiny, tmp_path):
    import torch

    with TransformersEngine(tiny.spec(), engine_spec()) as engine:
        with torch.no_grad():
            engine._loaded.model.lm_head.weight[17] = float("nan")
        requests = [ask("一"), ask("二", temperature=1.0), ask("三", letters=ABCD)]
        got = answers(engine, requests)
    assert all(r.finish == "error" and "no numbers" in r.error for r in got.values())


def test_a_fault_of_the_model_is_an_engine_error(tiny):
    with TransformersEngine(tiny.spec(), engine_spec()) as engine:
        engine._loaded.model.register_forward_pre_hook(_fault)
        with pytest.raises(EngineError, match="RuntimeError: shapes do not fit"):
            list(engine.generate([ask("一")]))


def _fault(module, args):
    raise RuntimeError("shapes do not fit\nat all")


def test_thinking_is_kept_apart_also_where_tags_are_special_tokens(tiny_r1):
    with TransformersEngine(tiny_r1.spec(reasoning="deepseek-r1"), engine_spec()) as engine:
        assert engine.describe()["prefilled_thinking"]
        cut = ask("想一想", max_tokens=4)
        got = answers(engine, [cut])[cut.key]
        assert (got.answer, got.thinking_open, got.finish) == ("", True, "length")
        assert got.thinking
        tokenizer = engine._loaded.tokenizer
        close = tokenizer.convert_tokens_to_ids("</think>")
        assert tokenizer.added_tokens_decoder[close].special
        word = engine._loaded.tokenizer("答案", add_special_tokens=False)["input_ids"]
        item = engine._loaded.prompts.prepare([cut])[0]
        made = engine._replies.text(item, [*word, close, *word, 1, 2], "stop")
        assert (made.thinking, made.answer, made.thinking_open) == ("答案", "答案", False)


def test_letters_of_a_reasoning_model_follow_a_closed_think_block(tiny_r1):
    with TransformersEngine(tiny_r1.spec(reasoning="deepseek-r1"), engine_spec()) as engine:
        text = engine._loaded.prompts._text(ask("选", letters=ABCD))
    assert text == "<|User|>选<|Assistant|><think>\n\n</think>\n\n答案："


def test_system_prompt_goes_before_conversations_that_have_none(tiny):
    with TransformersEngine(tiny.spec(system_prompt="请小心"), engine_spec()) as engine:
        plain = engine._loaded.prompts._text(ask("你好"))
        own = Request("k", "s", 0, (Message("system", "别的"), Message("user", "你好")), Sampling(), 0)
        assert plain.startswith("<|im_start|>system\n请小心<|im_end|>\n<|im_start|>user\n你好")
        assert "请小心" not in engine._loaded.prompts._text(own)


def test_a_template_that_refuses_a_conversation_fails_that_request_alone(tmp_path):
    template = (
        "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system turns') }}{% endif %}"
    )
    model = build(tmp_path, template=template + "{{ m['content'] }}{% endfor %}")
    with TransformersEngine(model.spec(), engine_spec()) as engine:
        bad = Request("bad", "s", 0, (Message("system", "x"), Message("user", "y")), Sampling(), 0)
        got = answers(engine, [bad, ask("好", max_tokens=2)])
    assert got["bad"].error == "the chat template refused the conversation: no system turns"


def test_what_cannot_be_gated_is_said_in_one_line(tiny, tiny_r1, tmp_path):
    def refusal(kind, spec, **engine):
        with pytest.raises(kind) as caught, TransformersEngine(spec, engine_spec(**engine)):
            raise AssertionError("it started")
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "no chat template" in refusal(EngineError, build(tmp_path / "bare", template=None).spec())
    assert "say `reasoning: deepseek-r1`" in refusal(EngineError, tiny_r1.spec())
    assert "more than the 512 tokens" in refusal(EngineError, tiny.spec(), context_length=1024)
    assert "torch sees no GPU" in refusal(UnavailableError, tiny.spec(), device="cuda") or _has_gpu()
    assert "there is no folder" in refusal(UnavailableError, tiny.spec(path=str(tmp_path / "nowhere")))
    broken = tmp_path / "broken"
    shutil.copytree(tiny.folder, broken)
    (broken / "model.safetensors").write_bytes(b"not safetensors at all")
    assert "transformers cannot load" in refusal(EngineError, tiny.spec(path=str(broken)))


def _has_gpu():
    import torch

    return torch.cuda.is_available()


def test_a_checkpoint_with_weights_missing_is_refused(tiny, tmp_path):
    shutil.copytree(tiny.folder, tmp_path / "deep")
    config = json.loads((tmp_path / "deep/config.json").read_text())
    config["num_hidden_layers"] = 3
    config.pop("layer_types", None)
    (tmp_path / "deep/config.json").write_text(json.dumps(config))
    with (
        pytest.raises(EngineError, match=r"lacks .* weights"),
        TransformersEngine(tiny.spec(path=str(tmp_path / "deep")), engine_spec()),
    ):
        raise AssertionError("it started")


def test_describe_is_json_and_says_what_can_move_a_number(engine):
    said = json.loads(json.dumps(engine.describe()))
    assert said["dtype"] == "float32"
    assert said["device"] == "cpu"
    assert said["attention"] == "sdpa"
    assert said["context_length"] == 512
    assert {"torch", "transformers", "tokenizers", "python", "threads", "chat_template_sha256"} <= set(said)


def test_bfloat16_runs_where_asked_for(tiny):
    with TransformersEngine(tiny.spec(), engine_spec(dtype="bfloat16")) as engine:
        assert engine.describe()["dtype"] == "bfloat16"
        assert not engine.describe()["batch_invariant"]
        got = list(engine.generate([ask("一", max_tokens=3), ask("二", letters=ABCD)]))
    assert all(r.finish != "error" for r in got)
