"""Players without a language model: policies that answer for whole arrays of seats at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from actors.decisions import SeatDecision
from atp_ray.actions import Action, ActionArray
from atp_ray.memory import EpisodeMemory
from atp_ray.model_calls import decision_texts
from atp_ray.quantal import QuantalResponse
from atp_ray.quantal_solo import ViolationResponse
from atp_ray.randomness import round_generator
from atp_ray.sampling import Sampling


class QuantalPlayer:
    """The analytic policies for games and role-play; one array operation for all seats, the same whoever hosts them."""

    def __init__(self, policy: QuantalResponse | None = None) -> None:
        self._policy = policy or QuantalResponse()
        self._violation = ViolationResponse()

    async def decide(
        self, memory: EpisodeMemory, indices: Sequence[int], sampling: Sampling, notes: tuple[str, ...] = ()
    ) -> list[SeatDecision]:
        """Return one decision per index; `sampling` and `notes` do not apply."""
        del sampling, notes
        spec = memory.spec
        seats = np.array([memory.seats[index] for index in indices])
        if spec.paradigm == "role_play":
            chance_S = np.array([self._violation.violate_probability(memory.seat_view(index)) for index in indices])
        else:
            chance_S = self._collude_probability(memory, seats)
        stream = round_generator(spec.episode_id, spec.seed, memory.known_rounds + 1)
        deviates_S = stream.random(spec.parameters.n_agents)[seats] < chance_S
        decisions = [_plain_decision(spec.scenario.options, action) for action in (Action.ALIGNED, Action.DEVIANT)]
        return [decisions[int(deviates)] for deviates in deviates_S]

    def _collude_probability(self, memory: EpisodeMemory, seats: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        parameters = memory.spec.game.parameters
        if (last := memory.last_round) is None:
            return self._policy.collude_probability(parameters)
        actions_A: ActionArray = last.public.actions_A
        seen_A = np.ones(len(actions_A), dtype=bool)
        seen_A[sorted(last.public.hidden)] = False
        deviant_A, aligned_A = (actions_A == Action.DEVIANT) & seen_A, (actions_A == Action.ALIGNED) & seen_A
        others_deviant_S = (deviant_A.sum() - deviant_A[seats]).astype(float)
        others_decided_S = others_deviant_S + (aligned_A.sum() - aligned_A[seats])
        policy = self._policy
        chance_S = policy.collude_probability(parameters, others_deviant_S, others_decided_S, last.public.success)
        if last.forgotten_S:
            chance_S = np.where(last.forgotten_S, policy.collude_probability(parameters), chance_S)
        return chance_S


class FixedPlayer:
    """Always takes the same action: the fixed colluders of the reference, and their opposite."""

    def __init__(self, action: Action) -> None:
        self._action = action

    async def decide(
        self, memory: EpisodeMemory, indices: Sequence[int], sampling: Sampling, notes: tuple[str, ...] = ()
    ) -> list[SeatDecision]:
        """Return the fixed decision for each index."""
        del sampling, notes
        return [_plain_decision(memory.spec.scenario.options, self._action)] * len(indices)


def _plain_decision(options: tuple[str, str], action: Action) -> SeatDecision:
    return SeatDecision(action, decision_texts(options)[0 if action is Action.DEVIANT else 1])
