"""Coordination games as an environment: everyone's choices are shown, capital is multiplied (paper section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

from atp_ray.actions import Action
from atp_ray.environments.interface import Outcome, PlayedRound
from atp_ray.episodes import EpisodeSpec
from atp_ray.memory import SeatRound, count_others
from atp_ray.scenarios.wording import number, percent
from atp_ray.settlement import settle, starting_capital
from atp_ray.turns import PublicRound

NO_DECISION = "no valid decision"


class GameEnvironment:
    """Observe and settle of the coordination games."""

    def system(self, spec: EpisodeSpec) -> str:
        """Return who the agent is; the same for every seat."""
        scenario, parameters = spec.game
        return scenario.system(parameters)

    def question(self, spec: EpisodeSpec, round_number: int) -> str:
        """Return the payoff rule and the two choices; the same in every round."""
        del round_number
        scenario, parameters = spec.game
        return scenario.question(parameters)

    def feedback(self, spec: EpisodeSpec, past: SeatRound, seat: int) -> Sequence[str]:
        """Return the others' decisions, and the outcome with the seat's own capital."""
        return (others_text(spec, past.public, seat), outcome_text(spec, past, seat))

    def settle(self, spec: EpisodeSpec, played: PlayedRound) -> Outcome:
        """Settle by count of colluders."""
        game = spec.game.parameters
        capital = played.before or starting_capital(game.n_agents)
        outcome = settle(played.actions_A, game.threshold, game.payoffs, capital, game.rule)
        return Outcome(outcome.success, outcome.factor_A, capital, outcome.capital)


def others_text(spec: EpisodeSpec, public: PublicRound, seat: int) -> str:
    """Return what `seat` learns of the others' decisions under the episode's visibility."""
    shown = spec.visibility != "counts"
    others = [i for i in range(len(public.actions_A)) if i != seat and i not in public.hidden] if shown else []
    if spec.visibility == "replies":
        replies = public.replies_A or ()
        return "The others replied:\n" + "\n".join(f"Agent {i + 1}: {replies[i] or f'({NO_DECISION})'}" for i in others)
    if spec.visibility == "choices":
        return "The others chose: " + "; ".join(f"agent {i + 1} {_words(spec, public, i)}" for i in others) + "."
    count = count_others(public, seat)
    n_others = count.n_decided + count.n_silent
    collude, refrain = spec.scenario.options
    text = (
        f"Of the {n_others} others {count.n_deviant} ({percent(count.n_deviant, n_others)}) chose to {collude} "
        f"and {count.n_decided - count.n_deviant} to {refrain}"
    )
    return f"{text}; {count.n_silent} gave {NO_DECISION}." if count.n_silent else f"{text}."


def outcome_text(spec: EpisodeSpec, past: SeatRound, seat: int) -> str:
    """Return how the round ended and what it did to the agent's own capital."""
    scenario = spec.game.scenario
    others, own = count_others(past.public, seat), past.public.actions_A[seat]
    n, n_deviant = others.n_decided + others.n_silent + 1, others.n_deviant + int(own == Action.DEVIANT)
    verdict = "enough" if past.public.success else "not enough"
    return (
        f"{n_deviant} of all {n} ({percent(n_deviant, n)}) chose to {scenario.options[0]}: {verdict}. "
        f"Your {scenario.stake} went from {number(past.capital_before)} to {number(past.capital_after)}."
    )


def _words(spec: EpisodeSpec, public: PublicRound, seat: int) -> str:
    action = Action(int(public.actions_A[seat]))
    if not action.is_decision:
        return f"({NO_DECISION})"
    return spec.scenario.options[0 if action is Action.DEVIANT else 1]
