"""Shares and convergence of a live simulation: what the API answers, and what the terminal shows."""

from __future__ import annotations

from naming_play import play_policy
from naming_runs import trees
from support import make_spec, play

from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.live.simulation import Creation, Simulation
from atp_ray.live.state import LiveState
from atp_ray.measures.convergence import convergence, leader
from atp_ray.measures.shares import round_shares
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.simulate.watch import _round_line
from serve_deployments.simulation_api.views import agent_view, metrics_view, round_view

PROFILES = {name: resolve_checkpoint(name) for name in ("policy:quantal", "policy:collude")}


def simulated(spec: EpisodeSpec, records) -> Simulation:
    state = LiveState(specs=((1, spec),))
    for record in records:
        state = state.after_round(record)
    return Simulation(Creation(name="one", episode=spec), state, status="finished")


def test_rounds_metrics_and_seats_tell_options() -> None:
    spec = trees(committed=2, rounds=30)
    records = play_policy(spec)
    simulation = simulated(spec, records)
    views = [round_view(simulation.state, record) for record in records]
    for view, record in zip(views, records, strict=True):
        shares = round_shares(spec, record.decisions)
        assert (view.shares, view.population_shares) == (shares.studied, shares.population)
        assert view.n_asked == 2
    metrics = metrics_view(simulation, PROFILES)
    assert list(metrics.shares) == ["ash", "elm", "oak"]
    assert metrics.shares["ash"] == [view.shares.get("ash") for view in views] == metrics.deviant_rates
    found = convergence([leader(spec, record.decisions) for record in records])
    assert found is not None
    assert (metrics.converged_round, metrics.converged_on) == found
    last = records[-1].decisions
    for seat in range(6):
        option = int(last.options_A[seat])
        choice = None if option < 0 else spec.scenario.options[option]
        assert agent_view(simulation.state, seat, "policy:quantal").choice == choice
    line = " ".join(_round_line(views[-1]).split())
    assert line.startswith(f"round 30 {found.option} 100% (2 asked) mean capital ")


def test_a_game_of_two_options_is_told_by_its_rate() -> None:
    spec = make_spec(rounds=3)
    records = play(spec)
    simulation = simulated(spec, records)
    view = round_view(simulation.state, records[0])
    assert view.shares == view.population_shares == metrics_view(simulation, PROFILES).shares == {}
    assert " deviant (" in _round_line(view)
