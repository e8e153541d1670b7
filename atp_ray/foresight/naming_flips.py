"""Naming games foreseen: populations of a response fitted to interactions, with committed agents."""

from __future__ import annotations

from rich.console import Console

from atp_ray.cli.run import progress_bar
from atp_ray.errors import UsageError
from atp_ray.foresight.foreseen import Foreseen, Words
from atp_ray.foresight.options import PopulationOptions, PredictOptions
from atp_ray.responses.exact_pairs import MOST_STATES
from atp_ray.responses.interactions import Selection, read_runs
from atp_ray.responses.mean_field import MOST_FOLLOWED
from atp_ray.responses.observed_flips import ObservedFlips, observed_flips
from atp_ray.responses.population import Game
from atp_ray.responses.prediction import Forecast, predict_flips, with_theory
from atp_ray.responses.response import Response, read_response

N_AGENTS, COMMITTED = 24, "1-12"
COMPLETE = "complete"
CAPTION = "95 % intervals: bootstrap over the runs of the fit, and the number of populations played"


def foresee_flips(console: Console, options: PredictOptions) -> Foreseen:
    """Play populations of each size with each number of committed agents."""
    response, start, to = read_naming(options)
    forecasts = []
    observed = _observed(options, response, start)
    for n_agents in options.sizes or [N_AGENTS]:
        counts = options.counts(n_agents, COMMITTED)
        if counts[-1] > n_agents:
            what = f"{counts[-1]} committed agents of {n_agents}"
            raise UsageError(what, "--committed", "Give fewer, or percent as in 0-50%, or more agents with --n-agents")
        game = Game(n_agents, start, to, options.interactions_total)
        with progress_bar(console, f"playing {n_agents} agents", None, "bootstrap samples") as update:
            network = options.neighbours(n_agents)
            played = predict_flips(response, counts, game, options.runs, options.seed, update, network)
        forecasts.append(with_theory(played, response, game) if network is None else played)
    names, total = response.names, options.interactions_total
    title = f"{response.fitted_on.model}, fitted, leaves {names[start]} for {names[to]} within {total} interactions"
    if options.network != COMPLETE:
        title += f" on {options.network}"
    notes = _notes(options, response, forecasts)
    if options.observed is not None and not any(observed):
        notes.append(f"Observed: no run of {options.observed.name} had agreed on {names[start]}.")
    words = Words(title, f"agents committed to {names[to]}", names[to], "flip", "interactions", CAPTION)
    return Foreseen(forecasts, observed, words, response.label, notes, observed_source(options))


def read_naming(options: PopulationOptions) -> tuple[Response, int, int]:
    """Return a response with the name its population begins with and the other one.

    Raises:
        UsageError: it is no response, or has no such names.
    """
    response = read_response(options.response)
    if options.set:
        raise UsageError("is for responses fitted to a run", f"--set {options.set[0]}", "Leave it out")
    start = response.number(options.start, "--from") if options.start else 0
    to = response.number(options.to, "--to") if options.to else int(start == 0)
    if start == to:
        raise UsageError("is the name the population has agreed on already", f"--to {response.names[to]}")
    return response, start, to


def _notes(options: PopulationOptions, response: Response, forecasts: list[Forecast]) -> list[str]:
    if options.network != COMPLETE:
        return ["On a network it is played only: exact chain and infinite population are of agents that can all meet."]
    notes = []
    if any(chance.p_exact is None for forecast in forecasts for chance in forecast.chances):
        notes.append(
            f"Exact chain: not where agents and their memories make more than {MOST_STATES:,} states; "
            f"each can have {len(response.names) ** (2 * response.memory):,} memories."
        )
    if response.codes.n_windows > MOST_FOLLOWED:
        notes.append(f"Infinite population: not followed, an agent can have {response.codes.n_windows:.1e} memories.")
    return notes


def _observed(options: PredictOptions, response: Response, start: int) -> list[list[ObservedFlips]]:
    """Return the observed flips of each size, none where the table has no runs of it; at least one must be there."""
    sizes = options.sizes or [N_AGENTS]
    if options.observed is None:
        return [[] for _ in sizes]
    only = sizes[0] if len(sizes) == 1 else None
    selection = Selection(response.fitted_on.model, ("swap",), response.names, only, response.memory)
    runs = read_runs(options.observed, selection)
    return [observed_flips([run for run in runs if run.n_agents == size], start) for size in sizes]


def observed_source(options: PredictOptions) -> str:
    """Return what the figure names as the source of what was observed: `--source`, else the file."""
    return options.source or (options.observed.name if options.observed else "")
