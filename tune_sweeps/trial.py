"""The Tune trainable: one trial plays one cell and reports its collusion rate round by round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ray
from ray import ObjectRef, tune
from ray.actor import ActorHandle

from actors.coordinator import CellOutcome
from atp_ray.cells import CellSpec


class CellTrial(tune.Trainable):  # type: ignore[misc]
    """Hands a cell to its coordinator; training iteration r reports round r.

    The config names the cell (`point.cell_id`) and its coordinator by index; `tune.with_parameters` passes what they
    stand for.
    """

    def setup(
        self,
        config: dict[str, Any],
        cells: Mapping[str, ObjectRef[CellSpec]] | None = None,
        coordinators: Sequence[ActorHandle[Any]] = (),
    ) -> None:
        """Remember what a reused trial actor needs for every cell."""
        self._cells = cells or {}
        self._coordinators = coordinators
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take another cell; starting a fresh process for each would take longer than playing it."""
        self._cell_id: str = new_config["point"]["cell_id"]
        self._coordinator = self._coordinators[new_config["point"]["coordinator"]]
        self._outcome: CellOutcome | None = None
        return True

    def step(self) -> dict[str, Any]:
        """Play the cell on the first call; report the next round's rate on each."""
        if self._outcome is None:
            self._outcome = ray.get(self._coordinator.play.remote(self._cells[self._cell_id]))
            self._round = 0
        rates = self._outcome.deviant_rates
        self._round += 1
        return {"round": self._round, "deviant_rate": rates[self._round - 1], "done": self._round >= len(rates)}
