"""How often comparisons find a difference where there is none, and where there is one, beside the rule of overlap.

`python -m benchmarks.comparisons` plays a base, the same once more, and a checkpoint that is aligned (1.5 lower in
log-odds in round 1, 0.3 lower afterwards) with the analytic policy in numpy, over the settings of a grid, and prints a
markdown table. The rule of overlap is what reports did before: a difference is one whose two intervals (Wilson;
clustered by scenario where seeds repeat) do not overlap. "At equal false positives" widens its intervals until it is
wrong in 5 % of runs, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit, ndtri, stdtrit

from atp_ray.checkpoint.names import resolve_checkpoints
from atp_ray.measures.differences import (
    MeanDifference,
    holm,
    independent_variance,
    mean_difference,
    resolution_of,
    share_variance,
)
from atp_ray.measures.erosion import erosion
from atp_ray.measures.tips import tips
from atp_ray.paradigms.games.quantal import QuantalResponse
from atp_ray.paradigms.games.scenarios import GameNumbers
from atp_ray.paradigms.grids import expand, load_grid

ALPHA = 0.05
FIRST_SHIFT, LATER_SHIFT = -1.5, -0.3  # log-odds of an aligned checkpoint beside its base
Rates = np.ndarray  # [run, setting, unit, round]


class Design(NamedTuple):
    """The shape of a grid of games."""

    numbers: list[GameNumbers]
    units: int
    rounds: int
    agents: int


class Row(NamedTuple):
    """Shares of runs (false positives) and of settings (power), in percent."""

    what: str
    false_positives: float
    overlap_false_positives: float | None
    power: float
    overlap_power: float | None
    overlap_power_at_equal: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--grids", default="appendix_b,figure3")
    parser.add_argument("--seeds", default="1,5", help="repetitions; a table each")
    parser.add_argument("--spreads", default="0,0.7", help="how much scenarios differ: s.d. in log-odds")
    parser.add_argument("--runs", type=int, default=4000)
    arguments = parser.parse_args()
    print("| grid | seeds | spread | comparison | false positives | of overlap | power | of overlap | at equal |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in arguments.grids.split(","):
        for seeds in map(int, arguments.seeds.split(",")):
            for spread in map(float, arguments.spreads.split(",")):
                for row in simulated(design_of(name), arguments.runs, seeds, spread):
                    numbers = ("-" if value is None else f"{100 * value:.1f}" for value in row[1:])
                    print(f"| {name} | {seeds} | {spread:g} | {row.what} | " + " | ".join(numbers) + " |", flush=True)


def design_of(grid_name: str) -> Design:
    """Return the shape of a shipped grid."""
    grid = load_grid(grid_name, checkpoints=["policy:quantal"])
    cells = expand(grid, resolve_checkpoints(grid.checkpoints, None))
    numbers = [cell.episodes[0].parameters for cell in cells]
    assert all(isinstance(each, GameNumbers) for each in numbers)
    return Design(
        numbers, len(cells[0].episodes), cells[0].episodes[0].rounds, cells[0].episodes[0].parameters.n_agents
    )


def simulated(design: Design, runs: int, seeds: int, spread: float, seed: int = 0) -> Iterator[Row]:
    """Yield what each comparison does in `runs` simulated runs."""
    rng = np.random.default_rng([seed, seeds, round(100 * spread), len(design.numbers)])
    offset_RU = rng.normal(0, spread, (runs, design.units)) if spread else np.zeros((runs, design.units))
    base = play(design, seeds, offset_RU, rng)
    same = play(design, seeds, offset_RU, rng)
    aligned = play(design, seeds, offset_RU, rng, (FIRST_SHIFT, LATER_SHIFT))
    n = design.agents * seeds * design.units
    for what, number in (("round 1", 0), ("last round", design.rounds - 1)):
        null, found = (tested(base[..., [number]], other[..., [number]], n) for other in (same, aligned))
        gaps = [least_quantile(base[..., number], other[..., number], n, seeds) for other in (same, aligned)]
        used = 1.0  # in units of the quantile that the rule used
        equal = float(np.quantile(gaps[0].max(axis=1), 1 - ALPHA))
        yield Row(
            what, any_of(null), float((gaps[0] > used).any(axis=1).mean()), share_of(found),
            float((gaps[1] > used).mean()), float((gaps[1] > equal).mean()),
        )  # fmt: skip
    ends = [0, design.rounds - 1]
    null, found = (tested(base[..., ends], other[..., ends], n) for other in (same, aligned))
    yield Row("change", any_of(null), None, share_of(found), None, None)
    for what, part in (
        ("all settings, round 1", lambda d: d[..., 0]),
        ("all settings, last round", lambda d: d[..., -1]),
        ("all settings, change", lambda d: d[..., -1] - d[..., 0]),
    ):
        null, found = (pooled(base, other, part) for other in (same, aligned))
        yield Row(what, float((null <= ALPHA).mean()), None, float((found <= ALPHA).mean()), None, None)
    yield erosion_row(base, same, aligned)
    if seeds == 1:  # rates of repeated episodes are averaged here, and no tip is left to see
        before = [rounds_before_tip(side) for side in (base, same, aligned)]
        least = float(np.sqrt(2)) / design.units
        null, found = (holm(mean_difference(other - before[0], least).p_value()) for other in before[1:])
        yield Row("rounds before the tip", any_of(null), None, share_of(found), None, None)


def play(
    design: Design, seeds: int, offset_RU: np.ndarray, rng: np.random.Generator, shift: tuple[float, float] = (0, 0)
) -> Rates:
    """Return the collusion rates of one checkpoint; `offset_RU` is what each scenario adds to everybody's log-odds."""
    runs, units = offset_RU.shape
    policy, n = QuantalResponse(), design.agents
    rates = np.empty((runs, len(design.numbers), units, design.rounds))
    others = np.arange(n, dtype=float)
    for setting, numbers in enumerate(design.numbers):
        first = policy.collude_probability(numbers)[0]
        later = np.stack([policy.collude_probability(numbers, others, n - 1 - others, bool(won)) for won in (0, 1)])
        offset = offset_RU[:, :, None, None]
        shape = (runs, units, seeds, n)
        colluded = rng.random(shape) < expit(logit(first) + offset + shift[0])
        rates[:, setting, :, 0] = colluded.mean(axis=(2, 3))
        for number in range(1, design.rounds):
            total = colluded.sum(axis=3, keepdims=True)
            won = (total >= numbers.threshold).astype(int)
            chance = later[np.broadcast_to(won, shape), total - colluded]
            colluded = rng.random(shape) < expit(logit(chance) + offset + shift[1])
            rates[:, setting, :, number] = colluded.mean(axis=(2, 3))
    return rates


