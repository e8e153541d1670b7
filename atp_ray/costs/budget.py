"""Limits on what a run may take, and the account that says whether another round may begin.

A run stops between rounds. So that many rounds in play do not go far beyond a limit together, a round that begins is
booked with what it is expected to take, and with what it took once it is settled. Tokens of earlier parts of a run are
those of its log, cell by cell: whoever plays a cell again, a coordinator that was restarted too, counts none twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from atp_ray.costs.prices import SECONDS_PER_HOUR, Rates
from atp_ray.costs.usage import RoundShare, Usage, Usages, add_usages, total_usage, usage_of
from atp_ray.play.answers import Probed
from atp_ray.play.decisions import Decisions
from atp_ray.play.episodes import EpisodeSpec


class Limits(NamedTuple):
    """What a run may take in dollars, tokens (sent and written) and hours; None is no limit."""

    cost: float | None = None
    tokens: int | None = None
    hours: float | None = None

    def reached(self, tokens: int, next_tokens: int, dollars: float | None, hours: float) -> str | None:
        """Return which limit keeps the next round from beginning, None if none does.

        Args:
            tokens: spent and booked so far, `next_tokens` what the next round is expected to take.
            dollars: spent and booked with the next round.
        """
        if self.tokens is not None and tokens + next_tokens > self.tokens:
            return f"--max-tokens-total {self.tokens}: {tokens:,} are spent, the next round takes about {next_tokens:,}"
        if self.cost is not None and (dollars is None or dollars > self.cost):
            spent = "the price is not known" if dollars is None else f"with the next round it would be {dollars:.2f}"
            return f"--max-cost {self.cost:g}: {spent}"
        if self.hours is not None and hours >= self.hours:
            return f"--max-hours {self.hours:g}: {hours:.2f} hours have passed"
        return None


NO_LIMITS = Limits()


@dataclass(frozen=True)
class Budget:
    """What a run may take and took before.

    `rounds` is what decisions of each round are expected to ask of each checkpoint, later ones as the last; `before`
    what each cell's log and tables hold. `since` is when the run began and `gpus_since` since when it holds `gpus`
    GPUs, in seconds of the clock; `since` is set back by what earlier parts of the run took.
    """

    limits: Limits = NO_LIMITS
    rates: Rates = field(default_factory=Rates)
    rounds: Mapping[str, Sequence[RoundShare]] = field(default_factory=dict)
    before: Mapping[str, Usages] = field(default_factory=dict)
    since: float = 0.0
    gpus: int = 0
    gpus_since: float = 0.0
    gpu_seconds_before: float = 0.0

    def gpu_seconds(self, now: float) -> float:
        """Return the GPU-seconds of the run: GPUs held, times time."""
        return self.gpu_seconds_before + self.gpus * max(0.0, now - self.gpus_since)

    def expected(self, spec: EpisodeSpec, round_number: int) -> dict[str, Usage]:
        """Return what a round of an episode is expected to ask of each checkpoint."""
        return add_usages(
            {group.checkpoint: shares[min(round_number, len(shares)) - 1].of(group.count)}
            for group in spec.seats
            if (shares := self.rounds.get(group.checkpoint))
        )


class Account:
    """What a run has spent, cell by cell, and what the rounds in play are expected to take.

    Args:
        clock: seconds, as `Budget.since` is in.
    """

    def __init__(self, budget: Budget, clock: Callable[[], float] = time.time) -> None:
        self._budget = budget
        self._clock = clock
        self._cells: dict[str, dict[str, Usage]] = {cell: dict(usages) for cell, usages in budget.before.items()}
        self._booked: dict[str, dict[str, Usage]] = {}
        self._spent = add_usages(self._cells.values())
        self.reached: str | None = None

    @property
    def usages(self) -> dict[str, Usage]:
        """What was asked of each checkpoint, earlier parts of the run included."""
        return dict(self._spent)

    def found(self, cell_id: str, usages: Usages) -> None:
        """Take what a cell's log holds for what was spent on the cell."""
        known = {name: usage.times(-1) for name, usage in self._cells.get(cell_id, {}).items()}
        self._spent = add_usages((self._spent, known, usages))
        self._cells[cell_id] = dict(usages)

    def begin_round(self, spec: EpisodeSpec, round_number: int) -> bool:
        """Book the next round of an episode, and return whether it may begin; once one may not, none may."""
        if self.reached is not None:
            return False
        expected = self._budget.expected(spec, round_number)
        self.reached = self.reached_now(expected)
        if self.reached is None:
            self._booked[spec.episode_id] = expected
        return self.reached is None

    def reached_now(self, expected: Usages | None = None) -> str | None:
        """Return which limit keeps a round from beginning, None if none does.

        Args:
            expected: what the round is expected to take; a token if nothing is known of it.
        """
        budget = self._budget
        if budget.limits == NO_LIMITS:
            return None
        now = self._clock()
        committed = add_usages((self._spent, *self._booked.values()))
        dollars = budget.rates.dollars(add_usages((committed, expected or {})), budget.gpu_seconds(now))
        next_tokens = max(1, total_usage(expected or {}).tokens)
        hours = (now - budget.since) / SECONDS_PER_HOUR
        return budget.limits.reached(total_usage(committed).tokens, next_tokens, dollars, hours)

    def end_round(self, spec: EpisodeSpec) -> None:
        """Drop what was booked for a round, settled or not."""
        self._booked.pop(spec.episode_id, None)

    def settle(self, cell_id: str, spec: EpisodeSpec, decisions: Decisions, probed: Sequence[Probed] = ()) -> None:
        """Count what a round took, with its probes."""
        took = usage_of(spec, decisions, probed)
        self._cells[cell_id] = add_usages((self._cells.get(cell_id, {}), took))
        self._spent = add_usages((self._spent, took))
