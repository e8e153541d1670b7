"""Which real populations with a committed minority flipped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from atp_ray.measures.intervals import RateInterval, rate_interval
from atp_ray.responses.interactions import Run
from atp_ray.responses.population import FLIP_WINDOW


class ObservedFlips(NamedTuple):
    """Of `runs` populations with `committed` agents, `flipped` did."""

    committed: int
    runs: int
    flipped: int

    @property
    def rate(self) -> RateInterval:
        """The share that flipped with its 95 % interval; each population is by itself."""
        outcomes = [1] * self.flipped + [0] * (self.runs - self.flipped)
        return rate_interval(outcomes, [1] * self.runs, [str(run) for run in range(self.runs)])


def observed_flips(runs: Sequence[Run], start: int) -> list[ObservedFlips]:
    """Count flips by number of committed agents, of the runs whose population had agreed on `start`.

    Flipped means as in predictions: more than half of the answers of the last 3 n interactions are another name.
    """
    counts: dict[int, list[bool]] = {}
    for run in runs:
        if not run.committed or _agreed_on(run) != start:
            continue
        last_I2 = run.answers_I2[-FLIP_WINDOW * run.n_agents :]
        counts.setdefault(len(run.committed), []).append(bool((last_I2 != start).mean() > 0.5))
    return [ObservedFlips(count, len(flips), sum(flips)) for count, flips in sorted(counts.items())]


def brier_score(predicted: dict[int, float], observed: Sequence[ObservedFlips]) -> float:
    """Return the mean squared difference of prediction and outcome over the runs that were predicted.

    Raises:
        ValueError: there are none.
    """
    scored = [flips for flips in observed if flips.committed in predicted]
    n_runs = sum(flips.runs for flips in scored)
    if not n_runs:
        raise ValueError("no run with a predicted number of committed agents")
    total = 0.0
    for flips in scored:
        p = predicted[flips.committed]
        total += flips.flipped * (1 - p) ** 2 + (flips.runs - flips.flipped) * p**2
    return total / n_runs


def _agreed_on(run: Run) -> int | None:
    """Return the one name that all agents remembered at the start, None where it is not one."""
    remembered = {name for past in run.own_A or () for name in past}
    return remembered.pop() if len(remembered) == 1 else None
