"""What everything is held against: load, sort by length, batches, `model.generate` (or one forward pass), JSONL.

    python perf/raw_loop.py MODEL ROWS.jsonl OUT.jsonl --dtype float32 --batch 32 [--new 32 | --letters]

ROWS holds one JSON string (a prompt) a line. OUT gets one line an item: its number of new tokens and
its text, or the log-probabilities of the letters A to D.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

CUE, LETTERS = "答案：", "ABCD"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("rows", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--new", type=int, default=32)
    parser.add_argument("--letters", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(options.model, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=getattr(torch, options.dtype)).eval()
    prompts = [json.loads(line) for line in options.rows.read_text(encoding="utf-8").splitlines()]
    texts = [
        tokenizer.apply_chat_template([{"role": "user", "content": p}], tokenize=False, add_generation_prompt=True)
        for p in prompts
    ]
    if options.letters:
        texts = [text + CUE for text in texts]
    ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
    order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
    found: dict[int, object] = {}
    for start in range(0, len(order), options.batch):
        batch = order[start : start + options.batch]
        inputs = tokenizer.pad({"input_ids": [ids[i] for i in batch]}, return_tensors="pt")
        if options.letters:
            found.update(zip(batch, letters(model, tokenizer, inputs), strict=True))
        else:
            found.update(zip(batch, texts_of(model, tokenizer, inputs, options.new), strict=True))
    options.out.write_text("".join(json.dumps(found[i]) + "\n" for i in range(len(ids))), encoding="utf-8")


def texts_of(model: Any, tokenizer: Any, inputs: Any, new: int) -> list[list[object]]:
    """New tokens and text of each row."""
    out = model.generate(**inputs, max_new_tokens=new, do_sample=False)[:, inputs["input_ids"].shape[1] :]
    return [[out.shape[1], text] for text in tokenizer.batch_decode(out, skip_special_tokens=True)]


def letters(model: Any, tokenizer: Any, inputs: Any) -> list[list[float]]:
    """Float32 log-probabilities of the letters at the last position of each row."""
    ids = [tokenizer.convert_tokens_to_ids(letter) for letter in LETTERS]
    with torch.inference_mode():
        positions = (inputs["attention_mask"].cumsum(-1) - 1).clamp(min=0)
        logits = model(**inputs, position_ids=positions, use_cache=False, logits_to_keep=1).logits[:, -1]
    scores: list[list[float]] = logits.float().log_softmax(-1)[:, ids].tolist()
    return scores


if __name__ == "__main__":
    main()
