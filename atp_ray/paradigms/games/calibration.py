"""How well the small model imitates the teacher of the games: by visibility and n, and in a closed loop."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atp_ray.checkpoint.scope import TrainingScope
from atp_ray.paradigms.games.payoffs import payoffs_for_incentive_ratio
from atp_ray.paradigms.games.scenario_files import load_games
from atp_ray.paradigms.games.scenarios import GameNumbers, GameScenario
from atp_ray.paradigms.games.transcripts import GameTranscripts
from atp_ray.play.actions import Action
from atp_ray.play.decisions import Decisions, plain_decisions
from atp_ray.play.episodes import EpisodeSpec, SeatGroup, Visibility
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.parsing import parse_choice
from atp_ray.play.prompts import build_messages
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import observe_round, settle_round
from atp_ray.tiny.fits import CalibrationPart, ClosedLoop, Sampler, fit_states

SEED, EPISODES = 20_26, 3
STRATA: tuple[tuple[Visibility, tuple[int, int]], ...] = (
    ("choices", (8, 8)),
    ("choices", (2, 16)),
    ("replies", (2, 16)),
    ("counts", (2, 16)),
    ("counts", (17, 256)),
    ("counts", (257, 4096)),
)


def calibrate_games(
    sampler: Sampler, scope: TrainingScope, states: int, repeats: int, episodes: int = EPISODES
) -> CalibrationPart:
    """Compare the checkpoint with its teacher, and let eight of it play.

    Args:
        episodes: times each game is played per threshold in the closed loop.
    """
    scenarios = shipped_games()
    source = GameTranscripts(scenarios, scope, seed=SEED)
    fits = tuple(
        fit_states(sampler, [source.state(shown, span) for _ in range(states)], repeats, shown, _span_text(span))
        for shown, span in STRATA
    )
    loops = tuple(_closed_loop(sampler, scenarios, threshold, episodes) for threshold in (2, 4, 6, 8))
    return CalibrationPart(fits=fits, closed_loop=loops)


def shipped_games() -> list[GameScenario]:
    """Return the games in the project's own words."""
    return [scenario for scenario in load_games() if isinstance(scenario, GameScenario)]


def _span_text(span: tuple[int, int]) -> str:
    return str(span[0]) if span[0] == span[1] else f"{span[0]}..{span[1]}"


def _closed_loop(
    sampler: Sampler, scenarios: Sequence[GameScenario], threshold: int, episodes: int, n: int = 8, rounds: int = 3
) -> ClosedLoop:
    parameters = GameNumbers(n_agents=n, threshold=threshold, payoffs=payoffs_for_incentive_ratio(1.0))
    seats = (SeatGroup(checkpoint="tiny", count=n),)
    specs = [
        EpisodeSpec(scenario=scenario, parameters=parameters, seats=seats, rounds=rounds, seed=seed)
        for scenario in scenarios
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
            actions.append(record.decisions.action_A)
        decided = np.concatenate(actions)
        decided = decided[decided <= Action.DEVIANT]
        rates.append(float((decided == Action.DEVIANT).mean()))
    return ClosedLoop(threshold=threshold, rates=tuple(rates))


def _read(spec: EpisodeSpec, replies: Sequence[str]) -> Decisions:
    choices = [parse_choice(reply, spec.scenario.options).choice for reply in replies]
    codes = {spec.scenario.options[0]: Action.DEVIANT, spec.scenario.options[1]: Action.ALIGNED, None: Action.UNPARSED}
    return plain_decisions(np.array([codes[choice] for choice in choices], dtype=np.int8), replies)
