"""What a finished cell came to, as the coordinator tells a trial: apart from it, so that a trial imports no more."""

from __future__ import annotations

from typing import NamedTuple

from atp_ray.costs.usage import Usage


class RoundOutcome(NamedTuple):
    """A round of a finished cell: the collusion rate (NaN where nothing was decided), tokens, dollars if known."""

    deviant_rate: float
    usage: Usage
    dollars: float | None


class CellOutcome(NamedTuple):
    """A finished cell: its id and what each round came to."""

    cell_id: str
    rounds: tuple[RoundOutcome, ...]

    @property
    def deviant_rates(self) -> tuple[float, ...]:
        """The collusion rate of each round, NaN where nothing was decided."""
        return tuple(entry.deviant_rate for entry in self.rounds)
