"""How many replicas of several engines GPUs hold together: all first get their minimum, then what is left is shared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class GpuNode(NamedTuple):
    """GPUs of one machine; `kind` is Ray's name for them, None where it is not known."""

    gpus: int
    kind: str | None = None


class Want(NamedTuple):
    """What an engine asks for: GPUs of a replica, replicas at least and at most (None: as many as there is room for).

    `kind` None takes any GPU. The GPUs of a replica lie on one node unless it is not `together`.
    """

    gpus: int
    minimum: int = 1
    most: int | None = None
    kind: str | None = None
    together: bool = True


def share_gpus(wants: Sequence[Want], nodes: Sequence[GpuNode]) -> list[int] | None:
    """Return the replicas of each engine, None where the nodes do not hold the minimum of all."""
    free = [node.gpus for node in nodes]
    replicas = [0] * len(wants)
    # Large replicas first: small ones find room in what is left.
    for index in sorted(range(len(wants)), key=lambda index: -wants[index].gpus):
        for _ in range(wants[index].minimum):
            if not _place(wants[index], nodes, free):
                return None
            replicas[index] += 1
    growing = [index for index, want in enumerate(wants) if want.most is None or replicas[index] < want.most]
    while growing:
        index = min(growing, key=lambda index: replicas[index] * wants[index].gpus)
        want = wants[index]
        if _place(want, nodes, free):
            replicas[index] += 1
        if replicas[index] == want.most or not _room(want, nodes, free):
            growing.remove(index)
    return replicas


def _place(want: Want, nodes: Sequence[GpuNode], free: list[int]) -> bool:
    """Take a replica's GPUs, from the node with the least room for them; returns whether there are any."""
    if not _room(want, nodes, free):
        return False
    left = want.gpus
    for index in sorted(_suited(want, nodes), key=lambda index: free[index] if want.together else -free[index]):
        if free[index] >= (want.gpus if want.together else 1):
            taken = min(left, free[index])
            free[index] -= taken
            left -= taken
        if not left:
            return True
    return False


def _room(want: Want, nodes: Sequence[GpuNode], free: Sequence[int]) -> bool:
    there = [free[index] for index in _suited(want, nodes)]
    return (max(there, default=0) if want.together else sum(there)) >= want.gpus


def _suited(want: Want, nodes: Sequence[GpuNode]) -> list[int]:
    return [index for index, node in enumerate(nodes) if want.kind in (None, node.kind)]
