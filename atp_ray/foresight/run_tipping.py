"""Populations foreseen of a response that was fitted to a run, with seats that always deviate."""

from __future__ import annotations

from typing import Any, NamedTuple

from rich.console import Console

from atp_ray.checkpoint.names import FITTED, resolve_checkpoint
from atp_ray.checkpoint.profiles import FittedProfile
from atp_ray.cli.run import progress_bar
from atp_ray.config_files import parse_model, parse_setting
from atp_ray.errors import UsageError
from atp_ray.foresight.foreseen import Foreseen, Words
from atp_ray.foresight.naming_flips import COMPLETE, observed_source
from atp_ray.foresight.options import PopulationOptions, PredictOptions
from atp_ray.paradigms.cell_names import seat_group
from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.requests import require_fields
from atp_ray.paradigms.responding import FittedRun, Responding
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.responses.observed_flips import ObservedFlips
from atp_ray.storage.run_places import read_run

MOST_COUNTS = 33  # numbers of fixed seats if nobody says which
CAPTION = "95 % intervals: bootstrap over the episodes of the fit, and the number of games played"


class RunResponse(NamedTuple):
    """A fitted response with the part of its paradigm that plays it."""

    profile: FittedProfile
    responding: Responding
    fitted: FittedRun

    def episode(self, options: PopulationOptions, n_agents: int | None) -> EpisodeSpec:
        """Return the episode that `--set` and a number of agents ask for.

        Raises:
            UsageError: a field the paradigm does not have, or a value that is none.
        """
        room = paradigm(self.profile.paradigm)
        given: dict[str, Any] = {} if n_agents is None else {"n_agents": n_agents}
        if options.network != COMPLETE:
            require_fields(room, ["network"], lambda each: each.design.request_model, "--{}")
            given["network"] = options.network
        for text in options.set:
            parse_setting(text, room.design.request_model).put(given)
        request = parse_model(room.design.request_model, given, "--set")
        seats = [seat_group(self.profile, request.n_agents, request.sampling, "predict")]
        return room.design.episode(request, seats)


def read_run_response(options: PopulationOptions) -> RunResponse:
    """Return a response that was fitted to a run.

    Raises:
        UsageError: it is none, or flags of naming games were given.
    """
    for name, value in (("--from", options.start), ("--to", options.to)):
        if value is not None:
            raise UsageError("is for naming games", name, "Leave it out")
    profile = resolve_checkpoint(f"policy:{FITTED}{options.response}")
    assert isinstance(profile, FittedProfile)
    responding = paradigm(profile.paradigm).responding
    return RunResponse(profile, responding, responding.read(profile.response, str(options.response)))


def foresee_tipping(console: Console, options: PredictOptions) -> Foreseen:
    """Foresee populations of each size with each number of seats that always deviate."""
    found = read_run_response(options)
    forecasts, observed = [], []
    sizes: list[int | None] = [*options.sizes] or [None]
    specs = [found.episode(options, size) for size in sizes]
    for spec in specs:
        n = spec.parameters.n_agents
        counts = options.counts(n, "0") if options.committed else _spread(n)
        if counts[-1] >= n:
            what = f"{counts[-1]} fixed seats of {n} leave nobody free"
            raise UsageError(what, "--committed", "Give fewer, or percent as in 0-50%")
        with progress_bar(console, f"playing {n} agents", None, "bootstrap samples") as update:
            forecasts.append(found.responding.forecast(found.fitted, spec, counts, options.runs, options.seed, update))
        observed.append(_observed(options, found, spec))
    room = paradigm(found.profile.paradigm)
    terms = room.presentation.terms
    told = [*options.set, *([] if options.network == COMPLETE else [f"on {options.network}"])]
    if not any(text.startswith("rounds") for text in options.set):
        told.append(f"rounds={specs[-1].rounds}")
    title = ", ".join([f"{found.fitted.checkpoint}, fitted", *told])
    words = Words(title, "seats that always deviate", terms.rate.removesuffix(" rate"), "tip", "rounds", CAPTION)
    note = f"A population tips if the {terms.rate} of its free seats is over half in the last round."
    notes = [note]
    if options.observed is not None and not any(observed):
        notes.append(f"Observed: {options.observed} has no such game of {found.fitted.checkpoint}.")
    return Foreseen(forecasts, observed, words, found.fitted.label, notes, observed_source(options))


def _observed(options: PredictOptions, found: RunResponse, spec: EpisodeSpec) -> list[ObservedFlips]:
    if options.observed is None:
        return []
    with read_run(str(options.observed)) as opened:
        return found.responding.observed(found.fitted, spec, opened.folder)


def _spread(n_agents: int) -> list[int]:
    """Return numbers from nobody to all but one, evenly spread."""
    if n_agents <= MOST_COUNTS:
        return list(range(n_agents))
    return sorted({round(index * (n_agents - 1) / (MOST_COUNTS - 1)) for index in range(MOST_COUNTS)})
