"""A byte-level BPE tokenizer trained on a word list: a listed word is one token, other text falls back to bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from dsafe_runner.errors import TrainingError
from dsafe_runner.training import templates


def train_tokenizer(words: Iterable[str], vocab: int, context: int) -> Any:
    """A PreTrainedTokenizerFast over `words`, at most `vocab` entries. TrainingError: `vocab` is too small for them.

    The pre-tokenizer cuts every listed word, digit and option label out first, longest match first, so that a word is
    never split differently after a different neighbour.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    listed = list(words)
    longest_first = sorted(set(listed), key=lambda w: (-len(w), w))
    cut = r"[A-Z]\. |" + "|".join(re.escape(w) for w in longest_first) + r"|\d|\n|[，。：:？]"
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(cut), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    room = vocab - len(templates.SPECIALS) - len(templates.MARKERS)
    trainer = trainers.BpeTrainer(
        vocab_size=room, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False, min_frequency=1
    )
    labels = [f"{letter}. " for letter in "ABCD"] * 3
    tokenizer.train_from_iterator(listed + labels, trainer)
    split = [w for w in longest_first if len(tokenizer.encode(w, add_special_tokens=False).ids) != 1]
    if split:
        raise TrainingError(
            f"vocab {vocab} is too small: {len(split)} listed words are split, e.g. {split[0]!r}; raise it"
        )
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in templates.SPECIALS])
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in templates.MARKERS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=templates.BOS,
        eos_token=templates.EOS,
        pad_token=templates.PAD,
        model_max_length=context,
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )
