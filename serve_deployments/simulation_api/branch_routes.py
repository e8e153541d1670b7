"""Branching: forks, their tree, what-ifs, and the comparison of branches."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from atp_ray.errors import ConflictError, UsageError
from atp_ray.live import schemas as s
from atp_ray.live.comparison import differences
from atp_ray.live.creation import live_label
from atp_ray.live.simulation import Creation, Parent, Simulation, Until
from atp_ray.live.store import Wanted
from atp_ray.paradigms.requests import MOST_SEED
from serve_deployments.simulation_api.common import (
    CHANGE,
    READ,
    After,
    Author,
    Key,
    Limit,
    SimulationId,
    Simulations,
    view_of,
)
from serve_deployments.simulation_api.service import Service

branches = APIRouter()
_IDS = "^[0-9a-f]{12}(,[0-9a-f]{12}){0,63}$"


@branches.post(
    "/simulations/{simulation_id}/forks", tags=["branches"], status_code=HTTPStatus.CREATED, responses=CHANGE
)
async def fork(
    service: Simulations, simulation_id: SimulationId, body: s.NewFork, key: Key = None, author: Author = "anonymous"
) -> s.SimulationView:
    """Branch off at a past round, with or without interventions; the past is shared."""
    branch = _branch(simulation_id, await service.simulation(simulation_id), body)
    (made,) = await service.create([Wanted(branch, body.interventions, key)], author)
    return await view_of(service, made)


@branches.get("/simulations/{simulation_id}/tree", tags=["branches"], responses=READ)
async def get_tree(service: Simulations, simulation_id: SimulationId) -> s.TreeNode:
    """Return a simulation with all branches that leave it, and theirs."""
    return await _tree(service, simulation_id)


@branches.post(
    "/simulations/{simulation_id}/what-ifs", tags=["branches"], status_code=HTTPStatus.CREATED, responses=CHANGE
)
async def what_if(
    service: Simulations,
    simulation_id: SimulationId,
    body: s.NewWhatIf,
    key: Key = None,
    author: Author = "anonymous",
) -> s.WhatIfView:
    """Run pairs of branches, with and without interventions, over several seeds."""
    simulation = await service.simulation(simulation_id)
    spec = simulation.state.spec
    if body.round + body.rounds > spec.rounds:
        raise ConflictError(f"the simulation has {spec.rounds} rounds", "rounds", "Ask for fewer")
    wanted = []
    for group, interventions in (("without", ()), ("with", body.interventions)):
        for index in range(1, body.seeds + 1):
            # Other seeds than the parent's own, and the same ones in both groups.
            new = s.NewFork(round=body.round, name=f"{group}, seed {index}", seed=(spec.seed + index) % MOST_SEED)
            part = f"{key}/{group}/{index}" if key else None
            wanted.append(Wanted(_branch(simulation_id, simulation, new), interventions, part))
    made = await service.create(wanted, author, Until(round=body.round + body.rounds))
    groups = {"without": made[: body.seeds], "with": made[body.seeds :]}
    link = f"/v1/comparisons?after={body.round}&without={','.join(groups['without'])}&with={','.join(groups['with'])}"
    return s.WhatIfView.model_validate(groups | {"comparison": link})


@branches.get("/comparisons", tags=["branches"], responses=READ)
async def compare(
    service: Simulations,
    without: Annotated[str, Query(pattern=_IDS, description="Ids separated by commas.")],
    with_: Annotated[str, Query(alias="with", pattern=_IDS, description="As many ids.")],
    after: After = 0,
    limit: Limit = 1000,
) -> s.ComparisonView:
    """Compare two groups of branches, pair by pair, in the rounds all have played."""
    ids = [without.split(","), with_.split(",")]
    if len(ids[0]) != len(ids[1]):
        raise UsageError("the groups differ in size", "without, with", "Give pairs")
    if any(len(set(group)) < len(group) for group in ids):
        raise UsageError("a simulation is named twice in a group", "without, with", "An interval needs different ones")
    base, changed = [[(await service.simulation(found)).state for found in group] for group in ids]
    rows = differences([state.marks for state in base], [state.marks for state in changed], after, limit)
    views = [s.DifferenceView.model_validate(row._asdict(), by_name=True) for row in rows]
    return s.ComparisonView(differences=views, label=live_label([*base, *changed], service.profiles))


def _branch(simulation_id: str, simulation: Simulation, body: s.NewFork) -> Creation:
    old = simulation.creation
    name = body.name or f"{old.name} from round {body.round}"[:200]
    parent = Parent(simulation_id=simulation_id, round=body.round, seed=body.seed)
    return Creation(name=name, episode=old.episode, monitors=old.monitors, parent=parent)


async def _tree(service: Service, simulation_id: str) -> s.TreeNode:
    live = await service.live()
    simulation = live.simulation(simulation_id)
    parent = simulation.creation.parent
    return s.TreeNode(
        id=simulation_id,
        name=simulation.creation.name,
        status=simulation.status,
        leaves_at=parent.round if parent else None,
        rounds_settled=len(simulation.state.records),
        branches=[await _tree(service, child) for child in live.children(simulation_id)],
    )
