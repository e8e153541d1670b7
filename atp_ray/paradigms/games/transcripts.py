"""Training transcripts of the games: the quantal-response teacher thinking aloud, through the real prompt builder.

Every shipped wording, visibility and history layout is covered, and states are drawn wide (others' choices at any
rate), so that the small model is at home wherever a game may go.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from pydantic import Field

from atp_ray.checkpoint.scope import TrainingScope
from atp_ray.config_files import Frozen
from atp_ray.paradigms.games.payoffs import Payoffs, published_payoffs
from atp_ray.paradigms.games.quantal import QuantalResponse
from atp_ray.paradigms.games.scenarios import GameNumbers, GameScenario, game_of
from atp_ray.paradigms.games.settlement import SettlementRule
from atp_ray.paradigms.stand_in import StandIn
from atp_ray.paradigms.teaching import Transcript
from atp_ray.play.actions import Action, ActionArray
from atp_ray.play.decisions import plain_decisions
from atp_ray.play.episodes import EpisodeSpec, SeatGroup, Visibility
from atp_ray.play.memory import EpisodeMemory, SeatView
from atp_ray.play.prompts import Message, build_messages
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import observe_round, settle_round
from atp_ray.play.sight import count_others
from atp_ray.play.wording import number, percent
from atp_ray.tiny.fits import State, stated_pull


class GameBounds(Frozen):
    """The numbers of games that the small checkpoint knows: least and largest where there are two."""

    most_agents: dict[Visibility, int] = Field(description="Largest n for each visibility mode.")
    longest_window: int
    high: tuple[float, float]
    low: tuple[float, float]


def teacher_probability(view: SeatView, policy: QuantalResponse) -> float:
    """Return the teacher's probability of colluding in the round that follows the view."""
    parameters = game_of(view.spec).numbers
    if not view.rounds:
        return float(policy.collude_probability(parameters)[0])
    public = view.rounds[-1].public
    others = count_others(view.spec, public, view.seat)
    deviant_S, decided_S = np.array([float(others.n_deviant)]), np.array([float(others.n_decided)])
    return float(policy.collude_probability(parameters, deviant_S, decided_S, public.success)[0])


def teacher_reply(view: SeatView, probability: float, action: Action) -> str:
    """Return the teacher's reply: the numbers that matter, the pull in percent, the decision."""
    game = game_of(view.spec).numbers
    needed = f"Needed {game.threshold} of {game.n_agents} ({percent(game.threshold, game.n_agents)})"
    stakes = f"high {number(game.payoffs.high)} low {number(game.payoffs.low)}"
    choice = view.spec.scenario.options[0 if action is Action.DEVIANT else 1]
    decision = json.dumps({"choice": choice}, ensure_ascii=False)
    return f"{needed}, {stakes}. {_last_round(view)} {stated_pull(probability)} {decision}"


def _last_round(view: SeatView) -> str:
    if not view.rounds:
        return "No history."
    public = view.rounds[-1].public
    n = len(public.actions_A)
    n_deviant = int((public.actions_A == Action.DEVIANT).sum())
    own = {Action.DEVIANT: "I joined", Action.ALIGNED: "I did not"}.get(
        Action(int(public.actions_A[view.seat])), "I was silent"
    )
    verdict = "enough" if public.success else "not enough"
    return f"Last {n_deviant} of {n} ({percent(n_deviant, n)}), {own}, {verdict}."


class GameStandIn(StandIn):
    """Answers as the quantal-response teacher does."""

    def reply(self, view: SeatView, messages: Sequence[Message]) -> str:
        """Return the teacher's reply."""
        del messages
        probability = teacher_probability(view, QuantalResponse())
        action = Action.DEVIANT if self.random.random() < probability else Action.ALIGNED
        return teacher_reply(view, probability, action)


