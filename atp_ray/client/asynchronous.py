"""A client of the simulation service; the blocking one is made of the awaited one by tools/generate_client.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

import httpx
import pyarrow as pa
from httpx_sse import aconnect_sse

from atp_ray.client import answers, calls
from atp_ray.client.calls import Call, Interventions
from atp_ray.live import schemas as s
from atp_ray.live.interventions import Intervention

T = TypeVar("T")


class AsyncClient:
    """A line to a simulation service; every method raises `AtpError` with the one line the service gives.

    Args:
        url: where it is, e.g. http://127.0.0.1:8000.
        token: its read or control token, where it has them.
        author: who is named in the event log as having changed something.
        timeout_s: longest wait for an answer; an intervention waits for the end of a round.
    """

    def __init__(self, url: str, token: str | None = None, author: str | None = None, timeout_s: float = 300) -> None:
        self._http = httpx.AsyncClient(
            base_url=url, headers=answers.headers(token, author), timeout=httpx.Timeout(timeout_s, connect=10)
        )

    async def __aenter__(self) -> AsyncClient:
        return self

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def send(self, call: Call[T]) -> T:
        """Send a call, again where the service is just being restarted, and return its answer."""
        return answers.read(await self._answer(call), call.answer)

    async def health(self) -> s.Health:
        """Return the available checkpoints and paradigms, and how many simulations there are."""
        return await self.send(calls.get("/health", s.Health))

    async def simulations(self, after: str | None = None, limit: int = 100) -> s.SimulationPage:
        """Return simulations, oldest first."""
        return await self.send(calls.get("/simulations", s.SimulationPage, after=after, limit=limit))

    async def create(self, **fields: Any) -> s.SimulationView:
        """Make a simulation, paused; the fields are those of the scenario's paradigm, or `preset=...`."""
        return await self.send(calls.create(fields))

    async def simulation(self, simulation_id: str) -> s.SimulationView:
        """Return a simulation as it stands."""
        return await self.send(calls.get(f"/simulations/{simulation_id}", s.SimulationView))

    async def delete(self, simulation_id: str) -> None:
        """Remove a simulation that is not running and has no branches."""
        return await self.send(Call("DELETE", f"/simulations/{simulation_id}", type(None)))

    async def run(
        self, simulation_id: str, until_round: int | None = None, until_rate_above: float | None = None
    ) -> s.SimulationView:
        """Run, to the end or until a condition holds at a round's end."""
        return await self.send(calls.control(simulation_id, "run", until_round, until_rate_above))

    async def pause(self, simulation_id: str) -> s.SimulationView:
        """Pause at the end of the round in play."""
        return await self.send(calls.control(simulation_id, "pause"))

    async def step(self, simulation_id: str) -> s.SimulationView:
        """Play one round."""
        return await self.send(calls.control(simulation_id, "step"))

    async def cancel(self, simulation_id: str) -> s.SimulationView:
        """End it for good."""
        return await self.send(calls.control(simulation_id, "cancel"))

    async def intervene(self, simulation_id: str, intervention: Intervention | Mapping[str, Any]) -> s.EventView:
        """Change something from the next round on."""
        return await self.send(calls.intervene(simulation_id, intervention))

    async def rounds(self, simulation_id: str, after: int = 0, limit: int = 1000) -> s.RoundPage:
        """Return settled rounds."""
        return await self.send(calls.get(f"/simulations/{simulation_id}/rounds", s.RoundPage, after=after, limit=limit))

    async def agents(self, simulation_id: str, after: int = 0, limit: int = 1000) -> s.AgentPage:
        """Return seats."""
        return await self.send(calls.get(f"/simulations/{simulation_id}/agents", s.AgentPage, after=after, limit=limit))

    async def memory(self, simulation_id: str, seat: int) -> s.MemoryView:
        """Return the exact messages a seat would be sent for its next round."""
        return await self.send(calls.get(f"/simulations/{simulation_id}/agents/{seat}/memory", s.MemoryView))

    async def probes(self, simulation_id: str, text: bool = False, after: int = 0, limit: int = 1000) -> s.ProbePage:
        """Return answers to side questions, with their words where `text` asks for them."""
        path = f"/simulations/{simulation_id}/probes"
        return await self.send(calls.get(path, s.ProbePage, text=text, after=after, limit=limit))

    async def metrics(self, simulation_id: str) -> s.MetricsView:
        """Return rates by round, the tip, and how early each monitor saw it."""
        return await self.send(calls.get(f"/simulations/{simulation_id}/metrics", s.MetricsView))

    async def fork(
        self,
        simulation_id: str,
        round_number: int,
        interventions: Interventions = (),
        seed: int | None = None,
        name: str = "",
    ) -> s.SimulationView:
        """Branch off after a settled round; the past is shared."""
        return await self.send(calls.fork(simulation_id, round_number, interventions, seed, name))

    async def tree(self, simulation_id: str) -> s.TreeNode:
        """Return a simulation with all branches that leave it."""
        return await self.send(calls.get(f"/simulations/{simulation_id}/tree", s.TreeNode))

    async def what_if(
        self, simulation_id: str, round_number: int, rounds: int, interventions: Interventions, seeds: int = 1
    ) -> s.WhatIfView:
        """Run pairs of branches, with and without interventions, over several seeds."""
        return await self.send(calls.what_if(simulation_id, round_number, rounds, seeds, interventions))

    async def compare(self, without: Sequence[str], with_: Sequence[str], after: int = 0) -> s.ComparisonView:
        """Compare two groups of branches, pair by pair, in the rounds all have played."""
        return await self.send(calls.compare(without, with_, after))

    async def decisions(self, simulation_id: str, text: bool = False) -> pa.Table:
        """Return all decisions as an Arrow table, with replies where `text` asks for them."""
        answer = await self._answer(calls.get(f"/simulations/{simulation_id}/{answers.ARROW}", bytes, text=text))
        answers.require_success(answer)
        return pa.ipc.open_stream(answer.content).read_all()

    async def events(
        self, simulation_id: str, after: int = 0, follow: bool = True, text: bool = False
    ) -> AsyncIterator[s.EventView | s.RoundDecisions]:
        """Yield events as they happen, each round's decisions before it, until the simulation is over.

        A stream that breaks is resumed where it was.

        Args:
            follow: False ends with what there is.
            text: with the agents' replies.
        """
        path, failures = f"{answers.PREFIX}/simulations/{simulation_id}/events", 0
        while True:
            params = {"after": after, "follow": follow, "text": text}
            try:
                async with aconnect_sse(self._http, "GET", path, params=params) as source:
                    if not source.response.is_success:
                        await source.response.aread()
                        answers.require_stream(source.response)
                    async for sent in source.aiter_sse():
                        if not sent.data:  # a heartbeat after an event: no event of its own
                            continue
                        failures, event = 0, answers.read_event(sent)
                        yield event
                        after = event.seq if isinstance(event, s.EventView) else after
                return
            except httpx.TransportError as error:
                if (wait_s := answers.again_after(error, failures)) is None:
                    raise answers.unreachable(str(self._http.base_url), error) from error
                failures += 1
                await asyncio.sleep(wait_s)

    async def _answer(self, call: Call[T]) -> httpx.Response:
        for attempt in range(answers.TRIES):
            try:
                answer = await self._http.request(**answers.request(call))  # type: ignore[arg-type]
            except httpx.TransportError as error:
                if (wait_s := answers.again_after(error, attempt)) is None:
                    raise answers.unreachable(str(self._http.base_url), error) from error
            else:
                if (wait_s := answers.again_after(answer, attempt)) is None:
                    break
            await asyncio.sleep(wait_s)
        return answer
