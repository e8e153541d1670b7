"""How much of the prompts of appendix B replicas would find in their caches, by way of routing; computed, not measured.

`python -m benchmarks.routing_model` sends what all games ask, 64 games at a time, to 2, 4 and 8 imagined replicas: to
the less busy of two (Ray Serve's default), or by the tree of Ray Serve LLM's prefix-aware router and its rules. A cache
holds everything, in blocks of 128 characters. Prints the share of blocks found, and the busiest replica's load relative
to the average.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import zip_longest

from ray.llm._internal.serve.routing_policies.prefix_aware.prefix_tree import PrefixTree

from atp_ray.play.model_calls import RequestBatch
from benchmarks.routing import Game, games_of
from serve_deployments.prefix_routing import PREFIX_ROUTING

GAMES_AT_ONCE, BLOCK = 64, 128
IMBALANCE = PREFIX_ROUTING["request_router_kwargs"]["imbalanced_threshold"]
MATCH = 0.1  # the router's own


def main() -> None:
    games = games_of([])
    result = {
        f"{count} replicas": {routing: _route(games, count, routing) for routing in ("load", "prefix")}
        for count in (2, 4, 8)
    }
    print(json.dumps(result, indent=2))


def _route(games: list[Game], count: int, routing: str) -> dict[str, float]:
    chance, tree, names = random.Random(0), PrefixTree(), [str(index) for index in range(count)]
    tree.add_tenants(names, 0.0)
    caches: list[set[str]] = [set() for _ in names]
    asked, found, total = [0] * count, 0, 0
    for number, together in enumerate(_moments(games)):
        busy = [0] * count
        for text in together:
            one, two = chance.sample(range(count), 2)
            replica = one if busy[one] <= busy[two] else two
            if routing == "prefix" and max(busy) - min(busy) <= IMBALANCE:
                replica = min(_matching(tree, text, names) or [replica], key=busy.__getitem__)
            tree.insert(text, str(replica), float(number))
            busy[replica] += 1
            asked[replica] += 1
            blocks = {text[:end] for end in range(BLOCK, len(text) + 1, BLOCK)}
            total += len(blocks)
            found += len(blocks & caches[replica])
            caches[replica] |= blocks
    return {"found": round(found / total, 3), "busiest": round(max(asked) * count / sum(asked), 2)}


def _matching(tree: PrefixTree, text: str, names: list[str]) -> list[int]:
    matched, replicas = tree.prefix_match(text, names)
    if len(matched) / len(text) < MATCH:
        replicas = tree.get_smallest_tenants()
    return [int(replica) for replica in replicas or ()]


def _moments(games: list[Game]) -> Iterator[list[str]]:
    """Yield the prompts that are in flight together: a round of every game of a group."""
    for start in range(0, len(games), GAMES_AT_ONCE):
        for rounds in zip_longest(*games[start : start + GAMES_AT_ONCE], fillvalue=()):
            yield [RequestBatch([request]).prompt for seats in rounds for request in seats]


if __name__ == "__main__":
    main()
