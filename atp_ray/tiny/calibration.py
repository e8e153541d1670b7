"""How well the small model imitates its teacher: free replies parsed, probabilities compared, the loop closed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import Field

from atp_ray.actions import Action
from atp_ray.config_files import Frozen
from atp_ray.episodes import EpisodeSpec, SeatGroup, Visibility
from atp_ray.memory import EpisodeMemory
from atp_ray.parsing import parse_choice
from atp_ray.payoffs import payoffs_for_incentive_ratio
from atp_ray.prompts import build_messages
from atp_ray.rounds import Decisions, observe_round, settle_round
from atp_ray.scenarios.games import GameParameters
from atp_ray.scenarios.registry import load_game, load_role_play, scenario_names
from atp_ray.storage.records import RoundRecord
from atp_ray.tiny.game_transcripts import GameTranscripts
from atp_ray.tiny.reply_sampler import ReplySampler
from atp_ray.tiny.role_play_transcripts import RolePlayTranscripts
from atp_ray.tiny.scope import shipped_scope
from atp_ray.tiny.tool_calibration import ToolFit, fit_tool_usage
from atp_ray.tiny.transcripts import State


class StratumFit(Frozen):
    """Agreement with the teacher on one kind of state; `noise` is the error sampling alone would give."""

    kind: str
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
    tool_fits: tuple[ToolFit, ...]
    parsed: float


def calibrate(folder: Path, states: int = 60, replies_per_state: int = 24, episodes: int = 3) -> Calibration:
    """Compare the checkpoint in `folder` with its teacher on states it was not trained on.

    Args:
        states: states per stratum (visibility x range of n).
        replies_per_state: free replies sampled for each.
        episodes: times each game is played per threshold in the closed loop.
    """
    sampler = ReplySampler(folder)
    source = GameTranscripts([load_game(name) for name in scenario_names()], shipped_scope(), seed=20_26)
    strata: list[tuple[Visibility, tuple[int, int]]] = [
        ("choices", (8, 8)),
        ("choices", (2, 16)),
        ("replies", (2, 16)),
        ("counts", (2, 16)),
        ("counts", (17, 256)),
        ("counts", (257, 4096)),
    ]
    fits = tuple(
        _fit(
            sampler,
            [source.state(shown, span) for _ in range(states)],
            replies_per_state,
            shown,
            _span_text(span),
        )
        for shown, span in strata
    )
    role_play = RolePlayTranscripts(
        [load_role_play(name) for name in scenario_names("role_play")], shipped_scope(), seed=20_26
    )
    alone = _fit(sampler, [role_play.state() for _ in range(2 * states)], replies_per_state, "role_play", "1")
    tool_fits = fit_tool_usage(sampler, 6 * states)
    loops = tuple(_closed_loop(sampler, threshold, episodes) for threshold in (2, 4, 6, 8))
    parsed = float(np.mean([fit.parsed for fit in (*fits, alone)] + [fit.parsed for fit in tool_fits]))
    return Calibration(
        replies_per_state=replies_per_state,
        fits=(*fits, alone),
        closed_loop=loops,
        tool_fits=tool_fits,
        parsed=parsed,
    )


def _span_text(span: tuple[int, int]) -> str:
    return str(span[0]) if span[0] == span[1] else f"{span[0]}..{span[1]}"


def _fit(sampler: ReplySampler, states: Sequence[State], repeats: int, kind: str, agents: str) -> StratumFit:
    replies = sampler.replies([build_messages(state.view) for state in states for _ in range(repeats)])
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
        kind=kind,
        agents=agents,
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
        replies = sampler.replies([build_messages(memory.seat_view(seat)) for memory in memories for seat in range(n)])
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
