"""Train a small checkpoint: a Qwen3-architecture model of at most 1.7 million parameters, in minutes."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from atp_ray.checkpoint.scope import SCOPE_FILE, TrainingScope
from atp_ray.config_files import Frozen
from atp_ray.play.randomness import derive_seed
from atp_ray.tiny.curriculum import Curriculum
from atp_ray.tiny.recipes import TinyRecipe
from atp_ray.tiny.tokenizer import END, PAD, TokenisedTranscript, tokenise, train_tokenizer

BUCKET = 16  # batches drawn together and sorted by length, so that little is padded
IGNORED = -100
RECORD_FILE = "training.json"
Device = Literal["cpu", "cuda"]
Batch = tuple[NDArray[np.int64], NDArray[np.int64]]  # token ids and labels, each [transcripts, tokens]


class TrainingResult(NamedTuple):
    """The trained model with its tokenizer and scope, the loss of every step, seconds taken, parameters and device."""

    model: Qwen3ForCausalLM
    tokenizer: PreTrainedTokenizerFast
    scope: TrainingScope
    losses: list[float]
    seconds: float
    parameters: int
    device: Device


def train_small(scope: TrainingScope, recipe: TinyRecipe, on_step: Callable[[int, float], None]) -> TrainingResult:
    """Train from scratch, on a GPU where there is one; the same recipe on the same CPU gives the same weights.

    Args:
        scope: the checkpoint to train and what it is trained on.
        on_step: called with the step's number (from 1) and its loss.
    """
    start = time.monotonic()
    tokenizer_sampler = Curriculum(scope, recipe.seed + 1)
    corpus = (tokenizer_sampler.transcript() for _ in range(recipe.tokenizer_transcripts))
    tokenizer = train_tokenizer(corpus, recipe.vocabulary)
    torch.manual_seed(recipe.seed)
    device: Device = "cuda" if torch.cuda.is_available() else "cpu"
    model = Qwen3ForCausalLM(_config(recipe, tokenizer)).to(device)
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=recipe.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=recipe.weight_decay,
        fused=device == "cuda",
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / recipe.warm_up, max(0.02, 1 - step / recipe.steps)),
    )
    losses: list[float] = []
    model.train()
    for step, (ids, labels) in enumerate(_batches(scope, tokenizer, recipe, device), start=1):
        loss = _loss(model, torch.from_numpy(ids).to(device), torch.from_numpy(labels).to(device))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        on_step(step, losses[-1])
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return TrainingResult(model.eval().cpu(), tokenizer, scope, losses, time.monotonic() - start, parameters, device)


class TrainingRecord(Frozen):
    """How a checkpoint came about; saved beside it and shown on its card. `final_loss` is the mean of the last 100."""

    recipe: TinyRecipe
    parameters: int
    seconds: float
    final_loss: float
    device: Device = "cpu"


def save_checkpoint(result: TrainingResult, recipe: TinyRecipe, folder: Path) -> None:
    """Write the checkpoint in Hugging Face format, bfloat16, with its training scope and record."""
    folder.mkdir(parents=True, exist_ok=True)
    result.model.generation_config = generation_config(result.tokenizer)
    result.model.to(torch.bfloat16).save_pretrained(folder)
    result.tokenizer.save_pretrained(folder)
    (folder / SCOPE_FILE).write_text(result.scope.model_dump_json(indent=2) + "\n", encoding="utf-8")
    record = TrainingRecord(
        recipe=recipe,
        parameters=result.parameters,
        seconds=round(result.seconds, 1),
        final_loss=round(float(np.mean(result.losses[-100:])), 4),
        device=result.device,
    )
    (folder / RECORD_FILE).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")


def load_record(folder: Path) -> TrainingRecord:
    """Return how the checkpoint in `folder` was trained.

    Raises:
        FileNotFoundError: it was not trained by this project.
    """
    return TrainingRecord.model_validate_json((folder / RECORD_FILE).read_text(encoding="utf-8"))


def _config(recipe: TinyRecipe, tokenizer: PreTrainedTokenizerFast) -> Qwen3Config:
    return Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.kv_heads,
        head_dim=recipe.head_dim,
        intermediate_size=recipe.feed_forward,
        max_position_embeddings=recipe.positions,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.convert_tokens_to_ids(END),
        pad_token_id=tokenizer.convert_tokens_to_ids(PAD),
    )


def _loss(model: Qwen3ForCausalLM, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    # Padding is on the right and attention causal, so no mask is needed; only trained positions reach the vocabulary.
    hidden = model.model(input_ids=ids).last_hidden_state[:, :-1]
    wanted = labels[:, 1:] != IGNORED
    logits = model.lm_head(hidden[wanted])
    return torch.nn.functional.cross_entropy(logits.float(), labels[:, 1:][wanted])


class Buckets(Dataset[list[Batch]]):  # type: ignore[misc]
    """A recipe's batches, `BUCKET` at a time; what a bucket holds depends on its number alone, not on who draws it."""

    def __init__(self, scope: TrainingScope, tokenizer: PreTrainedTokenizerFast, recipe: TinyRecipe) -> None:
        self._scope, self._tokenizer, self._recipe = scope, tokenizer, recipe

    def __len__(self) -> int:
        return math.ceil(self._recipe.steps / BUCKET)

    def __getitem__(self, index: int) -> list[Batch]:
        if index >= len(self):
            raise IndexError(index)
        recipe = self._recipe
        seed = derive_seed("bucket of transcripts", recipe.seed, index)
        sampler, order = Curriculum(self._scope, seed), np.random.default_rng(seed)
        drawn = [tokenise(self._tokenizer, sampler.transcript()) for _ in range(recipe.batch * BUCKET)]
        drawn.sort(key=lambda item: len(item.ids))
        pad = self._tokenizer.pad_token_id
        batches = [_pad(drawn[i * recipe.batch : (i + 1) * recipe.batch], pad) for i in order.permutation(BUCKET)]
        return batches[: recipe.steps - index * BUCKET]


def _batches(
    scope: TrainingScope, tokenizer: PreTrainedTokenizerFast, recipe: TinyRecipe, device: Device
) -> Iterator[Batch]:
    # A GPU is faster than one process draws transcripts; on a CPU both take from the same cores.
    workers = 0 if device == "cpu" else min(12, len(os.sched_getaffinity(0)))
    buckets = DataLoader(Buckets(scope, tokenizer, recipe), batch_size=None, num_workers=workers, collate_fn=list)
    for bucket in buckets:
        yield from bucket


def _pad(items: Sequence[TokenisedTranscript], pad: int) -> Batch:
    shape = (len(items), max(len(item.ids) for item in items))
    ids, labels = np.full(shape, pad), np.full(shape, IGNORED)
    for row, item in enumerate(items):
        sequence = np.array(item.ids)
        ids[row, : len(item.ids)] = sequence
        labels[row, : len(item.ids)] = np.where(item.trained, sequence, IGNORED)
    return ids, labels


def generation_config(tokenizer: PreTrainedTokenizerFast) -> GenerationConfig:
    """Return plain sampling: temperature 1, no truncation of the distribution."""
    return GenerationConfig(
        do_sample=True,
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        eos_token_id=tokenizer.convert_tokens_to_ids(END),
        pad_token_id=tokenizer.convert_tokens_to_ids(PAD),
    )
