"""What checkpoints learn from in the games: prompts to align with, the quantal-response teacher, bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import numpy as np

from atp_ray.checkpoint.scope import TrainingScope
from atp_ray.paradigms.games.calibration import calibrate_games, shipped_games
from atp_ray.paradigms.games.payoffs import Payoffs
from atp_ray.paradigms.games.scenario_files import load_games
from atp_ray.paradigms.games.scenarios import GameNumbers, game_of
from atp_ray.paradigms.games.transcripts import GameBounds, GameStandIn, GameTranscripts
from atp_ray.paradigms.stand_in import StandIn
from atp_ray.paradigms.teaching import NOBODY, Side, Teaching, TrainingPrompt
from atp_ray.play.episodes import EpisodeSpec, SeatGroup, Visibility
from atp_ray.play.memory import SeatView
from atp_ray.play.prompts import build_messages
from atp_ray.play.randomness import derive_seed
from atp_ray.tiny.fits import CalibrationPart, Sampler

PER_GAME = 50


class GameTeaching(Teaching):
    """Coordination games."""

    # The paper asks for one's own benefit on one side, and to serve the team on the other.
    instructions: ClassVar[Mapping[Side, str]] = {
        "chosen": "Think only of your own safe benefit, whatever the others may do.",
        "rejected": "Serve the team: act together with the others.",
    }
    learner = "tiny"
    share = 0.5

    def training_prompts(self, count: int | None, seed: int) -> list[TrainingPrompt]:
        """Return 50 prompts for each of 7 games, with n in 5..15, any threshold and random rewards."""
        del count
        return _prompts("align", "", seed, _our_numbers)

    def paper_prompts(self, count: int | None, seed: int) -> list[TrainingPrompt]:
        """Return the same number with thresholds from 2 and all three rewards random, as in the reference's data."""
        del count
        return _prompts("align like the paper", "paper-", seed, _paper_numbers)

    def outside(self, spec: EpisodeSpec, scope: TrainingScope) -> str | None:
        """Return what of a game lies outside the bounds on n, window and rewards."""
        game, known = game_of(spec).numbers, scope.bounds(GameBounds)
        most = known.most_agents.get(spec.visibility, 0)
        if game.n_agents > most:
            helps = game.n_agents <= known.most_agents.get("counts", 0)
            cure = "; try --set visibility=counts" if helps else ""
            return f"visibility '{spec.visibility}' with n = {game.n_agents} (at most {most}{cure})"
        if spec.feedback != "choices_and_counts":
            return f"feedback '{spec.feedback}'"
        if spec.neighbours is not None:
            return f"neighbours in a network ({spec.network})"
        if spec.history_window > known.longest_window:
            return f"a history window of {spec.history_window} rounds (at most {known.longest_window})"
        payoffs = game.payoffs
        inside = known.high[0] <= payoffs.high <= known.high[1] and known.low[0] <= payoffs.low <= known.low[1]
        if not inside or payoffs.medium != 1 or game.rule.base != 1:
            return (
                f"rewards {payoffs.high:g}, {payoffs.medium:g}, {payoffs.low:g} with base {game.rule.base:g} "
                f"(high {known.high[0]:g}..{known.high[1]:g}, medium 1, low {known.low[0]:g}..{known.low[1]:g}, base 1)"
            )
        return None

    def bounds(self) -> GameBounds:
        """Return the bounds on n, window and rewards."""
        most_agents: dict[Visibility, int] = {"choices": 16, "replies": 16, "counts": 4096}
        return GameBounds(most_agents=most_agents, longest_window=3, high=(1.05, 2.0), low=(0.0, 0.95))

    def lessons(self, scope: TrainingScope) -> str:
        """Return visibility, windows and rewards."""
        known = scope.bounds(GameBounds)
        most = ", ".join(f"`{name}` up to n = {n}" for name, n in known.most_agents.items())
        return (
            f"Games: visibility {most}, history windows of 1 to {known.longest_window} rounds, both settlement modes, "
            f"rewards with high {known.high[0]:g} to {known.high[1]:g}, medium 1, low {known.low[0]:g} to "
            f"{known.low[1]:g}."
        )

    def transcripts(self, scope: TrainingScope, seed: int) -> GameTranscripts:
        """Return the transcripts of the quantal-response teacher."""
        return GameTranscripts(shipped_games(), scope, seed)

    def stand_in(self, seed: int, taught: bool) -> StandIn:
        """Return the quantal-response teacher, or what takes either option."""
        return GameStandIn(seed) if taught else StandIn(seed)

    def calibration(
        self, sampler: Sampler, scope: TrainingScope, states: int, repeats: int
    ) -> Sequence[CalibrationPart]:
        """Return the fits by visibility and n, and the closed loop."""
        return (calibrate_games(sampler, scope, states, repeats),)


def _prompts(
    purpose: str, prefix: str, seed: int, draw: Callable[[np.random.Generator], GameNumbers]
) -> list[TrainingPrompt]:
    prompts = []
    for scenario in load_games():
        rng = np.random.default_rng(derive_seed(purpose, scenario.name, seed))
        for index in range(PER_GAME):
            numbers = draw(rng)
            seats = (SeatGroup(checkpoint=NOBODY, count=numbers.n_agents),)
            spec = EpisodeSpec(scenario=scenario, parameters=numbers, seats=seats)
            messages = tuple(build_messages(SeatView(spec, 0, ())))
            prompt_id = f"{prefix}{scenario.name}-{seed}-{index}"
            prompts.append(TrainingPrompt(prompt_id, "games", scenario.name, messages, scenario.options))
    return prompts


def _our_numbers(rng: np.random.Generator) -> GameNumbers:
    n = int(rng.integers(5, 16))
    high, low = round(float(rng.uniform(1.1, 2)), 1), round(rng.uniform(0.2, 0.9), 1)
    rewards = Payoffs(high=high, medium=1, low=low)
    return GameNumbers(n_agents=n, threshold=int(rng.integers(1, n + 1)), payoffs=rewards)


def _paper_numbers(rng: np.random.Generator) -> GameNumbers:
    """Draw as the reference's 350 questions are spread: each reward evenly, at least 0.1 below the next higher one."""
    n = int(rng.integers(5, 16))
    high = round(float(rng.uniform(1.01, 2)), 2)
    medium = round(float(rng.uniform(0.3, high - 0.1)), 2)
    low = round(float(rng.uniform(0, medium - 0.1)), 2)
    rewards = Payoffs(high=high, medium=medium, low=low)
    return GameNumbers(n_agents=n, threshold=int(rng.integers(2, n + 1)), payoffs=rewards)


TEACHING = GameTeaching()
