"""Naming games as an environment: pairs meet, choose names at the same time, and remember their own meetings."""

from __future__ import annotations

from collections.abc import Sequence

from atp_ray.paradigms.conventions.meetings import meetings, windows
from atp_ray.paradigms.conventions.pairing import partners_of
from atp_ray.paradigms.conventions.quantal import QuantalNaming
from atp_ray.paradigms.conventions.scenarios import ConventionNumbers, NamingGame, naming_of
from atp_ray.paradigms.conventions.settlement import meetings_of, points_of
from atp_ray.paradigms.conventions.wording import listed_names, meetings_text, question_text, rules_text, talk_text
from atp_ray.paradigms.environment import Environment
from atp_ray.play.capital import FloatArray, add_income, no_income
from atp_ray.play.decisions import IntArray
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory, SeatRound, SeatView
from atp_ray.play.played import Outcome, PlayedRound
from atp_ray.play.prompts import Message


class ConventionEnvironment(Environment):
    """Observe and settle of naming games."""

    scenario_models = (NamingGame,)
    numbers_model = ConventionNumbers
    remembers_replies = False
    remembers_own_turns = True
    tells_shares = True

    def system(self, spec: EpisodeSpec) -> str:
        """Return the rules; the same for every seat."""
        return rules_text(spec)

    def question(self, spec: EpisodeSpec, round_number: int) -> str:
        """Return the question with the names as they were given; a seat is told them in an order of its own."""
        del round_number
        return question_text(naming_of(spec).numbers.names)

    def feedback(self, spec: EpisodeSpec, past: SeatRound, seat: int) -> Sequence[str]:
        """Return the seat's own meeting, nothing where there was none."""
        view = SeatView(past.spec or spec, seat, (past,), past.public.round + 1, n_forgotten=spec.history_window - 1)
        return (meetings_text(spec, meetings(view)),)

    def messages(self, view: SeatView) -> list[Message]:
        """Return the rules, then in one message what the seat remembers, what was announced, and the question."""
        names = listed_names(view.spec, view.round, view.seat)
        announced = dict.fromkeys([note for past in view.rounds for note in past.notes] + list(view.notes))
        said = [] if view.talk is None else [talk_text(view.spec, view.round, view.seat, view.talk)]
        parts = [meetings_text(view.spec, meetings(view)), *announced, question_text(names), *said]
        return [
            {"role": "system", "content": rules_text(view.spec)},
            {"role": "user", "content": "\n\n".join(parts)},
        ]

    def partners(self, spec: EpisodeSpec, round_number: int) -> IntArray:
        """Return whom each seat meets in a round."""
        return partners_of(spec, round_number)

    def n_turns(self, spec: EpisodeSpec, first_round: int = 1) -> int:
        """Return how many decisions an episode takes, without drawing its pairs where everyone may meet everyone."""
        if spec.neighbours is not None:
            return super().n_turns(spec, first_round)
        numbers = naming_of(spec).numbers
        pairs = 1 if numbers.pairing == "asynchronous" else numbers.n_agents // 2
        return 2 * pairs * max(0, spec.rounds - first_round + 1)

    def rehearsed(self, spec: EpisodeSpec) -> EpisodeSpec:
        """Return the episode with everyone in pairs: one pair in each round would take long to fill windows."""
        numbers = naming_of(spec).numbers
        return spec.model_copy(update={"parameters": numbers.model_copy(update={"pairing": "synchronous"})})

    def settle(self, spec: EpisodeSpec, played: PlayedRound) -> Outcome:
        """Pay each pair that met; points add up."""
        numbers = naming_of(spec).numbers
        met = meetings_of(played.decisions.options_A, partners_of(spec, played.number))
        points_A = points_of(met, numbers.success, numbers.failure)
        before = played.before or no_income(numbers.n_agents)
        return Outcome(None, points_A, before, add_income(before, points_A))

    def option_chances(self, memory: EpisodeMemory, indices: Sequence[int]) -> FloatArray:
        """Return the quantal response to the names each seat remembers having met."""
        numbers = naming_of(memory.spec).numbers
        met_SK = windows(memory, indices).met_counts(len(numbers.names))
        return QuantalNaming().chances(met_SK, numbers.success, numbers.failure)


ENVIRONMENT = ConventionEnvironment()
