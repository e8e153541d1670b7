"""Coordination games as an environment: everyone's choices are shown, capital is multiplied (paper section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from atp_ray.paradigms.environment import Environment
from atp_ray.paradigms.games.scenarios import GameNumbers, GameScenario, ImportedGame, game_of
from atp_ray.paradigms.games.settlement import settle
from atp_ray.play.actions import Action
from atp_ray.play.capital import FloatArray, starting_capital
from atp_ray.play.counting import counted_actions
from atp_ray.play.decisions import BoolArray
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory, SeatRound
from atp_ray.play.played import Outcome, PlayedRound
from atp_ray.play.randomness import derive_seed
from atp_ray.play.sight import OthersCount, count_others, seen_seats
from atp_ray.play.turns import PublicRound
from atp_ray.play.wording import NO_DECISION, number, percent


class GameEnvironment(Environment):
    """Observe and settle of the coordination games."""

    scenario_models = (GameScenario, ImportedGame)
    numbers_model = GameNumbers

    def system(self, spec: EpisodeSpec) -> str:
        """Return who the agent is; the same for every seat."""
        scenario, numbers = game_of(spec)
        return scenario.system(numbers)

    def question(self, spec: EpisodeSpec, round_number: int) -> str:
        """Return the payoff rule and the two choices; the same in every round."""
        del round_number
        scenario, numbers = game_of(spec)
        return scenario.question(numbers)

    def feedback(self, spec: EpisodeSpec, past: SeatRound, seat: int) -> Sequence[str]:
        """Return the others' decisions, and the outcome with the seat's own capital."""
        if spec.unreadable == "counted":
            counted_A = counted_actions(spec, past.public.actions_A)
            past = past._replace(public=replace(past.public, actions_A=counted_A))
        return (others_text(spec, past.public, seat), outcome_text(spec, past, seat))

    def settle(self, spec: EpisodeSpec, played: PlayedRound) -> Outcome:
        """Settle by count of colluders."""
        game = game_of(spec).numbers
        capital = played.before or starting_capital(game.n_agents)
        outcome = settle(counted_actions(spec, played.actions_A), game.threshold, game.payoffs, capital, game.rule)
        return Outcome(outcome.success, outcome.factor_A, capital, outcome.capital)

    def asked(self, spec: EpisodeSpec, round_number: int) -> BoolArray | None:
        """Return who revises its choice: everyone in the first round, afterwards a fixed share, drawn by the seed."""
        n, revising = spec.parameters.n_agents, _revising(spec)
        if revising == n or round_number == 1:
            return None
        generator = np.random.default_rng(derive_seed("revision", spec.seed, round_number, bits=63))
        asked_A = np.zeros(n, dtype=bool)
        asked_A[generator.permutation(n)[:revising]] = True
        return asked_A

    def n_turns(self, spec: EpisodeSpec, first_round: int = 1) -> int:
        """Return how many decisions an episode takes from a round on."""
        later = spec.rounds - max(first_round, 2) + 1
        return (spec.parameters.n_agents if first_round == 1 else 0) + _revising(spec) * later

    def deviant_chances(self, memory: EpisodeMemory, indices: Sequence[int]) -> FloatArray:
        """Return the quantal-response policy's probability of colluding, from the last round alone."""
        # Imported here: a population is many processes, and each would pay for scipy without using it.
        from atp_ray.paradigms.games.quantal import QuantalResponse
        from atp_ray.paradigms.games.seat_chances import seat_chances

        return seat_chances(QuantalResponse(), memory, indices)


def _revising(spec: EpisodeSpec) -> int:
    """Return how many seats decide in each round after the first."""
    numbers = game_of(spec).numbers
    return max(1, round(numbers.revision * numbers.n_agents))


def others_text(spec: EpisodeSpec, public: PublicRound, seat: int) -> str:
    """Return what `seat` learns under the episode's visibility: of everyone else, or of its neighbours in a network."""
    who, of_the, these = _NEIGHBOURS if spec.neighbours is not None else _OTHERS
    if spec.visibility == "counts":
        return _counts_text(spec, count_others(spec, public, seat), of_the, these)
    seen = seen_seats(spec, public, seat).tolist()
    if not seen and spec.neighbours is not None:
        return "You see nobody's decision."
    if spec.visibility == "replies":
        replies = public.replies_A or ()
        return f"{who} replied:\n" + "\n".join(f"Agent {i + 1}: {replies[i] or f'({NO_DECISION})'}" for i in seen)
    return f"{who} chose: " + "; ".join(f"agent {i + 1} {_words(spec, public, i)}" for i in seen) + "."


_OTHERS = ("The others", "Of the", "others")
_NEIGHBOURS = ("Your neighbours", "Of your", "neighbours")


def _counts_text(spec: EpisodeSpec, count: OthersCount, of_the: str, these: str) -> str:
    seen = count.n_decided + count.n_silent
    collude, refrain = spec.scenario.options
    text = (
        f"{of_the} {seen} {these} {count.n_deviant} ({percent(count.n_deviant, seen)}) chose to {collude} "
        f"and {count.n_decided - count.n_deviant} to {refrain}"
    )
    return f"{text}; {count.n_silent} gave {NO_DECISION}." if count.n_silent else f"{text}."


def outcome_text(spec: EpisodeSpec, past: SeatRound, seat: int) -> str:
    """Return how the round ended and what it did to the agent's own capital.

    In a network the count of all would tell an agent of others than its neighbours, so it is left out.
    """
    scenario = game_of(spec).scenario
    own_part = f"Your {scenario.stake} went from {number(past.capital_before)} to {number(past.capital_after)}."
    if spec.feedback == "choices" or spec.neighbours is not None:
        return f"{'Enough' if past.public.success else 'Not enough'} chose to {scenario.options[0]}. {own_part}"
    others, own = count_others(spec, past.public, seat), past.public.actions_A[seat]
    n, n_deviant = others.n_decided + others.n_silent + 1, others.n_deviant + int(own == Action.DEVIANT)
    verdict = "enough" if past.public.success else "not enough"
    return f"{n_deviant} of all {n} ({percent(n_deviant, n)}) chose to {scenario.options[0]}: {verdict}. {own_part}"


def _words(spec: EpisodeSpec, public: PublicRound, seat: int) -> str:
    action = Action(int(public.actions_A[seat]))
    if not action.is_decision:
        return f"({NO_DECISION})"
    return spec.scenario.options[0 if action is Action.DEVIANT else 1]


ENVIRONMENT = GameEnvironment()
