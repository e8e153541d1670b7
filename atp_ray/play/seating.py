"""Where the fixed seats of an episode are: those that collude or refrain whatever happens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atp_ray.errors import UsageError
from atp_ray.networks.kinds import NetworkKind
from atp_ray.networks.neighbours import neighbours
from atp_ray.networks.placement import PlacementRule, place
from atp_ray.play.episodes import FIXED_COLLUDER, FIXED_REFUSER, SeatGroup

_HINT = f"Set fixed_colluders, or give some of the players' seats to {FIXED_COLLUDER}"


def placed(
    seats: Sequence[SeatGroup], rule: PlacementRule, network: NetworkKind, seed: int, where: str
) -> tuple[SeatGroup, ...]:
    """Return the same agents with the fixed ones on the seats that `rule` gives them; the others keep their order.

    Args:
        seed: of the episode, which is also that of its network.

    Raises:
        UsageError: nobody is fixed, or the network has no such place.
    """
    n_agents = sum(group.count for group in seats)
    group_A = np.repeat(np.arange(len(seats)), [group.count for group in seats])
    fixed = [index for index, group in enumerate(seats) if group.checkpoint in (FIXED_COLLUDER, FIXED_REFUSER)]
    if not fixed:
        raise UsageError(f"placement {rule}: there is nobody to place", where, _HINT)
    fixed_A = np.isin(group_A, fixed)
    found = neighbours(network, n_agents, seed) if rule in ("hubs", "cluster") else None
    theirs_A = np.zeros(n_agents, dtype=bool)
    theirs_A[list(place(rule, int(fixed_A.sum()), found, n_agents, seed))] = True
    placed_A = np.empty_like(group_A)
    placed_A[theirs_A], placed_A[~theirs_A] = group_A[fixed_A], group_A[~fixed_A]
    starts = np.flatnonzero(np.diff(placed_A, prepend=-1))
    counts = np.diff(starts, append=n_agents)
    return tuple(
        seats[group].model_copy(update={"count": count})
        for group, count in zip(placed_A[starts].tolist(), counts.tolist(), strict=True)
    )
