"""More than the service allows: it refuses, stays well, and has room again for what is removed."""

import asyncio

import httpx
from live_service import CONTROL_TOKEN as CONTROL
from live_service import READ_TOKEN as READ
from live_service import wait_until_over
from support import PATIENCE_S

MOST = 1000


def test_no_more_simulations_are_made_than_there_may_be(disposable) -> None:
    with disposable.client(READ) as client:
        before = client.health().simulations  # what fuzzing has left is part of the thousand

    async def ask() -> list[int]:
        headers = {"Authorization": f"Bearer {CONTROL}"}
        limits = httpx.Limits(max_connections=32)
        async with httpx.AsyncClient(
            base_url=disposable.url, headers=headers, limits=limits, timeout=PATIENCE_S
        ) as client:
            slots = asyncio.Semaphore(32)

            async def one() -> int:
                async with slots:
                    return (await client.post("/v1/simulations", json={"preset": "tipping"})).status_code

            return list(await asyncio.gather(*(one() for _ in range(MOST - before + 100))))

    statuses = asyncio.run(ask())
    assert set(statuses) == {201, 429}
    assert before + statuses.count(201) <= MOST
    with disposable.client(READ) as client:
        assert client.health().simulations <= MOST


def test_the_service_is_still_well_and_has_room_again_for_what_is_removed(disposable) -> None:
    with disposable.client(CONTROL) as client:
        client.delete(next(found.id for found in client.simulations().simulations if not found.branches))
        simulation = client.create(preset="tipping")
        client.run(simulation.id, until_round=2)
        wait_until_over(client, simulation.id, "paused")
        assert client.simulation(simulation.id).rounds_settled == 2
