"""What a checkpoint's chat template and tokenizer show of its thinking."""

from __future__ import annotations

import json

import pytest

from dsafe_runner.cli import main
from dsafe_runner.engines.thinking_format import format_of

R1 = "{% if '</think>' in c %}{% set c = c.split('</think>')[-1] %}{% endif %}<｜Assistant｜><think>\n"
QWEN = "<|im_start|>assistant\n{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}"
MISTRAL = "[INST]{{ m }}[/INST]{% if m.thinking %}[THINK]{{ m.thinking }}[/THINK]{% endif %}"
HARMONY = "<|start|>assistant<|channel|>final<|message|>{{ m }}<|return|>"
PLAIN = "<|im_start|>user\n{{ m }}<|im_end|>\n"


@pytest.mark.parametrize(
    ("template", "expected"),
    [(R1, "deepseek-r1"), (QWEN, "qwen3"), (MISTRAL, "mistral"), (HARMONY, "harmony"), (PLAIN, None)],
)
@pytest.mark.parametrize("place", ["chat_template.jinja", "tokenizer_config.json", "list"])
def test_the_template_tells(tmp_path, template, expected, place):
    if place == "chat_template.jinja":
        (tmp_path / place).write_text(template)
    else:
        said = template if place == "tokenizer_config.json" else [{"name": "default", "template": template}]
        (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": said}))
    # tokens of a sibling that thinks say nothing beside a template
    (tmp_path / "tokenizer.json").write_text(json.dumps({"added_tokens": [{"content": "<think>"}]}))
    assert format_of(str(tmp_path)) == expected


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        ("tokenizer.json", {"added_tokens": [{"content": "<think>"}, {"content": "</think>"}]}, "deepseek-r1"),
        ("tokenizer_config.json", {"added_tokens_decoder": {"7": {"content": "<|channel|>"}}}, "harmony"),
        ("tekken.json", {"special_tokens": [{"token_str": "[THINK]"}]}, "mistral"),
        ("tokenizer.json", {"added_tokens": [{"content": "<|im_end|>"}]}, None),
        ("tokenizer.json", [], None),
    ],
)
def test_without_a_template_the_tokens_tell(tmp_path, name, said, expected):
    (tmp_path / name).write_text(json.dumps(said))
    assert format_of(str(tmp_path)) == expected


def test_nothing_is_known_of_what_is_not_here(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert format_of("nobody/has-this-model") is None
    assert format_of("./absent") is None


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ([], "reasoning: qwen3}"),
        (["--reasoning", "none"], "reasoning: none}"),
        (["--base", "./old"], "reasoning: qwen3}"),
    ],
)
def test_init_writes_it(tmp_path, monkeypatch, options, written):
    monkeypatch.chdir(tmp_path)
    for name, template in (("new", QWEN), ("old", PLAIN)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "chat_template.jinja").write_text(template)
    assert main(["init", "./new", *options]) == 0
    lines = (tmp_path / "suites/new.safety.yaml").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("  new: ")]
    assert line.endswith(written)
    assert not any("reasoning" in line.partition("#")[0] for line in lines if line.startswith("  base: "))
