"""Where theory and a million agents tip.

`python -m benchmarks.tipping_points RESPONSE...` takes responses that `foresight fit` wrote, to naming games or games.
For each it bisects the share of committed agents (fixed colluders) from which on a population goes over half within
some rounds: that of the mean field, and that of populations of a million agents played in arrays.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from atp_ray.foresight.tables import answers_names
from atp_ray.paradigms.games import mean_field
from atp_ray.paradigms.games.chain import Fixed
from atp_ray.paradigms.games.payoffs import published_payoffs
from atp_ray.paradigms.games.populations import play_games
from atp_ray.paradigms.games.responding import RESPONDING
from atp_ray.paradigms.games.scenarios import GameNumbers
from atp_ray.responses.mean_field import MeanField
from atp_ray.responses.population import play_rounds
from atp_ray.responses.response import read_response

PRECISION, NEAR = 1e-3, 0.01
GAME_ROUNDS, THRESHOLDS = 6, (0.6, 0.75, 0.9)


def tipping_share(goes_over: Callable[[float], bool], guess: float | None = None) -> float:
    """Return the smallest share with which a population goes over half; 0 where it does by itself, 1 if never.

    Args:
        guess: where to look first; the whole range is searched if it is more than `NEAR` off.
    """
    low, high = 0.0, 1.0
    if guess is not None:
        low, high = max(0.0, guess - NEAR), min(1.0, guess + NEAR)
        if (low > 0 and goes_over(low)) or not goes_over(high):
            low, high = 0.0, 1.0
    if low == 0 and goes_over(0.0):
        return 0.0
    while high - low > PRECISION:
        middle = (low + high) / 2
        low, high = (low, middle) if goes_over(middle) else (middle, high)
    return high


def naming(path: Path, n: int, rounds: int) -> list[tuple[str, float, float]]:
    """Return name, theory and play of each direction of a naming game with two names."""
    response = read_response(path)
    responder = response.responder()
    field, codes = MeanField(responder), responder.codes
    found = []
    for start, to in ((0, 1), (1, 0)):

        def expected(share: float, start: int = start, to: int = to) -> bool:
            return bool(field.course(start, to, share, rounds).share_R[-1] > 0.5)

        def played(share: float, start: int = start, to: int = to) -> bool:
            codes_A = np.full(n, codes.full_of(start), dtype=codes.dtype)
            share_R = play_rounds(responder, codes_A, round(share * n), to, rounds, np.random.default_rng(0))
            return bool(share_R[-1] > 0.5)

        name = f"{response.fitted_on.model}, {response.names[start]} to {response.names[to]}, {rounds} rounds"
        theory = tipping_share(expected)
        found.append((name, theory, tipping_share(played, theory)))
    return found


def games(path: Path, n: int) -> list[tuple[str, float, float]]:
    """Return name, theory and play of games with several thresholds."""
    fitted = RESPONDING.read(path.read_text(encoding="utf-8"), str(path))
    found = []
    for threshold in THRESHOLDS:
        numbers = GameNumbers(n_agents=n, threshold=round(threshold * n), payoffs=published_payoffs()[1.0])

        def expected(share: float, numbers: GameNumbers = numbers) -> bool:
            seats = Fixed(round(share * (n - 1)))
            return bool(mean_field.course(fitted.response, numbers, GAME_ROUNDS, seats)[-1] > 0.5)

        def played(share: float, numbers: GameNumbers = numbers) -> bool:
            seats = Fixed(round(share * (n - 1)))
            share_RG = play_games(fitted.response, numbers, GAME_ROUNDS, 1, np.random.default_rng(0), seats)
            return bool(share_RG[-1, 0] > 0.5)

        name = f"{fitted.checkpoint}, threshold {threshold:g} n, {GAME_ROUNDS} rounds"
        theory = tipping_share(expected)
        found.append((name, theory, tipping_share(played, theory)))
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("responses", type=Path, nargs="+")
    parser.add_argument("--n-agents", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=60, help="of naming games (default: %(default)s)")
    given = parser.parse_args()
    print(f"| fitted to | mean field | {given.n_agents:,} agents | difference | seconds |")
    print("| --- | --- | --- | --- | --- |")
    for path in given.responses:
        begun = time.monotonic()
        rows = naming(path, given.n_agents, given.rounds) if answers_names(path) else games(path, given.n_agents)
        seconds = (time.monotonic() - begun) / len(rows)
        for name, theory, play in rows:
            print(f"| {name} | {theory:.2%} | {play:.2%} | {abs(theory - play):.2%} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
