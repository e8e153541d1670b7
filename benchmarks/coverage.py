"""How often the reported 95 % interval holds the true rate, in every round of every shipped grid.

`python -m benchmarks.coverage` simulates the grids' shapes with the analytic policies in numpy and prints a markdown
table: the true rate, coverage of the reported interval and of plain Wilson, and their mean widths. `--spread 1` makes
scenarios, prompts and problems differ by a standard deviation of 1 in log-odds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from atp_ray.checkpoint.names import resolve_checkpoints
from atp_ray.measures.intervals import CONFIDENCE, rate_interval
from atp_ray.paradigms.games.scenarios import GameNumbers
from atp_ray.paradigms.grids import expand, load_grid
from benchmarks.simulated_rounds import SimulatedRound, game_rounds, role_play_rounds, tool_rounds

# The cells of figure3 are those of appendix_b with incentive ratio 1.
GRIDS = ("appendix_b", "table1", "table2")


class Coverage(NamedTuple):
    """One row: shares of runs whose interval holds the true rate, and mean widths."""

    cell: str
    number: int
    rate: float
    covered: float
    wilson_covered: float
    width: float
    wilson_width: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--grids", default=",".join(GRIDS))
    parser.add_argument("--seeds", default="1,5", help="repetitions; a table each")
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--spread", type=float, default=0.0, help="how much units differ: s.d. in log-odds")
    arguments = parser.parse_args()
    for seeds in map(int, arguments.seeds.split(",")):
        print(f"\n{arguments.runs} runs, {seeds} seed{'s' * (seeds > 1)}, spread {arguments.spread:g}\n")
        print("| cell | round | true rate | coverage | of Wilson | mean width | of Wilson |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name in arguments.grids.split(","):
            for played in simulated(name, arguments.runs, seeds, arguments.spread):
                print(markdown_row(coverage(played)), flush=True)


def markdown_row(row: Coverage) -> str:
    """Return the row of the table, in percent."""
    numbers = (row.rate, row.covered, row.wilson_covered, row.width, row.wilson_width)
    return f"| {row.cell} | {row.number} | " + " | ".join(f"{100 * number:.1f}" for number in numbers) + " |"


def simulated(grid_name: str, runs: int, seeds: int, spread: float = 0.0, seed: int = 0) -> Iterator[SimulatedRound]:
    """Yield the rounds of every cell of a shipped grid."""
    grid = load_grid(grid_name)
    for index, cell in enumerate(expand(grid, resolve_checkpoints(grid.checkpoints, None))):
        rng = np.random.default_rng([seed, seeds, index])
        spec, units = cell.episodes[0], len(cell.episodes)
        numbers = spec.parameters
        if isinstance(numbers, GameNumbers):
            label = f"t {numbers.threshold}, ratio {numbers.payoffs.incentive_ratio:g}"
            yield from game_rounds(label, numbers, (runs, units, seeds, spec.rounds), rng, spread)
        elif cell.paradigm == "role_play":
            yield from role_play_rounds(grid.name, (runs, seeds, spec.rounds), spec.history_window, rng, spread)
        else:
            for both in tool_rounds(grid.name, (runs, units, seeds, spec.rounds), rng, spread):
                yield from both


def coverage(played: SimulatedRound) -> Coverage:
    """Return how often the interval of a run holds the true rate, for the reported one and for Wilson's."""
    rate, n = played.rate, played.decisions
    decisions_E = [n] * played.deviant_RE.shape[1]
    known: dict[tuple[tuple[int, int], ...], tuple[float, float]] = {}
    ends = np.empty((len(played.deviant_RE), 2))
    for run, (k_E, unit_E) in enumerate(zip(played.deviant_RE, played.unit_RE, strict=True)):
        key = tuple(_alike(k_E.tolist(), unit_E.tolist()))
        if key not in known:
            found = rate_interval(
                [k for _, k in key], decisions_E, [str(unit) for unit, _ in key], first_round=played.number == 1
            )
            assert found.low is not None
            assert found.high is not None
            known[key] = found.low, found.high
        ends[run] = known[key]
    plain = wilson(played.deviant_RE.sum(axis=1), n * len(decisions_E))
    return Coverage(
        played.cell, played.number, rate, _covered(ends, rate), _covered(plain, rate), _width(ends), _width(plain)
    )


def wilson(k_R: np.ndarray, n: int) -> np.ndarray:
    """Return Wilson's limits [R, 2] of `k` of `n` independent decisions."""
    z = ndtri(0.5 + CONFIDENCE / 2)
    rate_R = k_R / n
    middle_R = (rate_R + z * z / (2 * n)) / (1 + z * z / n)
    half_R = z / (1 + z * z / n) * np.sqrt(rate_R * (1 - rate_R) / n + z * z / (4 * n * n))
    return np.stack([middle_R - half_R, middle_R + half_R], axis=1)


def _alike(k_E: Sequence[int], unit_E: Sequence[int]) -> list[tuple[int, int]]:
    """Return (unit, k) of a run with units renamed by what is in them: runs that differ in names only are equal."""
    by_unit: dict[int, list[int]] = {}
    for k, unit in zip(k_E, unit_E, strict=True):
        by_unit.setdefault(unit, []).append(k)
    return [(index, k) for index, found in enumerate(sorted(sorted(ks) for ks in by_unit.values())) for k in found]


def _covered(ends_R: np.ndarray, rate: float) -> float:
    slack = 1e-9
    return float(((ends_R[:, 0] <= rate + slack) & (rate - slack <= ends_R[:, 1])).mean())


def _width(ends_R: np.ndarray) -> float:
    return float((ends_R[:, 1] - ends_R[:, 0]).mean())


if __name__ == "__main__":
    main()
