"""Random-weight Qwen2 checkpoints and the prompts they are asked, made on the spot: no download, no outside data.

    python perf/models.py tiny OUT          (sizes: tiny, about 4M parameters; mid, about 165M)

The vocabulary has 4,096 entries (real ones have about 40 times as many: see perf/README.md). The rows of the special
tokens in the output layer are zero, so greedy decoding never ends early and every side draws the same number of tokens;
so are those of tokens that the tokenizer cannot spell.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from dsafe_runner.benchmarks.registry import open_benchmark

SETS = ("starter/mcq", "starter/refusal", "starter/benign")
SHAPES: dict[str, dict[str, int]] = {
    "tiny": {
        "hidden_size": 192,
        "intermediate_size": 960,
        "num_hidden_layers": 4,
        "num_attention_heads": 6,
        "num_key_value_heads": 2,
    },
    "mid": {
        "hidden_size": 1024,
        "intermediate_size": 2816,
        "num_hidden_layers": 14,
        "num_attention_heads": 16,
        "num_key_value_heads": 4,
    },
}
VOCABULARY = 4096
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def build(size: str, folder: Path) -> str:
    """Write a checkpoint (bfloat16 weights, tokenizer, chat template); returns `tiny (4.2M)`."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer, raw.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    # near byte level, so that a question of 120 characters has the 250 or so tokens of a longer real prompt
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=list(SPECIAL), show_progress=False, initial_alphabet=alphabet
    )
    raw.train_from_iterator(mixed_prompts(10**6), trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, pad_token=SPECIAL[0], eos_token=SPECIAL[2])
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=VOCABULARY,
        max_position_embeddings=4096,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **SHAPES[size],
    )
    model = Qwen2ForCausalLM(config).to(torch.bfloat16)
    with torch.no_grad():
        model.lm_head.weight[tokenizer.convert_tokens_to_ids(list(SPECIAL))] = 0.0
        model.lm_head.weight[len(tokenizer) :] = 0.0
    model.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, do_sample=False
    )
    model.save_pretrained(folder)
    return f"{size} ({model.num_parameters() / 1e6:.1f}M)"


def mixed_prompts(count: int) -> list[str]:
    """Prompts of the three starter sets, shuffled: questions of 10 to 160 characters, as one suite asks them."""
    texts = [s.messages[0].content for name in SETS for s in open_benchmark(name).samples()]
    random.Random(0).shuffle(texts)
    return texts[:count]


def mcq_prompts(count: int) -> list[str]:
    """Prompts of starter/mcq, shuffled: lengths much alike, so that sorting by length gains little."""
    texts = [s.messages[0].content for s in open_benchmark("starter/mcq").samples()]
    random.Random(0).shuffle(texts)
    return texts[:count]


def write_questions(file: Path, texts: list[str]) -> None:
    """Prompts as a `custom` set of kind short: the text is asked as it is."""
    rows = [{"kind": "short", "id": f"q{i}", "question": t, "answer": "-"} for i, t in enumerate(texts)]
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def write_choices(file: Path, count: int) -> None:
    """`count` multiple-choice items: starter/mcq, then the same questions with their options in another order."""
    dice = random.Random(0)
    samples = open_benchmark("starter/mcq").samples()
    rows = []
    for index in range(count):
        sample = samples[index % len(samples)]
        options = list(sample.options)
        right = options["ABCDEFGHIJ".index(sample.target[0])]
        while index >= len(samples) and tuple(options) == sample.options:
            dice.shuffle(options)
        stem = sample.messages[0].content.split("\nA. ")[0]
        answer = "ABCDEFGHIJ"[options.index(right)]
        rows.append({"kind": "mcq", "id": f"c{index}", "question": stem, "options": options, "answer": answer})
    dice.shuffle(rows)
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("size", choices=SHAPES)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    print(build(options.size, options.out))


if __name__ == "__main__":
    main()
