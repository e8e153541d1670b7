"""Which replica a request goes to: Ray Serve's default and its prefix-aware router, on the same games.

`python -m benchmarks.routing` starts two replicas of `tiny` on this machine for each way of routing, plays the same
games on both in the same order (a game's seats ask together, round after round, with decisions that are made up), and
prints the share of prompt tokens that were in a replica's prefix cache, decisions a second, and their ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import ray
from ray import serve

from actors.model_clients import Deployment, ServeClient
from atp_ray.checkpoint.engine_changes import engine_change
from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.checkpoint.profiles import ModelProfile
from atp_ray.paradigms.grids import expand, load_grid
from atp_ray.play.actions import Action
from atp_ray.play.decisions import plain_decisions
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.model_calls import ReplyRequest
from atp_ray.play.prompts import build_messages
from atp_ray.play.randomness import derive_seed
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import observe_round, settle_round
from serve_deployments.engine_groups import engine_groups
from serve_deployments.engine_options import deployment_options, llm_options
from tune_sweeps.experiment import connected

APPLICATION, DEPLOYMENT = "routing", "engine"
GAMES_AT_ONCE = 16
Game = list[list[ReplyRequest]]  # rounds of seats


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--set", action="append", default=["thresholds=2,4", "incentive_ratios=0.5,2"])
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    games = games_of(arguments.set)
    result: dict[str, Any] = {"decisions": sum(len(asked) for game in games for asked in game)}
    with connected(None, n_engines=arguments.replicas):
        for routing in ("load", "prefix"):
            result[routing] = _measure(routing, games, arguments.replicas)
    for key in ("hit_rate", "decisions_per_s"):
        result[f"{key}_ratio"] = round(result["prefix"][key] / result["load"][key], 3)
    print(json.dumps(result, indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


def games_of(settings: Sequence[str]) -> list[Game]:
    """Return what the games of appendix B ask, some of its grid changed by `settings`."""
    grid = load_grid("appendix_b", settings)
    cells = expand(grid, {"tiny": resolve_checkpoint("tiny")})
    return [_game(episode) for cell in cells for episode in cell.episodes]


def _game(spec: EpisodeSpec) -> Game:
    """Return what the seats of a game ask in each round."""
    n, sampling = spec.parameters.n_agents, spec.seats[0].sampling
    memory, settled, chance = EpisodeMemory(spec, range(n)), list[RoundRecord](), np.random.default_rng(spec.seed)
    rounds = []
    for number in range(1, spec.rounds + 1):
        seeds = [derive_seed(spec.episode_id, spec.seed, number, seat, 1) for seat in range(n)]
        messages = [tuple(build_messages(memory.seat_view(seat))) for seat in range(n)]
        rounds.append(
            [
                ReplyRequest(asked, sampling, seed, spec.scenario.options)
                for asked, seed in zip(messages, seeds, strict=True)
            ]
        )
        actions = chance.choice([Action.DEVIANT, Action.ALIGNED], size=n).astype(np.int8)
        replies = tuple(f'{{"choice": "{spec.scenario.options[int(action != Action.DEVIANT)]}"}}' for action in actions)
        settled.append(settle_round(spec, settled, plain_decisions(actions, replies)))
        memory.observe([observe_round(spec, settled[-1], range(n))])
    return rounds


def _measure(routing: str, games: list[Game], replicas: int) -> dict[str, float]:
    profile = engine_change([f"deployment.routing={routing}"], replicas=replicas).apply({"": _profile()})[""]
    (group,) = engine_groups([profile])
    options = llm_options(group, on_gpu=False)
    options["engine_kwargs"]["enable_prompt_tokens_details"] = True
    settings = deployment_options(profile, False, replicas, replicas)
    server = serve.deployment(name=DEPLOYMENT, **settings)("benchmarks.routing_server.CountingServer")
    serve.start(proxy_location="Disabled")
    serve.run(server.bind(options), name=APPLICATION, route_prefix=None)
    # In a new process each time: one that has known a Serve does not find the next.
    seconds = ray.get(ray.remote(num_cpus=0, max_calls=1)(_play).remote(games))
    counts = _counts(replicas)
    serve.shutdown()
    prompt, cached = (sum(part) for part in zip(*counts.values(), strict=True))
    decisions = sum(len(asked) for game in games for asked in game)
    return {
        "hit_rate": round(cached / prompt, 3),
        "decisions_per_s": round(decisions / seconds, 1),
        "busiest_share": round(max(tokens for tokens, _ in counts.values()) / prompt, 2),
    }


def _profile() -> ModelProfile:
    tiny = resolve_checkpoint("tiny")
    assert isinstance(tiny, ModelProfile)
    # As with real models, every request is a call of its own.
    return tiny.model_copy(update={"coalesce": 1})


def _play(games: list[Game]) -> float:
    async def play() -> None:
        client, tables = ServeClient(Deployment(APPLICATION, DEPLOYMENT)), asyncio.Semaphore(GAMES_AT_ONCE)

        async def play_one(game: Game) -> None:
            async with tables:
                for together in game:
                    replies = await asyncio.gather(*(client.reply(request) for request in together))
                    assert not any(reply.error for reply in replies), replies[0].error

        await asyncio.gather(*(play_one(game) for game in games))

    start = time.perf_counter()
    asyncio.run(play())
    return time.perf_counter() - start


def _counts(replicas: int) -> dict[str, tuple[int, int]]:
    """Return the prompt tokens of each replica, and how many of them were cached; which one answers is chance."""
    handle = serve.get_deployment_handle(DEPLOYMENT, APPLICATION)
    counts: dict[str, tuple[int, int]] = {}
    while len(counts) < replicas:
        name, prompt, cached = handle.counts.remote().result()
        counts[name] = (prompt, cached)
    return counts


if __name__ == "__main__":
    main()
