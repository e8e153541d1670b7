"""Predicted and observed flips of real populations, beside simple rules.

`python -m benchmarks.flips INTERACTIONS` fits every model of a table of interactions that it holds committed runs of
(experiment `swap`), on runs without a committed minority only, and prints for each direction the Brier score of the
predicted flips and the critical mass: the committed agents from which on most populations flip. Each family of
responses is fitted by itself too; which one is used is decided by held-out loss, never by flips.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq

from atp_ray.errors import UsageError
from atp_ray.responses.families import Family
from atp_ray.responses.features import Array
from atp_ray.responses.fitting import Candidate, Fitted, affordable, fit_response
from atp_ray.responses.interactions import Names, Run, Selection, read_runs, windows
from atp_ray.responses.observed_flips import ObservedFlips, brier_score, observed_flips
from atp_ray.responses.patterns import Patterns, patterns_of
from atp_ray.responses.population import FLIP_WINDOW, Game, Lanes, play_pairs
from atp_ray.responses.prediction import predict_flips
from atp_ray.responses.responder import Responder
from atp_ray.responses.response import make_response
from atp_ray.responses.window_codes import WindowCodes

NAMES, N_AGENTS, MEMORY, INTERACTIONS = ("M", "Q"), 24, 5, 800
BOOTSTRAP, RUNS = 20, 100
COUNTS = range(N_AGENTS + 1)
Flips = Callable[[int], dict[int, float]]  # from the name a population had agreed on to P(flip) by committed agents


class Case(NamedTuple):
    """A model with its runs without a minority, its decisions in them, and its runs with one."""

    selection: Selection
    runs: list[Run]
    patterns: Patterns
    n_decisions: int
    swaps: list[Run]


def read_cases(path: Path, experiments: tuple[str, ...]) -> list[Case]:
    """Return the models that the table has `swap` runs of."""
    table = pq.read_table(path, columns=["model", "experiment"])
    models = sorted(set(table.filter(np.array(table["experiment"]) == "swap")["model"].to_pylist()))
    cases = []
    for model in models:
        selection = Selection(model, experiments, NAMES, N_AGENTS, MEMORY)
        runs = read_runs(path, selection)
        decisions = windows(runs)
        swaps = read_runs(path, selection._replace(experiments=("swap",)))
        cases.append(Case(selection, runs, patterns_of(decisions, 2), len(decisions.chosen_D), swaps))
    return cases


def fitted_flips(case: Case, fit: Fitted, path: Path) -> Flips:
    """Predict with a fit."""
    response = make_response(path, case.selection, MEMORY, len(case.runs), case.n_decisions, fit)

    def flips(start: int) -> dict[int, float]:
        found = predict_flips(response, COUNTS, Game(N_AGENTS, start, 1 - start, INTERACTIONS), RUNS, seed=0)
        return {flip.committed: flip.p_flip for flip in found.chances}

    return flips


def majority_flips(start: int) -> dict[int, float]:
    """Predict with agents that choose the name they met more often in their memory."""

    def chances(own_UH: Names, other_UH: Names) -> Array:
        del own_UH
        lead_U = np.sign((other_UH == 1).sum(axis=1) - (other_UH == 0).sum(axis=1))
        return np.stack([(1 - lead_U) / 2, (1 + lead_U) / 2], axis=1)

    lanes = Lanes.of(np.repeat(np.arange(len(COUNTS)), RUNS))
    game = Game(N_AGENTS, start, 1 - start, INTERACTIONS)
    found = play_pairs(Responder(chances, WindowCodes(2, MEMORY)), game, lanes, np.random.default_rng(0))
    return dict(enumerate(found.flipped_L.reshape(len(COUNTS), RUNS).mean(axis=1)))


def naming_game_flips(start: int) -> dict[int, float]:
    """Predict with the minimal naming game: a speaker names one of the names it knows, a hearer learns or agrees."""
    del start  # it prefers no name
    generator = np.random.default_rng(0)
    return {count: np.mean([_naming_game(count, generator) for _ in range(RUNS)]) for count in COUNTS}


def _naming_game(committed: int, generator: np.random.Generator) -> bool:
    known = [{1} if agent < committed else {0} for agent in range(N_AGENTS)]
    answers = []
    for _ in range(INTERACTIONS):
        speaker, hearer = generator.choice(N_AGENTS, 2, replace=False)
        spoken = int(generator.choice(sorted(known[speaker])))
        answers.append(spoken + (spoken if spoken in known[hearer] else int(generator.choice(sorted(known[hearer])))))
        agreed = spoken in known[hearer]
        for agent in (speaker, hearer):
            if agent >= committed:
                known[agent] = {spoken} if agreed else known[agent] | {spoken}
    last = answers[-FLIP_WINDOW * N_AGENTS :]
    return sum(last) > len(last)


def from_other_models(fits: Sequence[Mapping[Family, Fitted]], own: int) -> Candidate:
    """Return the candidate that loses least on the other models, relative to the best on each."""
    losses = [
        {(c.family, c.penalty): c.held_out_loss for fit in by_family.values() for c in fit.candidates}
        for place, by_family in enumerate(fits)
        if place != own
    ]

    def regret(candidate: Candidate) -> float:
        return sum(loss[candidate.family, candidate.penalty] / min(loss.values()) for loss in losses)

    return min((c for fit in fits[own].values() for c in fit.candidates), key=regret)


def critical_mass(chances: dict[int, float]) -> int | None:
    """Return the fewest committed agents from which on more than half of the populations flip."""
    tipping = [count for count in sorted(chances) if all(chances[more] > 0.5 for more in chances if more >= count)]
    return tipping[0] if tipping else None


def observed_critical_mass(seen: Sequence[ObservedFlips]) -> str:
    """Return between which played numbers of committed agents the majority of populations begins to flip."""
    flipping = [found.flipped / found.runs > 0.5 for found in seen]
    first = next((index for index in range(len(seen)) if all(flipping[index:])), None)
    if first is None:
        return f"above {seen[-1].committed}"
    return f"at most {seen[0].committed}" if first == 0 else f"{seen[first - 1].committed + 1}-{seen[first].committed}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("interactions", type=Path)
    parser.add_argument("--experiment", action="append", help="fit on these (default: converged and evolved)")
    given = parser.parse_args()
    experiments = tuple(given.experiment or ("converged", "evolved"))
    if "swap" in experiments:
        raise UsageError("is what is predicted", "--experiment swap", "Fit on runs without a minority")
    cases = read_cases(given.interactions, experiments)
    fits = [
        {family: fit_response(case.patterns, BOOTSTRAP, 0, (family,)) for family in affordable(case.patterns)}
        for case in cases
    ]
    print("| model | family | penalty | held-out loss |\n| --- | --- | --- | --- |")
    for case, by_family in zip(cases, fits, strict=True):
        for family, fit in by_family.items():
            print(f"| {case.selection.model} | {family} | {fit.best.penalty:g} | {fit.best.held_out_loss:.4f} |")
    totals: dict[str, list[tuple[float, int]]] = {}
    print("\n| model | direction | observed critical mass | predictor | critical mass | Brier score | runs |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for place, case in enumerate(cases):
        chosen = min(fits[place], key=lambda family: fits[place][family].best.held_out_loss)
        borrowed = from_other_models(fits, place)
        plain = fit_response(case.patterns, BOOTSTRAP, 0, (borrowed.family,), (borrowed.penalty,))
        flips_by_family = {family: fitted_flips(case, fit, given.interactions) for family, fit in fits[place].items()}
        predictors: dict[str, Flips] = {
            "family of the least held-out loss": flips_by_family[chosen],
            "family and penalty from the other models": fitted_flips(case, plain, given.interactions),
            **{f"family {family}": flips for family, flips in flips_by_family.items()},
            "majority of the names met": majority_flips,
            "minimal naming game": naming_game_flips,
            "always flips": lambda start: dict.fromkeys(COUNTS, 1.0),
        }
        for start in range(2):
            seen = observed_flips(case.swaps, start)
            n_runs = sum(found.runs for found in seen)
            for name, flips in predictors.items():
                chances = flips(start)
                score = brier_score(chances, seen)
                totals.setdefault(name, []).append((score, n_runs))
                direction = f"{NAMES[start]} to {NAMES[1 - start]}"
                print(
                    f"| {case.selection.model} | {direction} | {observed_critical_mass(seen)} | {name} "
                    f"| {critical_mass(chances)} | {score:.3f} | {n_runs} |",
                    flush=True,
                )
    for name, scores in totals.items():
        runs = sum(n for _, n in scores)
        print(f"| all | | | {name} | | {sum(score * n for score, n in scores) / runs:.4f} | {runs} |")


if __name__ == "__main__":
    main()
