"""Telling a webhook that a monitor fired: a few tries, and one line on how it went."""

from __future__ import annotations

import asyncio

import httpx

from atp_ray.live.log import Event

TRIES = 3
TIMEOUT_S = 5.0


async def post(address: str, simulation_id: str, tip: Event) -> str:
    """Send a tip to an address the operator allowed; returns `delivered` or why it was not."""
    body = {"simulation": simulation_id, "seq": tip.seq, "time": tip.time, **tip.data}
    outcome = "not tried"
    async with httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False) as client:
        for wait_s in range(TRIES):
            await asyncio.sleep(wait_s)
            try:
                answer = await client.post(address, json=body)
            except httpx.HTTPError as error:
                outcome = f"not delivered: {type(error).__name__}"
                continue
            if answer.is_success:
                return "delivered"
            outcome = f"not delivered: status {answer.status_code}"
    return outcome
