"""Training transcripts of naming games: the quantal teacher thinking aloud, through the real prompt builder.

States are drawn wide: any mix of names among partners, windows of any length and any part of them filled, from scratch
or with an established name, lists of two names or of many.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from atp_ray.checkpoint.scope import TrainingScope
from atp_ray.config_files import Frozen
from atp_ray.paradigms.conventions.environment import ENVIRONMENT
from atp_ray.paradigms.conventions.meetings import meetings
from atp_ray.paradigms.conventions.quantal import QuantalNaming
from atp_ray.paradigms.conventions.scenarios import ConventionNumbers, NamingGame, naming_of
from atp_ray.paradigms.stand_in import StandIn
from atp_ray.paradigms.teaching import Transcript
from atp_ray.play.actions import Action
from atp_ray.play.capital import FloatArray
from atp_ray.play.decisions import actions_of, plain_decisions
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.memory import EpisodeMemory, SeatView
from atp_ray.play.prompts import Message
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import observe_round, settle_round
from atp_ray.tiny.fits import State

PLAYER = "tiny-names"  # a prompt does not say


class ConventionBounds(Frozen):
    """The naming games that the small checkpoint knows."""

    most_names: int
    longest_window: int
    most_agents: int


def teacher_chances(view: SeatView, policy: QuantalNaming) -> FloatArray:
    """Return the teacher's probability of each option, [K]."""
    numbers = naming_of(view.spec).numbers
    met = [one.other for one in meetings(view)]
    met_SK = np.bincount(met, minlength=len(numbers.names)).astype(float)[None]
    chance_K: FloatArray = policy.chances(met_SK, numbers.success, numbers.failure)[0]
    return chance_K


def teacher_reply(view: SeatView, option: int) -> str:
    """Return the teacher's reply: how often each name was met, the most frequent first, and the decision."""
    options = view.spec.scenario.options
    counts: dict[int, int] = {}
    for one in meetings(view):
        counts[one.other] = counts.get(one.other, 0) + 1
    told = ", ".join(f"{options[name]} {count}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
    decision = json.dumps({"choice": options[option]}, ensure_ascii=False)
    return f"Met {told or 'nobody'}. {decision}"


class ConventionStandIn(StandIn):
    """Answers as the quantal teacher does."""

    def reply(self, view: SeatView, messages: Sequence[Message]) -> str:
        """Return the teacher's reply."""
        del messages
        chance_K = teacher_chances(view, QuantalNaming())
        return teacher_reply(view, int(self.random.choice(len(chance_K), p=chance_K)))


class ConventionTranscripts:
    """Draws transcripts and states inside a scope; the same seed draws the same ones.

    Args:
        games: the shipped naming games.
        scope: bounds on names, window and n.
    """

    def __init__(self, games: Sequence[NamingGame], scope: TrainingScope, seed: int) -> None:
        self._games = games
        self._known = scope.bounds(ConventionBounds)
        self._random = np.random.default_rng(seed)
        self._policy = QuantalNaming()

    def transcript(self) -> Transcript:
        """Return one conversation that ends with the teacher's reply."""
        view = self._view(self._spec())
        chance_K = teacher_chances(view, self._policy)
        reply = teacher_reply(view, int(self._random.choice(len(chance_K), p=chance_K)))
        messages = [*ENVIRONMENT.messages(view), Message(role="assistant", content=reply)]
        return Transcript(tuple(messages), tuple(message["role"] == "assistant" for message in messages))

    def state(self, n_names: tuple[int, int] | None = None) -> State:
        """Return one decision to be made, optionally with a number of names in a range (inclusive).

        Its probability is that of the challenger.
        """
        view = self._view(self._spec(n_names))
        return State(view, float(teacher_chances(view, self._policy)[0]))

    def _spec(self, n_names: tuple[int, int] | None = None) -> EpisodeSpec:
        rng = self._random
        game = self._games[int(rng.integers(len(self._games)))]
        low, high = n_names or ((2, 2) if rng.random() < 0.4 else (2, self._known.most_names))
        k = int(rng.integers(low, min(high, self._known.most_names, len(game.names)) + 1))
        picked = rng.permutation(len(game.names))[:k].tolist() if rng.random() < 0.8 else range(k)
        names = tuple(game.names[place] for place in picked)
        established = names[int(rng.integers(k))] if rng.random() < 0.4 else None
        n_agents = round(float(np.exp(rng.uniform(np.log(2), np.log(self._known.most_agents)))))
        numbers = ConventionNumbers(
            n_agents=n_agents,
            names=names,
            established=established,
            challenger=next(name for name in rng.permutation(names).tolist() if name != established),
            order="fixed" if rng.random() < 0.1 else "shuffled",
            pairing="synchronous",
        )
        length = self._known.longest_window
        window = length if rng.random() < 0.6 else int(rng.integers(1, length + 1))
        return EpisodeSpec(
            scenario=game.filled(numbers),
            parameters=numbers,
            seats=(SeatGroup(checkpoint=PLAYER, count=n_agents),),
            rounds=2 * length,
            history_window=window,
            seed=int(rng.integers(2**31)),
        )

    def _view(self, spec: EpisodeSpec) -> SeatView:
        """Return what one seat sees after some rounds in which names were said at any shares."""
        rng, numbers = self._random, naming_of(spec).numbers
        n, k = numbers.n_agents, len(numbers.names)
        seat = int(rng.integers(n))
        memory, settled = EpisodeMemory(spec, (seat,)), list[RoundRecord]()
        share_K = rng.dirichlet(np.full(k, rng.choice([0.1, 0.5, 2.0])))
        n_rounds = spec.history_window if rng.random() < 0.6 else int(rng.integers(spec.history_window + 1))
        for _ in range(n_rounds):
            option_A = rng.choice(k, size=n, p=share_K).astype(np.int8)
            if rng.random() < 0.6:
                chance_K = teacher_chances(memory.seat_view(0), self._policy)
                option_A[seat] = rng.choice(k, p=chance_K)
            action_A = actions_of(option_A)
            if rng.random() < 0.03:
                silent_A = rng.random(n) < 0.5
                option_A[silent_A], action_A[silent_A] = -1, Action.UNPARSED
            decisions = plain_decisions(action_A, [None] * n, 1, option_A)
            settled.append(settle_round(spec, settled, decisions))
            memory.observe([observe_round(spec, settled[-1], (seat,))])
        return memory.seat_view(0)
