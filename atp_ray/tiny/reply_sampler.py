"""Sampling replies from a checkpoint without an engine, for calibration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from atp_ray.play.prompts import Message

REPLIES_AT_ONCE = 128
MAX_NEW_TOKENS = 96


class ReplySampler:
    """Samples free replies from a checkpoint with transformers, at temperature 1, in batches, on a GPU if any."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self._model.to("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(seed)

    def replies(self, conversations: Sequence[list[Message]]) -> list[str]:
        """Return one reply per conversation."""
        texts = [
            self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            for messages in conversations
        ]
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        replies = [""] * len(texts)
        for start in range(0, len(order), REPLIES_AT_ONCE):
            chosen = order[start : start + REPLIES_AT_ONCE]
            batch = self._tokenizer([texts[i] for i in chosen], return_tensors="pt", padding=True).to(
                self._model.device
            )
            with torch.inference_mode():
                ids = self._model.generate(
                    input_ids=batch["input_ids"],
                    attention_mask=batch["attention_mask"],
                    max_new_tokens=MAX_NEW_TOKENS,
                    do_sample=True,
                    temperature=1.0,
                    top_k=0,
                    top_p=1.0,
                )
            new = self._tokenizer.batch_decode(ids[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
            for i, reply in zip(chosen, new, strict=True):
                replies[i] = reply
        return replies
