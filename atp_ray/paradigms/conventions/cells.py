"""The cells of a grid of naming games."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from atp_ray.checkpoint.profiles import Profile, checkpoint_kind
from atp_ray.config_files import parse_model
from atp_ray.errors import UsageError
from atp_ray.networks.edge_files import opened
from atp_ray.paradigms.cell_names import Way, make_episode, named_cell, seat_group, ways_of
from atp_ray.paradigms.conventions.request import ConventionGrid, ConventionRequest, ConventionSettings
from atp_ray.paradigms.conventions.scenario_files import load_naming_games
from atp_ray.paradigms.conventions.scenarios import ConventionNumbers, NamingGame, Pairing, names_text
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import SeatGroup, seat_plan

Setting = dict[str, float | int | str | None]


def naming_cells(grid: ConventionGrid, profiles: Mapping[str, Profile]) -> list[CellSpec]:
    """Return the cells in the order checkpoint, n, committed, names, pairing.

    Raises:
        UsageError: more names than the scenario has, nobody left beside the committed agents, a name not in the list.
    """
    scenarios = load_naming_games(grid.scenarios)
    ways = ways_of([opened(network) for network in grid.network], grid.placement)
    axes = itertools.product(grid.checkpoints, grid.n_agents, grid.committed, grid.n_names, grid.pairing, ways)
    return [
        _cell(grid, scenarios, profiles[name], n_agents, committed, n_names, pairing, way)
        for name, n_agents, committed, n_names, pairing, way in axes
    ]


def _cell(
    grid: ConventionGrid,
    scenarios: Sequence[NamingGame],
    profile: Profile,
    n_agents: int,
    committed: int,
    n_names: int,
    pairing: Pairing,
    way: Way,
) -> CellSpec:
    where = f"grid {grid.name}: n_agents={n_agents}, committed={committed}"
    listed = seats_of(seat_group(profile, n_agents, grid.sampling, where), committed, where)
    seats_S = [way.placed(listed, seed, where) if committed else listed for seed in range(grid.seeds)]
    games = [(game, numbers_of(grid, game, n_agents, n_names, pairing, where)) for game in scenarios]
    episodes = [
        make_episode(grid, game.filled(numbers), numbers, seats, seed, where, way.network)
        for game, numbers in games
        for seed, seats in enumerate(seats_S)
    ]
    first = games[0][1]
    label = f"{profile.name}-n{n_agents}-c{committed}-k{len(first.names)}-{pairing}{way.label}"
    setting = setting_columns(first) | {"committed": committed, "placement": way.placement}
    return named_cell(grid.name, label, profile.name, checkpoint_kind(profile), episodes, n_agents, setting)


def seats_of(group: SeatGroup, committed: int, where: str) -> tuple[SeatGroup, ...]:
    """Return the seats with the first of them given to committed agents.

    Raises:
        UsageError: nobody is left.
    """
    if committed >= group.count:
        what = f"{committed} committed agents leave nobody of {group.count}"
        raise UsageError(what, where, "Commit fewer, or let more agents play")
    return seat_plan(group, committed, "head")


def numbers_of(
    settings: ConventionSettings, game: NamingGame, n_agents: int, n_names: int, pairing: Pairing, where: str
) -> ConventionNumbers:
    """Return the numbers of an episode, names and challenger chosen where they were left open.

    Raises:
        UsageError: a list of names and a number of names, more than the scenario has, or numbers that do not agree.
    """
    if settings.names is not None and "n_names" in settings.model_fields_set:
        raise UsageError("n_names does not go with a list of names", where, "Leave one of them out")
    if settings.names is None and n_names > len(game.names):
        what = f"{n_names} names, but {game.name} has {len(game.names)}"
        raise UsageError(what, where, "Ask for fewer, or give a list with names")
    names = settings.names or game.names[:n_names]
    others = [name for name in names if name != settings.established]
    fields = {
        "n_agents": n_agents,
        "names": names,
        "established": settings.established,
        "challenger": settings.challenger or others[0],
        "order": settings.order,
        "pairing": pairing,
        "success": settings.success,
        "failure": settings.failure,
    }
    return parse_model(ConventionNumbers, fields, where)


def request_seats(request: ConventionRequest, seats: Sequence[SeatGroup]) -> Sequence[SeatGroup]:
    """Return the seats of a request, committed agents among them.

    Raises:
        UsageError: committed agents beside a list of players, or nobody is left.
    """
    if not request.committed:
        return seats
    if request.players:
        hint = 'Write them into the players: {"checkpoint": "policy:collude", "seats": 2}'
        raise UsageError("committed does not go with players", request.scenario, hint)
    return seats_of(seats[0], request.committed, request.scenario)


def setting_columns(numbers: ConventionNumbers) -> Setting:
    """Return the result columns of a naming game's numbers; `high` and `low` are the points."""
    return {
        "names": names_text(numbers.names),
        "established": numbers.established,
        "challenger": numbers.challenger,
        "pairing": numbers.pairing,
        "names_order": numbers.order,
        "high": numbers.success,
        "low": numbers.failure,
    }
