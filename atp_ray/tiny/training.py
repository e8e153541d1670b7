"""Train a small checkpoint: a Qwen3-architecture model of at most 1.7 million parameters, on a CPU, in minutes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from atp_ray.checkpoint.scope import SCOPE_FILE, TrainingScope
from atp_ray.config_files import Frozen
from atp_ray.paradigms.teaching import Transcript, TranscriptSource
from atp_ray.tiny.curriculum import Curriculum
from atp_ray.tiny.recipes import TinyRecipe
from atp_ray.tiny.tokenizer import END, PAD, TokenisedTranscript, tokenise, train_tokenizer

BUCKET = 16  # batches drawn together and sorted by length, so that little is padded
IGNORED = -100
RECORD_FILE = "training.json"


class TrainingResult(NamedTuple):
    """The trained model with its tokenizer and scope, the loss of every step, seconds taken and parameters."""

    model: Qwen3ForCausalLM
    tokenizer: PreTrainedTokenizerFast
    scope: TrainingScope
    losses: list[float]
    seconds: float
    parameters: int


def train_small(scope: TrainingScope, recipe: TinyRecipe, on_step: Callable[[int, float], None]) -> TrainingResult:
    """Train from scratch; the same recipe on the same machine gives the same weights.

    Args:
        scope: the checkpoint to train and what it is trained on.
        on_step: called with the step's number (from 1) and its loss.
    """
    start = time.monotonic()
    tokenizer_sampler = Curriculum(scope, recipe.seed + 1)
    corpus = (tokenizer_sampler.transcript() for _ in range(recipe.tokenizer_transcripts))
    tokenizer = train_tokenizer(corpus, recipe.vocabulary)
    torch.manual_seed(recipe.seed)
    model = Qwen3ForCausalLM(_config(recipe, tokenizer))
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / recipe.warm_up, max(0.02, 1 - step / recipe.steps)),
    )
    sampler = Curriculum(scope, recipe.seed + 2)
    losses: list[float] = []
    model.train()
    for step, batch in enumerate(_batches(sampler, tokenizer, recipe), start=1):
        loss = _loss(model, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        on_step(step, losses[-1])
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return TrainingResult(model.eval(), tokenizer, scope, losses, time.monotonic() - start, parameters)


class TrainingRecord(Frozen):
    """How a checkpoint came about; saved beside it and shown on its card. `final_loss` is the mean of the last 100."""

    recipe: TinyRecipe
    parameters: int
    seconds: float
    final_loss: float


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


def _loss(model: Qwen3ForCausalLM, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    ids, labels = batch
    # Padding is on the right and attention causal, so no mask is needed; only trained positions reach the vocabulary.
    hidden = model.model(input_ids=ids).last_hidden_state[:, :-1]
    wanted = labels[:, 1:] != IGNORED
    logits = model.lm_head(hidden[wanted])
    return torch.nn.functional.cross_entropy(logits.float(), labels[:, 1:][wanted])


def _batches(
    sampler: TranscriptSource, tokenizer: PreTrainedTokenizerFast, recipe: TinyRecipe
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    order = np.random.default_rng(recipe.seed + 3)
    done = 0
    while True:
        drawn: list[Transcript] = [sampler.transcript() for _ in range(recipe.batch * BUCKET)]
        bucket = sorted((tokenise(tokenizer, transcript) for transcript in drawn), key=lambda item: len(item.ids))
        for index in order.permutation(BUCKET):
            yield _pad(bucket[index * recipe.batch : (index + 1) * recipe.batch], tokenizer.pad_token_id)
            done += 1
            if done == recipe.steps:
                return


def _pad(items: list[TokenisedTranscript], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(len(item.ids) for item in items)
    ids = torch.full((len(items), width), pad)
    labels = torch.full((len(items), width), IGNORED)
    for row, item in enumerate(items):
        sequence = torch.tensor(item.ids)
        ids[row, : len(item.ids)] = sequence
        labels[row, : len(item.ids)] = torch.where(torch.tensor(item.trained), sequence, IGNORED)
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
