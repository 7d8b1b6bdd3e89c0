"""The vLLM engine on a real, small, random-weight Qwen2, beside the transformers engine."""

from __future__ import annotations

import json
import math
import random
import shutil

import pytest
from tiny_qwen2 import ask, build, engine_spec

from dsafe_runner.engines.backends import identify
from dsafe_runner.engines.vllm.engine import VllmEngine
from dsafe_runner.errors import EngineError, UnavailableError
from dsafe_runner.suite.spec import Model
from dsafe_runner.suite.spec import VllmEngine as Spec

ABCD = ("A", "B", "C", "D")


def vllm_spec(**more):
    return Spec(backend="vllm", threads=1, **more).model_dump(mode="json")


def model_spec(model, **more):
    return {**Model(path=str(model.folder), engine="e").model_dump(mode="json"), "name": "tiny", **more}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    # vLLM's attention on the CPU wants heads of at least 32
    return build(tmp_path_factory.mktemp("tiny-qwen2"), heads=2)


@pytest.fixture(scope="module")
def transformers_answers(tiny):
    """Answers of the transformers engine, by key; loaded before vLLM changes how this process uses its threads."""
    from dsafe_runner.engines.hf.engine import TransformersEngine

    with TransformersEngine(tiny.spec(), engine_spec()) as running:
        yield lambda requests: {r.key: r for r in running.generate(requests)}


@pytest.fixture(scope="module")
def engine(tiny, transformers_answers):
    with VllmEngine(model_spec(tiny), vllm_spec()) as running:
        yield running


def answers(engine, requests):
    responses = list(engine.generate(requests))
    assert len(responses) == len(requests)
    return {r.key: r for r in responses}


def questions(count, **sampling):
    return [ask("题目" * (1 + 7 * i % 11) + str(i), seed=2**63 - 1 - i, **sampling) for i in range(count)]


def test_greedy_texts_are_those_of_transformers_end_tokens_and_budgets_included(engine, transformers_answers):
    requests = [
        *questions(24, max_tokens=32),
        *questions(8, max_tokens=1000),
        ask("长" * 300),
        ask("<|im_end|><|end|>"),
    ]
    ours, theirs = answers(engine, requests), transformers_answers(requests)
    same = [key for key in ours if ours[key] == theirs[key]]
    assert len(same) >= len(requests) - 1  # random weights tie more often than trained ones
    assert {r.finish for r in ours.values()} == {"stop", "length", "error"}
    assert [r.error for r in ours.values() if r.error] == [r.error for r in theirs.values() if r.error]


def test_a_seed_decides_the_draw_whatever_runs_beside_it(engine):
    requests = questions(24, temperature=1.0, top_p=0.95, max_tokens=24)
    once = answers(engine, requests)
    mixed = requests + questions(30, temperature=0.7, max_tokens=40) + questions(5, max_tokens=8)
    random.Random(3).shuffle(mixed)
    again = answers(engine, mixed)
    assert {key: again[key] for key in once} == once
    for request in requests[:3]:
        assert answers(engine, [request])[request.key] == once[request.key]
    first, other = (ask("抽样", temperature=1.0, seed=seed) for seed in (5, 6))
    drawn = answers(engine, [first, other])
    assert drawn[first.key].answer != drawn[other.key].answer


def test_draws_follow_the_models_distribution(tiny, engine):
    import torch
    from transformers import AutoModelForCausalLM

    requests = [ask("分布", temperature=0.7, top_p=0.6, seed=i, max_tokens=1) for i in range(1500)]
    first = [r.answer for r in answers(engine, requests).values()]
    ids = engine._loaded.prompts.prepare(requests[:1])[0].ids
    network = AutoModelForCausalLM.from_pretrained(tiny.folder, dtype=torch.float32)
    with torch.inference_mode():
        p = (network(torch.tensor([ids])).logits[0, -1] / 0.7).softmax(-1)
    order = p.argsort(descending=True)
    kept = order[: int((p[order].cumsum(0) - p[order] < 0.6).sum())].tolist()
    total = float(p[kept].sum())
    texts = {}
    for token in kept:  # several tokens can be one text: half a character, an end of text
        text = engine._replies.text(engine._loaded.prompts.prepare(requests[:1])[0], [token], "length").answer
        texts[text] = texts.get(text, 0.0) + float(p[token]) / total
    assert set(first) <= set(texts), "a token outside the nucleus was drawn"
    chi2 = sum((first.count(t) - 1500 * q) ** 2 / (1500 * q) for t, q in texts.items() if 1500 * q >= 5)
    cells = sum(1500 * q >= 5 for q in texts.values())
    assert cells >= 2
    assert chi2 < cells + 5 * math.sqrt(2 * cells)


def test_letters_are_scored_as_transformers_scores_them(engine, transformers_answers):
    requests = [ask("选哪个" * (1 + i), letters=ABCD[: 2 + i % 3]) for i in range(20)]
    mixed = [*questions(5, max_tokens=8), *requests]
    ours, theirs = answers(engine, mixed), transformers_answers(requests)
    for request in requests:
        said, expected = ours[request.key], theirs[request.key]
        assert said.letter_logprobs == pytest.approx(expected.letter_logprobs, abs=1e-3)
        assert (said.answer, said.prompt_sha256) == (expected.answer, expected.prompt_sha256)
        assert (said.finish, said.completion_tokens) == ("stop", 0)


