"""What stops a population from flipping: interventions by dose, how much each needs, which does most for its dose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from atp_ray.errors import UsageError
from atp_ray.networks.neighbours import Neighbours
from atp_ray.responses.features import Array
from atp_ray.responses.population import Game, Lanes, play_pairs
from atp_ray.responses.prediction import LEVEL
from atp_ray.responses.response import Response

STOPPED = 0.05  # a flip less likely than that is prevented
SURE = 0.95  # share of flips that default numbers of committed agents bring
STEPS = 20  # doses from none to all of it
CANNOT = (
    "Not expressible: talk, what agents are told of a minority, other points or a longer memory (nothing of it was in "
    "the interactions of the fit), and a partner's name hidden by itself (every remembered meeting has both names)."
)


class Trial(NamedTuple):
    """An intervention: its doses [D] in `unit`, the first one none, and the chance of a flip [B, D].

    B are the bootstrap samples; `full` is the largest dose there is.
    """

    name: str
    unit: str
    full: float
    dose_D: Array
    chance_BD: Array


class Stopping(NamedTuple):
    """Interventions that were tried against `committed` agents, and what the response cannot say."""

    committed: int
    trials: list[Trial]
    cannot: str


class Ranked(NamedTuple):
    """An intervention with the dose it needs and what it does; probabilities are those of a flip.

    `needed` is the smallest dose from which on a flip is less likely than `STOPPED`, None where none is, with the
    95 % interval of the bootstrap. `effect` is the probability taken away by the dose `told`. `effect_per_dose` is that
    of the needed dose (else of the full one) divided by its share of the full dose: points for 1 % of the range.
    """

    intervention: str
    unit: str
    full: float
    needed: float | None
    needed_low: float | None
    needed_high: float | None
    told: float
    p_without: float
    effect: float
    ci_low: float
    ci_high: float
    effect_per_dose: float


def ranked(trials: Sequence[Trial], share: float) -> list[Ranked]:
    """Return the interventions, the one with most effect per dose first.

    Args:
        share: of each one's full dose at which its effect is told.
    """
    return sorted((_ranked(trial, share) for trial in trials), key=lambda each: -each.effect_per_dose)


def _ranked(trial: Trial, share: float) -> Ranked:
    mean_D = trial.chance_BD.mean(axis=0)
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    places = [_stopped(chance_D) for chance_D in trial.chance_BD]
    low, high = np.quantile(places, ends, method="nearest").tolist()
    place = _stopped(mean_D)
    told = int(np.abs(trial.dose_D - share * trial.full).argmin())
    taken_B = trial.chance_BD[:, 0] - trial.chance_BD[:, told]
    chosen = min(place, len(mean_D) - 1)
    per_dose = (mean_D[0] - mean_D[chosen]) / max(trial.dose_D[chosen] / trial.full, 1e-9) if chosen else 0.0
    needed, needed_low, needed_high = (None if p == len(mean_D) else float(trial.dose_D[p]) for p in (place, low, high))
    ci_low, ci_high = np.quantile(taken_B, ends).tolist()
    return Ranked(
        trial.name, trial.unit, trial.full, needed, needed_low, needed_high, float(trial.dose_D[told]),
        float(mean_D[0]), float(taken_B.mean()), ci_low, ci_high, float(per_dose),
    )  # fmt: skip


def _stopped(chance_D: Array) -> int:
    """Return the first place from which on the chance stays below `STOPPED`; how many there are if nowhere."""
    above = np.flatnonzero(chance_D >= STOPPED)
    return int(above[-1]) + 1 if len(above) else 0


def doses(full: float, whole: bool) -> Array:
    """Return doses from none to the full one, whole numbers if they count something."""
    even = np.linspace(0, full, STEPS + 1)
    return np.unique(np.round(even)) if whole else even


def fewest(chances: Sequence[float], counts: Sequence[int], what: str) -> int:
    """Return the fewest committed agents that flip `SURE` of the populations.

    Raises:
        UsageError: none of the numbers does: there is nothing to stop.
    """
    found = [count for count, chance in zip(counts, chances, strict=True) if chance >= SURE]
    if not found:
        raise UsageError(f"no number of {what} flips {SURE:.0%} of the populations", "--committed", "Give a number")
    return found[0]


def stop_flips(
    response: Response,
    game: Game,
    committed: int | None,
    n_runs: int,
    n_samples: int,
    seed: int,
    on_step: Callable[[int, int], None],
    neighbours: Neighbours | None = None,
) -> Stopping:
    """Try what can be done in a naming game against committed agents.

    Args:
        committed: how many there are; the fewest that flip 19 of 20 populations if None.
        n_samples: bootstrap samples to play.

    Raises:
        UsageError: nobody is left, or no number of committed agents flips it.
    """
    generator, n = np.random.default_rng(seed), game.n_agents
    if committed is None:
        counts = np.arange(n)
        lanes = Lanes.of(np.repeat(counts, n_runs))
        flips = play_pairs(response.responder(), game, lanes, generator, neighbours).flipped_L.reshape(n, n_runs)
        committed = fewest(flips.mean(axis=1).tolist(), counts.tolist(), "committed agents")
    free = n - committed
    if free < 1:
        raise UsageError(f"{committed} committed agents of {n} leave nobody", "--committed", "Give fewer")
    kinds = {
        "agents that always choose the old name": ("agents", "holding", doses(free, True)),
        "agents who never meet a committed one": ("agents", "protected", doses(free, True)),
        "meetings with committed agents called off": ("share", "avoided", doses(1.0, False)),
        "meetings that agents do not remember": ("share", "unseen", doses(1.0, False)),
    }
    sizes = [len(dose_D) for _, _, dose_D in kinds.values()]
    given = {
        field: np.repeat(
            np.concatenate([dose_D if own == field else np.zeros(len(dose_D)) for _, own, dose_D in kinds.values()]),
            n_runs,
        )
        for _, field, _ in kinds.values()
    }
    lanes = Lanes.of(np.full(sum(sizes) * n_runs, committed), **given)
    drawn = []
    responders = list(response.bootstrap)[:n_samples]
    for done, responder in zip(range(1, len(responders) + 1), response.drawn(), strict=False):
        flips = play_pairs(responder, game, lanes, generator, neighbours).flipped_L
        drawn.append(flips.reshape(-1, n_runs).mean(axis=1))
        on_step(done, len(responders))
    parts = np.split(np.array(drawn), np.cumsum(sizes)[:-1], axis=1)
    # Without anything done all of them are the same populations.
    without_B = np.mean([part[:, 0] for part in parts], axis=0)
    for part in parts:
        part[:, 0] = without_B
    trials = [
        Trial(name, unit, float(dose_D[-1]), dose_D, part)
        for (name, (unit, _, dose_D)), part in zip(kinds.items(), parts, strict=True)
    ]
    return Stopping(committed, trials, CANNOT)
