# Generated from asynchronous.py by tools/generate_client.py; do not edit.
"""A client of the simulation service; the blocking one is made of the awaited one by tools/generate_client.py."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

import httpx
import pyarrow as pa
from httpx_sse import connect_sse

from atp_ray.client import answers, calls
from atp_ray.client.calls import Call, Interventions
from atp_ray.live import schemas as s
from atp_ray.live.interventions import Intervention

T = TypeVar("T")


class Client:
    """A line to a simulation service; every method raises `AtpError` with the one line the service gives.

    Args:
        url: where it is, e.g. http://127.0.0.1:8000.
        token: its read or control token, where it has them.
        author: who is named in the event log as having changed something.
        timeout_s: longest wait for an answer; an intervention waits for the end of a round.
    """

    def __init__(self, url: str, token: str | None = None, author: str | None = None, timeout_s: float = 300) -> None:
        self._http = httpx.Client(
            base_url=url, headers=answers.headers(token, author), timeout=httpx.Timeout(timeout_s, connect=10)
        )

    def __enter__(self) -> Client:
        return self

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, call: Call[T]) -> T:
        """Send a call, again where the service is just being restarted, and return its answer."""
        return answers.read(self._answer(call), call.answer)

    def health(self) -> s.Health:
        """Return the available checkpoints and paradigms, and how many simulations there are."""
        return self.send(calls.get("/health", s.Health))

    def simulations(self, after: str | None = None, limit: int = 100) -> s.SimulationPage:
        """Return simulations, oldest first."""
        return self.send(calls.get("/simulations", s.SimulationPage, after=after, limit=limit))

    def create(self, **fields: Any) -> s.SimulationView:
        """Make a simulation, paused; the fields are those of the scenario's paradigm, or `preset=...`."""
        return self.send(calls.create(fields))

    def simulation(self, simulation_id: str) -> s.SimulationView:
        """Return a simulation as it stands."""
        return self.send(calls.get(f"/simulations/{simulation_id}", s.SimulationView))

    def delete(self, simulation_id: str) -> None:
        """Remove a simulation that is not running and has no branches."""
        return self.send(Call("DELETE", f"/simulations/{simulation_id}", type(None)))

    def run(
        self, simulation_id: str, until_round: int | None = None, until_rate_above: float | None = None
    ) -> s.SimulationView:
        """Run, to the end or until a condition holds at a round's end."""
        return self.send(calls.control(simulation_id, "run", until_round, until_rate_above))

    def pause(self, simulation_id: str) -> s.SimulationView:
        """Pause at the end of the round in play."""
        return self.send(calls.control(simulation_id, "pause"))

    def step(self, simulation_id: str) -> s.SimulationView:
        """Play one round."""
        return self.send(calls.control(simulation_id, "step"))

    def cancel(self, simulation_id: str) -> s.SimulationView:
        """End it for good."""
        return self.send(calls.control(simulation_id, "cancel"))

    def intervene(self, simulation_id: str, intervention: Intervention | Mapping[str, Any]) -> s.EventView:
        """Change something from the next round on."""
        return self.send(calls.intervene(simulation_id, intervention))

    def rounds(self, simulation_id: str, after: int = 0, limit: int = 1000) -> s.RoundPage:
        """Return settled rounds."""
        return self.send(calls.get(f"/simulations/{simulation_id}/rounds", s.RoundPage, after=after, limit=limit))

    def agents(self, simulation_id: str, after: int = 0, limit: int = 1000) -> s.AgentPage:
        """Return seats."""
        return self.send(calls.get(f"/simulations/{simulation_id}/agents", s.AgentPage, after=after, limit=limit))

    def memory(self, simulation_id: str, seat: int) -> s.MemoryView:
        """Return the exact messages a seat would be sent for its next round."""
        return self.send(calls.get(f"/simulations/{simulation_id}/agents/{seat}/memory", s.MemoryView))

    def probes(self, simulation_id: str, text: bool = False, after: int = 0, limit: int = 1000) -> s.ProbePage:
        """Return answers to side questions, with their words where `text` asks for them."""
        path = f"/simulations/{simulation_id}/probes"
        return self.send(calls.get(path, s.ProbePage, text=text, after=after, limit=limit))

    def metrics(self, simulation_id: str) -> s.MetricsView:
        """Return rates by round, the tip, and how early each monitor saw it."""
        return self.send(calls.get(f"/simulations/{simulation_id}/metrics", s.MetricsView))

    def fork(
        self,
        simulation_id: str,
        round_number: int,
        interventions: Interventions = (),
        seed: int | None = None,
        name: str = "",
    ) -> s.SimulationView:
        """Branch off after a settled round; the past is shared."""
        return self.send(calls.fork(simulation_id, round_number, interventions, seed, name))

    def tree(self, simulation_id: str) -> s.TreeNode:
        """Return a simulation with all branches that leave it."""
        return self.send(calls.get(f"/simulations/{simulation_id}/tree", s.TreeNode))

    def what_if(
        self, simulation_id: str, round_number: int, rounds: int, interventions: Interventions, seeds: int = 1
    ) -> s.WhatIfView:
        """Run pairs of branches, with and without interventions, over several seeds."""
        return self.send(calls.what_if(simulation_id, round_number, rounds, seeds, interventions))

    def compare(self, without: Sequence[str], with_: Sequence[str], after: int = 0) -> s.ComparisonView:
        """Compare two groups of branches, pair by pair, in the rounds all have played."""
        return self.send(calls.compare(without, with_, after))

    def decisions(self, simulation_id: str, text: bool = False) -> pa.Table:
        """Return all decisions as an Arrow table, with replies where `text` asks for them."""
        answer = self._answer(calls.get(f"/simulations/{simulation_id}/{answers.ARROW}", bytes, text=text))
        answers.require_success(answer)
        return pa.ipc.open_stream(answer.content).read_all()

    def events(
        self, simulation_id: str, after: int = 0, follow: bool = True, text: bool = False
    ) -> Iterator[s.EventView | s.RoundDecisions]:
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
                with connect_sse(self._http, "GET", path, params=params) as source:
                    if not source.response.is_success:
                        source.response.read()
                        answers.require_stream(source.response)
                    for sent in source.iter_sse():
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
                time.sleep(wait_s)

    def _answer(self, call: Call[T]) -> httpx.Response:
        for attempt in range(answers.TRIES):
            try:
                answer = self._http.request(**answers.request(call))  # type: ignore[arg-type]
            except httpx.TransportError as error:
                if (wait_s := answers.again_after(error, attempt)) is None:
                    raise answers.unreachable(str(self._http.base_url), error) from error
            else:
                if (wait_s := answers.again_after(answer, attempt)) is None:
                    break
            time.sleep(wait_s)
        return answer
