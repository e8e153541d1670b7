"""Agents that are asked in some rounds only, restarted in between: the run is what the policy plays. Without Ray."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from naming_play import naming_spec, play_policy

from actors.agent import AgentActor, PlayerSpec
from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.paradigms.conventions.environment import ENVIRONMENT
from atp_ray.play.decisions import merge_decisions
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import next_turn, settle_round
from atp_ray.play.turns import MemoryGap, TurnReply

POLICIES = [PlayerSpec(resolve_checkpoint(f"policy:{name}")) for name in ("quantal", "collude")]


async def play_hosted(spec: EpisodeSpec, hostings: list[tuple[int, ...]], restarts: float) -> tuple[list, int]:
    """Play an episode as the coordinator does; a host is lost with some probability before each of its turns.

    Returns the settled rounds, and how often a host lacked the past.
    """
    random, gaps = np.random.default_rng(1), 0
    hosts, settled = [AgentActor(POLICIES) for _ in hostings], list[RoundRecord]()
    for number in range(1, spec.rounds + 1):
        asked_A = ENVIRONMENT.asked(spec, number)
        assert asked_A is not None
        parts = []
        for place, seats in enumerate(hostings):
            if not asked_A[list(seats)].any():
                continue
            if random.random() < restarts:
                hosts[place] = AgentActor(POLICIES)
            for whole in (not settled, True):
                (reply,) = await hosts[place].decide([next_turn(spec, settled, seats, whole=whole, asked_A=asked_A)])
                if isinstance(reply, TurnReply):
                    break
                assert isinstance(reply, MemoryGap)
                gaps += 1
            assert isinstance(reply, TurnReply)
            parts.append((reply.seats, reply.decisions))
        settled.append(settle_round(spec, settled, merge_decisions(spec.parameters.n_agents, parts)))
    return settled, gaps


@pytest.mark.parametrize("restarts", [0.0, 0.2])
@pytest.mark.parametrize("hostings", [[(0,), (1,), (2,), (3,), (4,)], [(0, 3, 4), (1, 2)]], ids=["one", "packed"])
@pytest.mark.parametrize("pairing", ["asynchronous", "synchronous"])
def test_hosts_know_all_that_matters(pairing, hostings, restarts) -> None:
    spec = naming_spec(
        n_agents=5, pairing=pairing, n_names=3, committed=1, established="B", rounds=40, history_window=2
    )
    played, gaps = asyncio.run(play_hosted(spec, hostings, restarts))
    alone = play_policy(spec)
    for one, other in zip(played, alone, strict=True):
        assert one.decisions.options_A.tolist() == other.decisions.options_A.tolist()
        assert one.decisions.reply_A == other.decisions.reply_A
        assert one.capital_after.value_A.tolist() == other.capital_after.value_A.tolist()
    assert (gaps > 0) == (restarts > 0)
