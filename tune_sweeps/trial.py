"""The Tune trainable: one trial stands for one cell and reports its rates round by round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ray
from ray import ObjectRef, tune

from actors.cell_outcomes import CellOutcome
from atp_ray.errors import AtpError


class CellTrial(tune.Trainable):  # type: ignore[misc]
    """Waits for a cell that its coordinator plays; training iteration r reports round r.

    The config names the cell (`cell_id`); `tune.with_parameters` passes where its outcome will be.
    """

    def setup(self, config: dict[str, Any], outcomes: Mapping[str, ObjectRef[CellOutcome]] | None = None) -> None:
        """Remember what a reused trial actor needs for every cell."""
        self._outcomes = outcomes or {}
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take another cell; starting a fresh process for each would take longer than playing it."""
        self._cell_id: str = new_config["cell_id"]
        self._outcome: CellOutcome | None = None
        return True

    def step(self) -> dict[str, Any]:
        """Report the next round's rate, once the cell is played; a cell that failed has none, and says why."""
        if self._outcome is None:
            try:
                self._outcome = ray.get(self._outcomes[self._cell_id])
            except (ray.exceptions.RayError, AtpError) as error:
                # Raised, it would cost this process; whoever started the sweep reads the error itself.
                return {"round": 0, "failure": str(error), "done": True}
            self._round = 0
        rounds = self._outcome.rounds
        self._round += 1
        rate, usage, dollars = rounds[self._round - 1]
        spent = {"dollars": dollars} if dollars is not None else {}
        done = self._round >= len(rounds)
        return {"round": self._round, "deviant_rate": rate, **usage._asdict(), **spent, "done": done}
