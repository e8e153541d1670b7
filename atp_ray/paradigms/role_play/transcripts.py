"""Training transcripts of role-play: every environment, income, supervision pattern and notice."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from pydantic import Field

from atp_ray.checkpoint.scope import TrainingScope
from atp_ray.config_files import Frozen
from atp_ray.paradigms.role_play.prompt_sets import BASE_STEPS, INCOME_RATIOS
from atp_ray.paradigms.role_play.quantal import ViolationResponse, violations
from atp_ray.paradigms.role_play.scenarios import Notice, RolePlayNumbers, RolePlayScenario, role_play_of
from atp_ray.paradigms.role_play.supervision import PATTERNS
from atp_ray.paradigms.stand_in import StandIn
from atp_ray.paradigms.teaching import Transcript
from atp_ray.play.actions import Action
from atp_ray.play.decisions import plain_decisions
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.memory import EpisodeMemory, SeatView
from atp_ray.play.prompts import Message, build_messages
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import observe_round, settle_round
from atp_ray.play.wording import money
from atp_ray.tiny.fits import State, stated_pull

ROUNDS = 8


class RolePlayBounds(Frozen):
    """The role-plays that the small checkpoint knows."""

    longest_window_role_play: int
    income_ratio: tuple[float, float] = Field(description="Least and largest high / low.")
    incomes: tuple[float, float] = Field(description="Least and largest low, relative to the scenario's base income.")


def role_play_reply(view: SeatView, probability: float, action: Action) -> str:
    """Return the teacher's reply: rule, incomes, what memory says, the pull in percent, the decision."""
    scenario, numbers = role_play_of(view.spec)
    rule = f"Rule {scenario.required}, {money(numbers.low)} against {money(numbers.high)}."
    decision = json.dumps({"choice": scenario.options[0 if action is Action.DEVIANT else 1]}, ensure_ascii=False)
    return f"{rule} {_experience(view)} {stated_pull(probability)} {decision}"


def _experience(view: SeatView) -> str:
    if not view.rounds:
        return "No history."
    paid, punished = violations(view)
    noticed = " Noticed last time." if punished else ""
    return f"{paid} of {len(view.rounds)} rounds paid for breaking it.{noticed}"


class RolePlayStandIn(StandIn):
    """Answers as the logistic teacher does."""

    def reply(self, view: SeatView, messages: Sequence[Message]) -> str:
        """Return the teacher's reply."""
        del messages
        probability = ViolationResponse().violate_probability(view)
        action = Action.DEVIANT if self.random.random() < probability else Action.ALIGNED
        return role_play_reply(view, probability, action)


class RolePlayTranscripts:
    """Draws role-play transcripts and states inside a scope; the same seed draws the same ones."""

    def __init__(self, scenarios: Sequence[RolePlayScenario], scope: TrainingScope, seed: int) -> None:
        self._scenarios = scenarios
        self._longest_window = scope.bounds(RolePlayBounds).longest_window_role_play
        self._random = np.random.default_rng(seed)
        self._policy = ViolationResponse()

    def transcript(self) -> Transcript:
        """Return one conversation that ends with the teacher's reply; replies to a full memory are trained on."""
        spec, n_rounds = self._spec(), int(self._random.integers(0, 7))
        view, own_words = self._play(spec, n_rounds)
        probability = self._policy.violate_probability(view)
        reply = role_play_reply(view, probability, self._draw(probability))
        messages = [*build_messages(view), Message(role="assistant", content=reply)]
        shown = own_words[-len(view.rounds) :] if view.rounds else []
        if n_rounds > len(view.rounds):
            # What remembered replies were based on has slid out of the window: they are read, not learnt.
            shown = [False] * len(shown)
        flags = iter([*shown, True])
        trained = tuple(next(flags) if message["role"] == "assistant" else False for message in messages)
        return Transcript(tuple(messages), trained)

    def state(self) -> State:
        """Return one decision to be made."""
        view, _ = self._play(self._spec(), int(self._random.integers(0, 6)))
        return State(view, self._policy.violate_probability(view))

    def _spec(self) -> EpisodeSpec:
        rng = self._random
        scenario = self._scenarios[int(rng.integers(len(self._scenarios)))]
        low = round(scenario.base_income * float(rng.choice(BASE_STEPS)), 2)
        high = max(round(low * float(rng.choice(INCOME_RATIOS)), 2), round(low + 0.01, 2))
        notices: tuple[Notice, ...] = ("neutral", "actual", "none")
        numbers = RolePlayNumbers(
            low=low,
            high=high,
            supervision="all_unsupervised" if rng.random() < 0.5 else PATTERNS[int(rng.integers(len(PATTERNS)))],
            supervision_seed=int(rng.integers(1000)),
            rounds=ROUNDS,
            notice=notices[int(rng.choice(3, p=[0.65, 0.25, 0.1]))],
        )
        window = int(rng.choice([1, 3, 5], p=[0.1, 0.15, 0.75]))
        return EpisodeSpec(
            scenario=scenario,
            parameters=numbers,
            seats=(SeatGroup(checkpoint="tiny", count=1),),
            rounds=ROUNDS,
            history_window=min(window, self._longest_window),
        )

    def _play(self, spec: EpisodeSpec, n_rounds: int) -> tuple[SeatView, list[bool]]:
        """Return the view after some rounds, and which of the replies in it were the teacher's own words."""
        rng = self._random
        memory, settled, own_words = EpisodeMemory(spec, (0,)), list[RoundRecord](), list[bool]()
        # Some pasts are played at any rate, so that every memory has been seen; such choices are not the teacher's.
        rate = float(rng.beta(0.8, 0.8)) if rng.random() < 0.4 else None
        for _ in range(n_rounds):
            view = memory.seat_view(0)
            silent = rng.random() < 0.03
            probability = self._policy.violate_probability(view)
            action = self._draw(probability if rate is None else rate)
            reply = None if silent else role_play_reply(view, probability, action)
            code = Action.MISSING if silent else action
            decisions = plain_decisions(np.array([code], dtype=np.int8), (reply,))
            settled.append(settle_round(spec, settled, decisions))
            memory.observe([observe_round(spec, settled[-1], (0,))])
            own_words.append(rate is None and not silent)
        return memory.seat_view(0), own_words

    def _draw(self, probability: float) -> Action:
        return Action.DEVIANT if self._random.random() < probability else Action.ALIGNED