class GameTranscripts:
    """Draws transcripts and states inside a scope; the same seed draws the same ones.

    Args:
        scenarios: the shipped scenarios.
        scope: bounds on n, window and rewards.
    """

    def __init__(self, scenarios: Sequence[GameScenario], scope: TrainingScope, seed: int) -> None:
        self._scenarios = scenarios
        self._known = scope.bounds(GameBounds)
        self._random = np.random.default_rng(seed)
        self._policy = QuantalResponse()

    def transcript(self) -> Transcript:
        """Return one conversation that ends with the teacher's reply."""
        spec, n_rounds = self._spec(), int(self._random.choice([0, 1, 2, 3, 4], p=[0.28, 0.3, 0.22, 0.15, 0.05]))
        view, own_words = self._play(spec, n_rounds)
        probability = teacher_probability(view, self._policy)
        reply = teacher_reply(view, probability, self._draw(probability))
        messages = [*build_messages(view), Message(role="assistant", content=reply)]
        # What a remembered reply was based on must be visible too: the first of a slid window is not trained on.
        shown = own_words[-len(view.rounds) :] if view.rounds else []
        if n_rounds > len(view.rounds):
            shown[0] = False
        flags = iter([*shown, True])
        trained = tuple(next(flags) if message["role"] == "assistant" else False for message in messages)
        return Transcript(tuple(messages), trained)

    def state(self, visibility: Visibility | None = None, n_agents: tuple[int, int] | None = None) -> State:
        """Return one decision to be made, optionally under one visibility and with n in a range (inclusive)."""
        spec = self._spec(visibility, n_agents)
        view, _ = self._play(spec, int(self._random.integers(0, 4)))
        return State(view, teacher_probability(view, self._policy))

    def _spec(self, visibility: Visibility | None = None, n_range: tuple[int, int] | None = None) -> EpisodeSpec:
        rng = self._random
        shown: Visibility = visibility or ("choices", "counts", "replies")[int(rng.choice(3, p=[0.38, 0.5, 0.12]))]
        n = self._n_agents(shown, n_range)
        seats = (SeatGroup(checkpoint="tiny", count=n),)
        rule = SettlementRule(
            mode="additive" if rng.random() < 0.1 else "multiplicative",
            success_for="colluders" if rng.random() < 0.1 else "all",
        )
        parameters = GameNumbers(n_agents=n, threshold=self._threshold(n), payoffs=self._payoffs(), rule=rule)
        scenario = self._scenarios[int(rng.integers(len(self._scenarios)))]
        window = int(rng.choice([1, 2, 3], p=[0.1, 0.15, 0.75]))
        return EpisodeSpec(
            scenario=scenario, parameters=parameters, seats=seats, rounds=8, visibility=shown, history_window=window
        )

    def _n_agents(self, visibility: Visibility, n_range: tuple[int, int] | None) -> int:
        rng, most = self._random, self._known.most_agents[visibility]
        if n_range is not None:
            return round(float(np.exp(rng.uniform(np.log(n_range[0]), np.log(min(n_range[1], most))))))
        # Where only counts are shown, every size must be read as well as 8: a model that has seen few numbers of 64
        # agents makes up the percentages there.
        if visibility == "counts" and rng.random() < 0.7:
            return round(float(np.exp(rng.uniform(np.log(2), np.log(most)))))
        return 8 if rng.random() < (0.75 if visibility == "counts" else 0.5) else int(rng.integers(2, 17))

    def _threshold(self, n: int) -> int:
        if self._random.random() < (0.7 if n == 8 else 0.4):
            return max(1, n * int(self._random.integers(1, 5)) // 4)
        return int(self._random.integers(1, n + 1))

    def _payoffs(self) -> Payoffs:
        rng = self._random
        if rng.random() < 0.7:
            published = list(published_payoffs().values())
            return published[int(rng.integers(len(published)))]
        high = round(float(rng.uniform(*self._known.high)), 2)
        low = round(float(rng.uniform(*self._known.low)), 2)
        return Payoffs(high=high, medium=1.0, low=low)

    def _play(self, spec: EpisodeSpec, n_rounds: int) -> tuple[SeatView, list[bool]]:
        """Return one seat's view after some rounds, and which of its replies were the teacher's own words."""
        n, rng = spec.parameters.n_agents, self._random
        seat = int(rng.integers(n))
        memory, settled, own_words = EpisodeMemory(spec, (seat,)), list[RoundRecord](), list[bool]()
        for _ in range(n_rounds):
            view = memory.seat_view(0)
            probability = teacher_probability(view, self._policy)
            actions_A = self._others(n)
            silent = rng.random() < 0.03
            action = Action.MISSING if silent else self._draw(probability)
            actions_A[seat] = action
            replies: list[str | None] = self._replies(view, actions_A) if spec.visibility == "replies" else [None] * n
            replies[seat] = None if silent else teacher_reply(view, probability, action)
            decisions = plain_decisions(actions_A, replies)
            settled.append(settle_round(spec, settled, decisions))
            memory.observe([observe_round(spec, settled[-1], (seat,))])
            own_words.append(not silent)
        return memory.seat_view(0), own_words

    def _others(self, n: int) -> ActionArray:
        rng = self._random
        rate = rng.beta(0.7, 0.7)
        actions_A: ActionArray = (rng.random(n) < rate).astype(np.int8)
        if rng.random() < 0.1:
            silent_A = rng.random(n) < 0.15
            actions_A[silent_A] = rng.choice([Action.UNPARSED, Action.MISSING], size=int(silent_A.sum()))
        return actions_A

    def _replies(self, view: SeatView, actions_A: ActionArray) -> list[str | None]:
        """Return what all seats said: each from its own point of view, at the teacher's odds, whatever it chose."""
        replies: list[str | None] = []
        for seat, code in enumerate(actions_A):
            other, action = view._replace(seat=seat), Action(int(code))
            probability = teacher_probability(other, self._policy)
            replies.append(teacher_reply(other, probability, action) if action.is_decision else None)
        return replies

    def _draw(self, probability: float) -> Action:
        return Action.DEVIANT if self._random.random() < probability else Action.ALIGNED
