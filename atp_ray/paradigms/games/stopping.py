"""What stops games of a fitted response from tipping against fixed colluders."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from atp_ray.errors import UsageError
from atp_ray.networks.neighbours import Neighbours
from atp_ray.paradigms.games.chain import Fixed
from atp_ray.paradigms.games.fitted_games import FittedGames
from atp_ray.paradigms.games.payoffs import Payoffs
from atp_ray.paradigms.games.populations import EVERYTHING, Seen, play_games
from atp_ray.paradigms.games.quantal import GameResponse
from atp_ray.paradigms.games.scenarios import GameNumbers
from atp_ray.responses.features import Array
from atp_ray.responses.interventions import Stopping, Trial, doses, fewest

MOST_COUNTS = 33
ALMOST = 0.999  # of a gain that may not vanish
CANNOT = (
    "Not expressible: the counts or the result hidden by themselves (agents of the fit saw both or, before the first "
    "round, neither), and talk. Thresholds and rewards beyond those of the fit are extrapolated."
)


class _Changed(NamedTuple):
    """A game with something done about it."""

    numbers: GameNumbers
    refraining: int = 0
    seen: Seen = EVERYTHING


def stop_tipping(
    fitted: FittedGames,
    numbers: GameNumbers,
    rounds: int,
    colluding: int | None,
    n_runs: int,
    n_samples: int,
    seed: int,
    on_step: Callable[[int, int], None],
    network: Neighbours | None = None,
) -> Stopping:
    """Try what can be done in a game against fixed colluders, by dose and bootstrap sample.

    Args:
        colluding: how many there are; the fewest with which 19 of 20 games tip if None.

    Raises:
        UsageError: nobody is left, or no number of fixed colluders tips it.
    """
    generator, n = np.random.default_rng(seed), numbers.n_agents

    def chance(response: GameResponse, changed: _Changed, fixed: int) -> float:
        seats = Fixed(fixed, changed.refraining)
        share_RG = play_games(response, changed.numbers, rounds, n_runs, generator, seats, changed.seen, network)
        return float((share_RG[-1] > 0.5).mean())

    if colluding is None:
        counts = sorted({round(place) for place in np.linspace(0, n - 1, min(n, MOST_COUNTS))})
        chances = [chance(fitted.response, _Changed(numbers), count) for count in counts]
        colluding = fewest(chances, counts, "fixed colluders")
    if colluding >= n:
        raise UsageError(f"{colluding} fixed colluders of {n} leave nobody free", "--committed", "Give fewer")
    trials = _trials(numbers, Fixed(colluding).free(n))
    drawn = fitted.drawn()[:n_samples]
    found: list[list[list[float]]] = [[] for _ in trials]
    for done, response in enumerate(drawn, start=1):
        without = chance(response, _Changed(numbers), colluding)
        for place, (_, _, _, change, dose_D) in enumerate(trials):
            found[place].append([without, *(chance(response, change(dose), colluding) for dose in dose_D[1:].tolist())])
        on_step(done, len(drawn))
    return Stopping(
        colluding,
        [
            Trial(name, unit, full, dose_D, np.array(chances))
            for (name, unit, full, _, dose_D), chances in zip(trials, found, strict=True)
        ],
        CANNOT,
    )


def _trials(numbers: GameNumbers, free: int) -> list[tuple[str, str, float, Callable[[float], _Changed], Array]]:
    """Return name, unit, full dose, what a dose changes, and doses of each intervention."""
    high, medium, low = numbers.payoffs.high, numbers.payoffs.medium, numbers.payoffs.low

    def rewards(high: float, low: float) -> _Changed:
        return _Changed(numbers.model_copy(update={"payoffs": Payoffs(high=high, medium=medium, low=low)}))

    room = numbers.n_agents - numbers.threshold
    kinds: list[tuple[str, str, float, bool, Callable[[float], _Changed]]] = [
        ("seats that always refrain", "seats", free - 1, True, lambda dose: _Changed(numbers, refraining=int(dose))),
        (
            "fixed colluders hidden from some seats", "seats", free, True,
            lambda dose: _Changed(numbers, seen=Seen(shielded=int(dose))),
        ),
        (
            "nothing shown of past rounds to some seats", "seats", free, True,
            lambda dose: _Changed(numbers, seen=Seen(blind=int(dose))),
        ),
        (
            "gain of a success lowered", "share", 1.0, False,
            lambda dose: rewards(medium + (1 - ALMOST * dose) * (high - medium), low),
        ),
        ("loss of a failure raised", "share", 1.0, False, lambda dose: rewards(high, (1 - dose) * low)),
    ]  # fmt: skip
    if room:
        kinds.append((
            "threshold raised", "seats", room, True,
            lambda dose: _Changed(numbers.model_copy(update={"threshold": numbers.threshold + int(dose)})),
        ))  # fmt: skip
    return [(name, unit, float(full), change, doses(full, whole)) for name, unit, full, whole, change in kinds]
