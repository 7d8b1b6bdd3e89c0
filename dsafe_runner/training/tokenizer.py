"""A tokenizer made of a word list: each listed word is one token, any other text is bytes.

The words are added tokens of a byte-level BPE without merges. They are matched before anything else is done to a text,
longest first, so they mean the same in every loader. (Transformers 5 gives a checkpoint of type qwen2 the Qwen2
pre-tokenizer, whatever its tokenizer.json says: trained merges and a pre-tokenizer of our own came back as other ids.)
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dsafe_runner.errors import TrainingError
from dsafe_runner.training import templates


def make_tokenizer(words: Iterable[str], context: int) -> Any:
    """A Qwen2Tokenizer of the 256 bytes, the special tokens and `words`; `context` is its model_max_length.

    TrainingError: a word would be decoded as something else (`×` is a letter of the byte alphabet, and so are é and ü).
    """
    from tokenizers import AddedToken, pre_tokenizers
    from transformers import Qwen2Tokenizer

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    first = [*templates.SPECIALS, *alphabet]
    tokenizer = Qwen2Tokenizer(
        vocab={token: n for n, token in enumerate(first)},
        merges=[],
        unk_token=None,
        bos_token=templates.BOS,
        eos_token=templates.EOS,
        pad_token=templates.PAD,
        additional_special_tokens=[templates.USER, templates.ASSISTANT],
        model_max_length=context,
        padding_side="left",
    )
    listed = [*templates.MARKERS, *(f"{letter}. " for letter in "ABCD"), *dict.fromkeys(words)]
    tokenizer.add_tokens([AddedToken(w, special=False, normalized=False) for w in listed])
    for word in listed:
        ids = tokenizer(word, add_special_tokens=False)["input_ids"]
        if len(ids) != 1 or tokenizer.decode(ids) != word:
            raise TrainingError(
                f"the word {word!r} is decoded as {tokenizer.decode(ids)!r}; replace it in the word list"
            )
    return tokenizer


def check_reload(tokenizer: Any, folder: Path, texts: Iterable[str]) -> None:
    """TrainingError: the checkpoint in `folder` is served with a tokenizer that reads one of `texts` differently."""
    from transformers import AutoTokenizer

    served = AutoTokenizer.from_pretrained(folder)
    for text in texts:
        here = tokenizer(text, add_special_tokens=False)["input_ids"]
        there = served(text, add_special_tokens=False)["input_ids"]
        if list(here) != list(there):
            raise TrainingError(
                f"the tokenizer is loaded back as {type(served).__name__} and reads {text[:40]!r} as other tokens "
                f"({len(there)}, not {len(here)}); the model would be served what it was not trained on"
            )
