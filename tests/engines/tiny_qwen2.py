"""Builds a real, small, random-weight Qwen2 with its own tokenizer, and requests for it."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import itertools
import json
from dataclasses import dataclass
from pathlib import Path

from dsafe_runner.records import Message, Request, Sampling

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
R1 = (
    "{% for m in messages %}{% if m['role'] == 'user' %}<|User|>{{ m['content'] }}"
    "{% else %}{{ m['content'] }}{% endif %}{% endfor %}{% if add_generation_prompt %}<|Assistant|><think>\n{% endif %}"
)
LINES = [
    "问题：以下哪一项是对的？",
    "答案：",
    "A. 可以 B. 不可以 C. 不一定 D. 都不对",
    "我不能帮助你。",
    "hello world, this is a test",
]


@dataclass(frozen=True)
class TinyModel:
    """A checkpoint folder, as an engine gets it."""

    folder: Path

    def spec(self, **more):
        return {"name": "tiny", "path": str(self.folder), **more}


def engine_spec(**more):
    return {
        "backend": "transformers",
        "dtype": "auto",
        "device": "cpu",
        "context_length": None,
        "max_batch_tokens": 16384,
        "max_batch_size": 8,
        "threads": 1,
        "attention": "sdpa",
        **more,
    }


def build(
    folder: Path, *, template: str | None = CHATML, context: int = 512, think_special: bool = False, heads: int = 4
) -> TinyModel:
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    special = ["<|end|>", "<|im_start|>", "<|im_end|>", "<|User|>", "<|Assistant|>"]
    raw.train_from_iterator(
        LINES * 3,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|im_end|>")
    tokenizer.add_tokens([AddedToken(t, special=think_special, normalized=False) for t in ("<think>", "</think>")])
    if template is not None:
        tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    torch.manual_seed(7)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=heads,
        num_key_value_heads=heads // 2,
        max_position_embeddings=context,
        tie_word_embeddings=False,
        initializer_range=0.3,
        bos_token_id=None,
        eos_token_id=0,
    )
    model = Qwen2ForCausalLM(config)
    # a checkpoint's own sampling defaults, which the engine must not use
    model.generation_config = GenerationConfig(
        do_sample=True, temperature=3.0, top_k=5, repetition_penalty=1.9, eos_token_id=[0, 2], max_new_tokens=3
    )
    model.save_pretrained(folder)
    return TinyModel(folder)


def say(model: TinyModel, *pieces: str, eos: list[int]) -> None:
    """Make a built model say exactly these tokens after the last token of any prompt; no token twice.

    Without its layers a next token depends on the one before it alone. `eos`: the end tokens that its configs name.
    """
    import torch
    from transformers import AutoTokenizer, GenerationConfig, Qwen2ForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(model.folder)
    tokens = [tokenizer(piece, add_special_tokens=False)["input_ids"] for piece in ("\n", *pieces)]
    chain = [token for (token,) in tokens]
    network = Qwen2ForCausalLM.from_pretrained(model.folder)
    with torch.no_grad():
        for layer in network.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        for before, after in itertools.pairwise(chain):
            network.lm_head.weight[after] = 10 * network.model.embed_tokens.weight[before]
    network.generation_config = GenerationConfig(eos_token_id=eos)
    network.config.eos_token_id = eos
    network.save_pretrained(model.folder)


_keys = itertools.count()


def ask(text: str, *, seed: int = 0, k: int = 0, letters: tuple[str, ...] = (), **sampling) -> Request:
    """A request with a fresh key."""
    if letters:
        sampling["scoring"] = "letters"
    return Request(
        key=f"key{next(_keys)}",
        sample_id=f"s{text[:8]}",
        k=k,
        messages=(Message("user", text),),
        sampling=Sampling(**{"max_tokens": 24, **sampling}),
        seed=seed,
        letters=letters,
    )


REMOTE_CODE = '''
import os, signal, sys
from transformers import Qwen2ForCausalLM


class Noisy(Qwen2ForCausalLM):
    """Prints like a careless library; dies like an unlucky one after NOISY_DIES_AFTER calls."""

    calls = 0

    def forward(self, *args, **kwargs):
        Noisy.calls += 1
        print("progress", Noisy.calls, "{\\\\"done\\\\": true}")
        os.write(1, b"{\\\\"response\\\\": 1}\\\\n")
        if Noisy.calls > int(os.environ.get("NOISY_DIES_AFTER", "1000000")):
            sys.stderr.write("\\\\x1b[31mdevice-side fault triggered\\\\x1b[0m\\\\n\\\\n")
            sys.stderr.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(*args, **kwargs)
'''


def make_noisy(folder: Path) -> TinyModel:
    """The tiny checkpoint with Python code of its own that prints to stdout in every forward pass."""
    model = build(folder)
    (folder / "modeling_noisy.py").write_text(REMOTE_CODE.replace("\\\\", "\\"))
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModelForCausalLM": "modeling_noisy.Noisy"}
    (folder / "config.json").write_text(json.dumps(config))
    return model
