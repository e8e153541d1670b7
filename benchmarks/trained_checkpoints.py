"""What trained checkpoints are worth to whoever loads them.

`python -m benchmarks.trained_checkpoints DEVICE BASE RESULT...` prints one line of JSON for each result, a whole model
or an adapter on BASE.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from atp_ray.alignment.pairs import PreferencePair
from benchmarks.decision_pairs import role_play_pairs
from benchmarks.one_training import PAIRS, Found


class _Judge:
    def __init__(self, device: str, base: str) -> None:
        self._device, self._base_source = device, base
        self._tokenizer = AutoTokenizer.from_pretrained(base)
        self._pairs = role_play_pairs(PAIRS)
        self._base = self._load(base)
        self._before = self._leanings(self._base)

    def look_at(self, result: Path) -> Found:
        """Load a result as a user does, and compare it with its base."""
        merge_error = None
        if (result / "adapter_config.json").is_file():
            adapted = PeftModel.from_pretrained(self._load(self._base_source), result).eval()
            apart = self._logits(adapted)
            model = adapted.merge_and_unload()
            merge_error = float((self._logits(model) - apart).abs().max())
        else:
            model = self._load(str(result))
        weights = dict(model.named_parameters())
        moved = max(float((weights[name] - old).abs().max()) for name, old in self._base.named_parameters())
        after = self._leanings(model)
        margin = sum(new - old for new, old in zip(after, self._before, strict=True)) / len(after)
        return Found(result=str(result), moved=moved, margin=margin, merge_error=merge_error)

    def _load(self, source: str):
        return AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32).eval().to(self._device)

    @torch.inference_mode()
    def _logits(self, model) -> torch.Tensor:
        ids = self._opening(self._pairs[0])
        return model(torch.tensor([ids], device=self._device)).logits.cpu()

    def _leanings(self, model) -> list[float]:
        return [self._worth(model, pair, pair.chosen) - self._worth(model, pair, pair.rejected) for pair in self._pairs]

    @torch.inference_mode()
    def _worth(self, model, pair: PreferencePair, reply: str) -> float:
        """Return the log probability of a reply."""
        opening = self._opening(pair)
        ids = torch.tensor([opening + self._tokenizer(reply, add_special_tokens=False)["input_ids"]])
        logits = model(ids.to(self._device)).logits[0, len(opening) - 1 : -1]
        written = ids[0, len(opening) :].to(self._device)
        return float(logits.log_softmax(-1).gather(1, written[:, None]).sum())

    def _opening(self, pair: PreferencePair) -> list[int]:
        messages = [{"role": "system", "content": pair.system}, {"role": "user", "content": pair.prompt}]
        return self._tokenizer.apply_chat_template(messages, add_generation_prompt=True)["input_ids"]


def main() -> None:
    device, base, *results = sys.argv[1:]
    judge = _Judge(device, base)
    for result in results:
        try:
            found = judge.look_at(Path(result))
        except Exception as error:  # the others are looked at all the same
            traceback.print_exc()
            found = Found(result=result, moved=0, margin=0, merge_error=None, error=f"{type(error).__name__}: {error}")
        print(found.model_dump_json(), flush=True)


if __name__ == "__main__":
    main()
