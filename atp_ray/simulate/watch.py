"""Reading along with a live simulation in a terminal: one line for each event, as it happens."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from rich.console import Console
from rich.markup import escape

from atp_ray.client import Client
from atp_ray.errors import NotFoundError, UsageError
from atp_ray.live.interventions import asked
from atp_ray.live.schemas import DecisionView, EventView, RoundDecisions, RoundView, SimulationView
from atp_ray.live.simulation import OVER

READ_TOKEN, CONTROL_TOKEN = "ATP_RAY_READ_TOKEN", "ATP_RAY_CONTROL_TOKEN"
PATH = "/v1/simulations/"
PAGE = 1000
_BAR = 20
_MOST_SHARES = 5
_CONTROL_CHARACTERS = dict.fromkeys([*range(32), *range(127, 160)], " ")


def watch(console: Console, address: str, n_replies: int) -> None:
    """Print a simulation's past and what happens to it, until it is over.

    Args:
        address: the service's (the running simulation, or else the newest), or that of one simulation.
        n_replies: how many replies of a round are shown.

    Raises:
        UsageError, EngineError: no such service or simulation.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"'{address}' is no address", "--live", "Give http://HOST:PORT or one with /v1/simulations/ID")
    token = os.environ.get(READ_TOKEN) or os.environ.get(CONTROL_TOKEN)
    with Client(f"{parts.scheme}://{parts.netloc}", token) as client:
        simulation = _chosen(client, parts.path.removeprefix(PATH).strip("/") if PATH in parts.path else None)
        if simulation.label:
            console.print(f"[italic]{_plain(simulation.label)}[/italic]")
        title = f"{simulation.name}: {simulation.scenario}, {simulation.n_agents} agents, {simulation.rounds} rounds"
        console.print(f"[bold]{_plain(title)}[/bold] ({simulation.id}, {simulation.status})")
        if (parent := simulation.parent) is not None:
            console.print(f"branches from {parent.simulation_id} after round {parent.round}")
            for first in range(0, parent.round, PAGE):
                for row in client.rounds(simulation.id, first, min(PAGE, parent.round - first)).rounds:
                    console.print(_round_line(row))
        for event in client.events(simulation.id, text=n_replies > 0):
            for line in _lines(event, n_replies):
                console.print(line, soft_wrap=True)
        status = client.simulation(simulation.id).status
    console.print(f"{status}. Next: open {parts.scheme}://{parts.netloc}/ or fork it at a round and compare")


def _chosen(client: Client, simulation_id: str | None) -> SimulationView:
    if simulation_id is not None:
        return client.simulation(simulation_id)
    page = client.simulations(limit=PAGE)
    found = page.simulations
    while page.next is not None:
        page = client.simulations(after=page.next, limit=PAGE)
        found += page.simulations
    if not found:
        raise NotFoundError("the service has no simulation yet", "--live", "Create one")
    under_way = [simulation for simulation in found if simulation.status not in OVER]
    running = [simulation for simulation in under_way if simulation.status == "running"]
    return (running or under_way or found)[-1]


def _lines(event: EventView | RoundDecisions, n_replies: int) -> list[str]:
    if isinstance(event, RoundDecisions):
        told = event.decisions[:n_replies]
        return [line for row in told for line in _seat_lines(row)]
    data, by = event.data, _plain(event.author)
    match event.kind:
        case "round":
            return [_round_line(RoundView.model_validate(data))]
        case "tip":
            return [f"[yellow]monitor {data['monitor']} ({data['kind']}) fires in round {data['round']}[/yellow]"]
        case "intervention":
            what = ", ".join(
                f"{key} {value}" for key, value in asked(data).items() if key != "kind" and value is not None
            )
            return [f"[magenta]{by}: {data['kind']} {_plain(what)}[/magenta]"]
        case "control":
            return [f"[dim]{by}: {data['command']}[/dim]"]
        case "action":
            outcome = _plain(f"{data['what']} {data['outcome']}")
            return [f"[yellow]monitor {data['monitor']}: {outcome}[/yellow]"]
    return []


def _seat_lines(row: DecisionView) -> list[str]:
    seat = f"  seat {row.seat} ({_plain(row.checkpoint)})"
    said = [] if row.said is None else [f"{seat} says: {_plain(row.said)}"]
    return [*said, f"{seat}: {_plain(row.reply or '-')}"]


def _plain(text: str) -> str:
    """Return a text that can neither style nor steer the terminal."""
    return escape(text.translate(_CONTROL_CHARACTERS))


def _round_line(row: RoundView) -> str:
    lost = f", {row.n_unparsed + row.n_missing} undecided" if row.n_unparsed + row.n_missing else ""
    outcome = "" if row.success is None else f"  {'success' if row.success else 'failure'}"
    capital = "" if row.capital_mean is None else f"  mean capital {row.capital_mean:.3g}"
    if row.population_shares:
        return f"round {row.round:<4} {_shares(row)} ({row.n_asked} asked{lost}){outcome}{capital}"
    rate = row.deviant_rate
    share = "no decision" if rate is None else f"{'#' * round(_BAR * rate):{_BAR}} {rate:6.1%} deviant"
    decided = f"{row.n_deviant} of {row.n_deviant + row.n_aligned}"
    return f"round {row.round:<4} {share} ({decided}{lost}){outcome}{capital}"


def _shares(row: RoundView) -> str:
    """Return the largest shares among all seats, in the order of size."""
    largest = sorted(row.population_shares.items(), key=lambda entry: -entry[1])
    told = [f"{_plain(option)} {share:.0%}" for option, share in largest[:_MOST_SHARES] if share > 0]
    return ", ".join(told)