def test_a_request_that_cannot_be_drawn_fails_alone(engine):
    hot, cold = ask("热", temperature=3.0), ask("冷", temperature=0.001)
    letters, good = ask("选", letters=("A", "可以吗")), ask("好", max_tokens=2)
    got = answers(engine, [hot, cold, letters, good])
    assert "temperature 0 and from 0.01 to 2" in got[hot.key].error
    assert got[cold.key].finish == "error"
    assert "not a single token" in got[letters.key].error
    assert got[good.key].finish == "length"


def test_an_abandoned_generate_leaves_nothing_behind(engine):
    stream = engine.generate(questions(12, max_tokens=40))
    next(stream)
    stream.close()
    after = questions(3, max_tokens=4)
    assert set(answers(engine, after)) == {r.key for r in after}
    assert not engine._loaded.core.has_unfinished_requests()


def test_describe_is_json_and_says_what_can_move_a_number(engine):
    said = json.loads(json.dumps(engine.describe()))
    assert (said["device"], said["dtype"], said["batch_invariant"]) == ("cpu", "float32", False)
    assert (said["prefix_caching"], said["chunked_prefill"], said["eager"]) == (False, False, True)
    assert (said["eos_token_ids"], said["context_length"], said["threads"]) == ([0, 1, 2], 512, 1)
    assert said["all_weights_checked"] is True
    assert {"vllm", "torch", "transformers", "python", "attention", "chat_template_sha256"} <= set(said)


def test_identity_tells_what_moves_an_answer_and_leaves_out_what_shapes_batches(tiny, monkeypatch):
    def facts(**engine):
        return identify(model_spec(tiny), vllm_spec(**engine), cache={}, download=False)

    plain = facts()
    assert (plain.device, plain.gpus) == ("cpu", 0)
    assert plain.facts["versions"]["vllm"].startswith("0.")
    assert facts(max_num_seqs=4, gpu_memory_utilization=0.5).facts == plain.facts
    for other in ({"dtype": "bfloat16"}, {"context_length": 64}, {"quantization": "fp8"}):
        assert facts(**other).facts != plain.facts
    monkeypatch.setenv("VLLM_API_KEY", "sesame")
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "2")
    assert facts().facts == plain.facts
    monkeypatch.setenv("VLLM_CPU_ATTN_SPLIT_KV", "0")
    assert facts().facts["environment"] == {**plain.facts["environment"], "VLLM_CPU_ATTN_SPLIT_KV": "0"}
    for wanted, words in (
        ({"device": "cuda"}, "runs on cpu"),
        ({"tensor_parallel_size": 2}, "needs GPUs"),
        ({"batch_invariant": "require"}, "has a cpu device"),
    ):
        with pytest.raises(UnavailableError, match=words):
            facts(**wanted)


def changed(tiny, folder, weights=None, **config):
    """A copy of the checkpoint with some weights replaced (None: left out) or some of its config."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(tiny.folder, folder)
    held = {**load_file(folder / "model.safetensors"), **(weights or {})}
    save_file({k: v for k, v in held.items() if v is not None}, folder / "model.safetensors", {"format": "pt"})
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, **config}))
    return {"path": str(folder)}


def test_a_checkpoint_that_cannot_be_gated_is_refused_in_one_line(tiny, tmp_path, monkeypatch):
    """Above all one that lacks weights: vLLM itself would run it on whatever the memory held."""

    def refusal(kind, model, **engine):
        with pytest.raises(kind) as caught, VllmEngine(model_spec(tiny, **model), vllm_spec(**engine)):
            raise AssertionError("it started")
        assert "\n" not in str(caught.value)
        return str(caught.value)

    for name in ("model.layers.1.self_attn.q_proj.weight", "lm_head.weight", "model.embed_tokens.weight"):
        lacking = changed(tiny, tmp_path / name, {name: None})
        assert f"lacks 1 weights of its architecture, e.g. {name}" in refusal(EngineError, lacking)
    assert "not supported" in refusal(EngineError, changed(tiny, tmp_path / "arch", architectures=["NoSuchModel"]))
    assert "more than the 512 tokens" in refusal(EngineError, {}, context_length=1024)
    assert "no chat template" in refusal(
        EngineError, {"path": str(build(tmp_path / "bare", template=None, heads=2).folder)}
    )
    assert "there is no folder" in refusal(UnavailableError, {"path": str(tmp_path / "nowhere")})
    assert "Cannot find the config file for awq" in refusal(EngineError, {}, quantization="awq")
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "4000")
    assert "out of memory" in (said := refusal(EngineError, {}))
    assert "lower context_length or max_num_seqs" in said


def test_numbers_that_are_none_are_errors_not_answers(tiny, tmp_path):
    from safetensors.torch import load_file

    head = load_file(tiny.folder / "model.safetensors")["lm_head.weight"].clone()
    head[17] = float("nan")
    broken = changed(tiny, tmp_path / "nan", {"lm_head.weight": head})
    with VllmEngine(model_spec(tiny, **broken), vllm_spec()) as running:
        got = answers(running, [ask("一"), ask("二", temperature=1.0), ask("三", letters=ABCD)])
    assert all(r.finish == "error" and "no numbers" in r.error for r in got.values())
