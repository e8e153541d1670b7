"""How results of games say who saw whom, where fixed seats were, and how many revised in a round."""

from __future__ import annotations

from collections.abc import Sequence

from atp_ray.measures.results import CellResult, Setting
from atp_ray.networks.kinds import EVERYONE


def way_parts(setting: Setting) -> list[str]:
    """Return what is said of network, placement and revision; nothing where all see all and decide in every round."""
    parts = [] if setting.network == EVERYONE else [setting.network]
    parts += [setting.placement] if setting.placement else []
    return parts + ([f"revision {setting.revision:g}"] if setting.revision else [])


def ways(results: Sequence[CellResult]) -> list[str]:
    """Return how each cell was played; empty if all see all, decide in every round and sit as listed in each."""
    told = [way_parts(result.setting) for result in results]
    if not any(told):
        return []
    networks = {result.setting.network for result in results} != {EVERYONE}
    return [
        ", ".join([EVERYONE, *parts] if networks and result.setting.network == EVERYONE else parts) or "as listed"
        for result, parts in zip(results, told, strict=True)
    ]


def named_by_way(results: Sequence[CellResult]) -> list[CellResult]:
    """Return the cells with checkpoints that are called by how they were played too, if it is not the same for all."""
    told = ways(results)
    if len(set(told)) < 2:
        return list(results)
    return [
        result._replace(setting=result.setting._replace(checkpoint=f"{result.setting.checkpoint}, {way}"))
        for result, way in zip(results, told, strict=True)
    ]