def rounds_before_tip(rates: Rates) -> np.ndarray:
    """Return how many rounds each episode played before it tipped [run, setting, unit]."""
    n_rounds = rates.shape[-1]
    rate_ER = rates.reshape(-1, n_rounds)
    numbers = np.arange(len(rate_ER) * n_rounds)
    tip_E, _ = tips(numbers // n_rounds, numbers % n_rounds + 1, rate_ER.ravel())
    return np.where(tip_E > 0, tip_E - 1, n_rounds).reshape(rates.shape[:-1]).astype(float)


def tested(base: Rates, other: Rates, n: int) -> np.ndarray:
    """Return the p values after Holm [run, setting] of rates in one round, or of the change between two."""
    n_rounds = base.shape[-1]
    difference = other - base
    of_measure = difference[..., -1] - (difference[..., 0] if n_rounds > 1 else 0)
    alone = mean_difference(of_measure, resolution_of(*[n] * (2 * n_rounds)))
    independent = sum(
        independent_variance(side[..., number].mean(axis=-1), n) for side in (base, other) for number in range(n_rounds)
    )
    found: MeanDifference = share_variance(alone, independent)
    return holm(found.p_value())


def pooled(base: Rates, other: Rates, part: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the p value of each run's mean over settings."""
    return mean_difference(part(other - base).mean(axis=1)).p_value()


def least_quantile(base: np.ndarray, other: np.ndarray, n: int, seeds: int) -> np.ndarray:
    """Return how much wider intervals could be without overlap [run, setting]; above 1 the rule sees a difference."""
    sides = [_effective(side, n, seeds) for side in (base, other)]
    lower, upper = (
        [np.where(first, sides[0][i], sides[1][i]) for i in (0, 1)]
        for first in (sides[0][0] <= sides[1][0], sides[0][0] > sides[1][0])
    )
    quantile = ndtri(0.975) if seeds == 1 else stdtrit(base.shape[-1] - 1, 0.975)
    low, high = np.zeros(lower[0].shape), np.full(lower[0].shape, 40.0)
    for _ in range(40):
        middle = (low + high) / 2
        apart = _wilson(*lower, middle * quantile)[1] < _wilson(*upper, middle * quantile)[0]
        low, high = np.where(apart, middle, low), np.where(apart, high, middle)
    return low


def _effective(rate_U: np.ndarray, n: int, seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rates and how many decisions they count as: all with one seed, else fewer by the design effect."""
    rate, units = rate_U.mean(axis=-1), rate_U.shape[-1]
    if seeds == 1:
        return rate, np.full(rate.shape, float(n))
    robust = rate_U.var(axis=-1, ddof=1) / units
    binomial = rate * (1 - rate) / n
    with np.errstate(divide="ignore", invalid="ignore"):
        return rate, n / np.where(binomial > 0, np.maximum(1.0, robust / binomial), 1.0)


def _wilson(rate: np.ndarray, n: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return centre - half, centre + half


def erosion_row(base: Rates, same: Rates, aligned: Rates) -> Row:
    """Return how often the interval of erosion over all settings misses the truth, and how often it has bounds.

    Under no effect there is no drop: bounds are then false positives.
    """
    drops = [(base - other).mean(axis=1) for other in (same, aligned)]
    true = 1 - drops[1][..., -1].mean() / drops[1][..., 0].mean()
    found = [[erosion(drop[:, 0], drop[:, -1]) for drop in each] for each in drops]
    bounded = [np.mean([e.low is not None and np.isfinite(e.low) for e in each]) for each in found]
    missed = np.mean([not (e.low is not None and e.low <= true <= e.high) for e in found[1]])
    return Row(f"erosion, all settings: missed {100 * missed:.1f}", bounded[0], None, bounded[1], None, None)


def any_of(adjusted: np.ndarray) -> float:
    """Return the share of runs with any finding."""
    return float((adjusted <= ALPHA).any(axis=1).mean())


def share_of(adjusted: np.ndarray) -> float:
    """Return the share of settings with a finding."""
    return float((adjusted <= ALPHA).mean())


if __name__ == "__main__":
    main()
