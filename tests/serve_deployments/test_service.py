"""The API's line to the simulations: which checkpoints do not answer yet."""

import asyncio

from atp_ray.live.creation import Offer
from serve_deployments.engine_records import READY, tell_phase
from serve_deployments.simulation_api.service import Service


def test_checkpoints_are_starting_until_their_engine_is_ready(local_ray) -> None:
    service = Service(
        "none", "none", Offer({}, {"small": "app-1", "adapter": "app-1", "large": "app-2"}, 8, tools=False)
    )
    tell_phase("app-1", "loading weights")
    waiting = {"small": "loading weights", "adapter": "loading weights", "large": "waiting"}
    assert asyncio.run(service.starting()) == waiting
    tell_phase("app-1", READY)
    tell_phase("app-2", "importing vLLM")
    assert asyncio.run(service.starting()) == {"large": "importing vLLM"}
    tell_phase("app-2", READY)
    assert asyncio.run(service.starting()) == {}
