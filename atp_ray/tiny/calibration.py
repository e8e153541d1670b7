"""How well the small model imitates its teacher: free replies parsed, probabilities compared, the loop closed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from transformers import AutoModelForCausalLM, AutoTokenizer

from atp_ray.actions import Action
from atp_ray.config_files import Frozen
from atp_ray.episodes import EpisodeSpec, SeatGroup, Visibility
from atp_ray.memory import EpisodeMemory, SeatView
from atp_ray.parsing import parse_choice
from atp_ray.payoffs import payoffs_for_incentive_ratio
from atp_ray.prompts import build_messages
from atp_ray.rounds import Decisions, observe_round, settle_round
from atp_ray.scenarios.games import GameParameters
from atp_ray.scenarios.registry import load_game, scenario_names
from atp_ray.storage.records import RoundRecord
from atp_ray.tiny.game_transcripts import GameTranscripts
from atp_ray.tiny.scope import shipped_scope
from atp_ray.tiny.transcripts import State

REPLIES_AT_ONCE = 128
MAX_NEW_TOKENS = 96


class StratumFit(Frozen):
    """Agreement with the teacher on one kind of state; `noise` is the error sampling alone would give."""

    visibility: Visibility
    agents: str
    states: int
    parsed: float = Field(ge=0, le=1, description="Share of free replies with a readable decision.")
    correlation: float
    mean_absolute_error: float
    noise: float


class ClosedLoop(Frozen):
    """Collusion rate of each round when eight of them play all seven games, at incentive ratio 1."""

    threshold: int
    rates: tuple[float, ...]


class Calibration(Frozen):
    """The whole comparison."""

    replies_per_state: int
    fits: tuple[StratumFit, ...]
    closed_loop: tuple[ClosedLoop, ...]
    parsed: float


class ReplySampler:
    """Samples free replies from a checkpoint with transformers, at temperature 1, in batches."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        torch.manual_seed(seed)

    def replies(self, views: Sequence[SeatView]) -> list[str]:
        """Return one reply per view."""
        texts = [
            self._tokenizer.apply_chat_template(build_messages(view), tokenize=False, add_generation_prompt=True)
            for view in views
        ]
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        replies = [""] * len(texts)
        for start in range(0, len(order), REPLIES_AT_ONCE):
            chosen = order[start : start + REPLIES_AT_ONCE]
            batch = self._tokenizer([texts[i] for i in chosen], return_tensors="pt", padding=True)
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


def calibrate(folder: Path, states: int = 60, replies_per_state: int = 24, episodes: int = 3) -> Calibration:
    """Compare the checkpoint in `folder` with its teacher on states it was not trained on.

    Args:
        states: states per stratum (visibility x range of n).
        replies_per_state: free replies sampled for each.
        episodes: times each game is played per threshold in the closed loop.
    """
    sampler = ReplySampler(folder)
    source = GameTranscripts([load_game(name) for name in scenario_names()], shipped_scope(), seed=20_26)
    strata: list[tuple[Visibility, int, int]] = [
        ("choices", 8, 8),
        ("choices", 2, 16),
        ("replies", 2, 16),
        ("counts", 2, 16),
        ("counts", 17, 256),
        ("counts", 257, 4096),
    ]
    fits = tuple(
        _fit(sampler, [source.state(shown, (low, high)) for _ in range(states)], replies_per_state, shown, low, high)
        for shown, low, high in strata
    )
    loops = tuple(_closed_loop(sampler, threshold, episodes) for threshold in (2, 4, 6, 8))
    parsed = float(np.mean([fit.parsed for fit in fits]))
    return Calibration(replies_per_state=replies_per_state, fits=fits, closed_loop=loops, parsed=parsed)


def _fit(
    sampler: ReplySampler, states: Sequence[State], repeats: int, shown: Visibility, low: int, high: int
) -> StratumFit:
    replies = sampler.replies([state.view for state in states for _ in range(repeats)])
    estimated, parsed = np.full(len(states), np.nan), 0
    for index, state in enumerate(states):
        options = state.view.spec.scenario.options
        choices = [parse_choice(reply, options).choice for reply in replies[index * repeats : (index + 1) * repeats]]
        read = [choice for choice in choices if choice is not None]
        parsed += len(read)
        if read:
            estimated[index] = np.mean([choice == options[0] for choice in read])
    teacher = np.array([state.probability for state in states])
    known = ~np.isnan(estimated)
    noise = np.sqrt(2 / np.pi * teacher * (1 - teacher) / repeats).mean()
    return StratumFit(
        visibility=shown,
        agents=str(low) if low == high else f"{low}..{high}",
        states=len(states),
        parsed=parsed / (len(states) * repeats),
        correlation=float(np.corrcoef(estimated[known], teacher[known])[0, 1]),
        mean_absolute_error=float(np.abs(estimated[known] - teacher[known]).mean()),
        noise=float(noise),
    )


def _closed_loop(sampler: ReplySampler, threshold: int, episodes: int, n: int = 8, rounds: int = 3) -> ClosedLoop:
    parameters = GameParameters(n_agents=n, threshold=threshold, payoffs=payoffs_for_incentive_ratio(1.0))
    seats = (SeatGroup(checkpoint="tiny", count=n),)
    specs = [
        EpisodeSpec(scenario=load_game(name), parameters=parameters, seats=seats, rounds=rounds, seed=seed)
        for name in scenario_names()
        for seed in range(episodes)
    ]
    memories = [EpisodeMemory(spec, range(n)) for spec in specs]
    settled: list[list[RoundRecord]] = [[] for _ in specs]
    rates = []
    for _ in range(rounds):
        replies = sampler.replies([memory.seat_view(seat) for memory in memories for seat in range(n)])
        actions = []
        for index, spec in enumerate(specs):
            record = settle_round(spec, settled[index], _read(spec, replies[index * n : (index + 1) * n]))
            settled[index].append(record)
            memories[index].observe([observe_round(spec, record, range(n))])
            actions.append(record.action_A)
        decided = np.concatenate(actions)
        decided = decided[decided <= Action.DEVIANT]
        rates.append(float((decided == Action.DEVIANT).mean()))
    return ClosedLoop(threshold=threshold, rates=tuple(rates))


def _read(spec: EpisodeSpec, replies: Sequence[str]) -> Decisions:
    choices = [parse_choice(reply, spec.scenario.options).choice for reply in replies]
    codes = {spec.scenario.options[0]: Action.DEVIANT, spec.scenario.options[1]: Action.ALIGNED, None: Action.UNPARSED}
    zeros = np.zeros(len(replies), dtype=np.int64)
    actions_A = np.array([codes[choice] for choice in choices], dtype=np.int8)
    return Decisions(actions_A, tuple(replies), zeros, zeros, zeros, np.full(len(replies), np.nan), ())
