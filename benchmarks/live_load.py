"""Reading a running simulation: event-stream readers and read requests beside it, against the same without them.

`python -m benchmarks.live_load` starts the service behind HAProxy with 64 agents of `policy:quantal`, lets a simulation
run undisturbed, then one with readers, and prints both round rates, their ratio, and how long reads took. Readers,
service and simulation share the cores; `--pace` is the time a round takes at least, as one of language models does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from live_service import LiveService

AGENTS = 64
CONNECTIONS = 50


class Reads(NamedTuple):
    """How long each read took from when it was due, how many were not answered by 200, and how long all took."""

    latency_s: list[float]
    failed: int
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--reads-per-s", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--pace", type=float, default=0.5, help="least seconds a round takes (0: as fast as it can)")
    parser.add_argument("--proxy", default="haproxy", help="what answers the port: haproxy or serve")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options = ("--agents", str(AGENTS), "--pace", str(arguments.pace), "--proxy", arguments.proxy)
        service = LiveService(Path(folder) / "state", *options)
        try:
            asyncio.run(measure(service, arguments))
        finally:
            service.stop()


async def measure(service: LiveService, arguments: argparse.Namespace) -> None:
    alone = await undisturbed(service, arguments.seconds)
    with service.client() as client:
        simulation = start(client)
        readers = [asyncio.create_task(read_events(service.port, simulation)) for _ in range(arguments.readers)]
        await asyncio.sleep(3)  # until all have caught up
        before, since = client.simulation(simulation).rounds_settled, time.monotonic()
        reads = await read_steadily(service.port, simulation, arguments.reads_per_s, arguments.seconds)
        beside = (client.simulation(simulation).rounds_settled - before) / (time.monotonic() - since)
        await asyncio.to_thread(client.cancel, simulation)
        seen = await asyncio.wait_for(asyncio.gather(*readers), 120)
        written = [event.seq for event in client.events(simulation, follow=False) if hasattr(event, "seq")]
    lost = sum(found != written for found in seen)
    latency_ms = 1000 * np.array(reads.latency_s)
    print(
        f"rounds/s alone {alone:.2f}, with readers {beside:.2f}, ratio {beside / alone:.3f} (pace {arguments.pace} s)"
    )
    print(f"event streams: {len(seen)} readers, {len(written)} events each, {lost} readers lost or repeated some")
    print(f"reads: {len(latency_ms)} at {len(latency_ms) / reads.seconds:.0f}/s, {reads.failed} failed")
    print("latency from when due, ms: " + ", ".join(f"p{q} {np.percentile(latency_ms, q):.1f}" for q in (50, 95, 99)))


async def undisturbed(service: LiveService, seconds: float) -> float:
    """Return the rounds per second of a simulation nobody reads."""
    with service.client() as client:
        simulation = start(client)
        await asyncio.sleep(3)
        before, since = client.simulation(simulation).rounds_settled, time.monotonic()
        await asyncio.sleep(seconds)
        rate = (client.simulation(simulation).rounds_settled - before) / (time.monotonic() - since)
        client.cancel(simulation)
        return rate


def start(client) -> str:
    """Begin a game of 64 agents that lasts longer than the measurement."""
    simulation = client.create(preset="diffusion_64", rounds=10_000, monitors=[])
    client.run(simulation.id)
    return simulation.id


async def read_events(port: int, simulation: str) -> list[int]:
    """Follow a simulation to its end and return the numbers of its events in the order in which they came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    path = f"/v1/simulations/{simulation}/events?decisions=false"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    seen, rest = [], b""
    while (size := int(await reader.readline() or b"0", 16)) > 0:
        *lines, rest = (rest + (await reader.readexactly(size + 2))[:-2]).split(b"\n")
        seen += [int(line[4:]) for line in lines if line.startswith(b"id: ")]
    writer.close()
    return seen


async def read_steadily(port: int, simulation: str, per_s: int, seconds: float) -> Reads:
    """Send reads at a steady rate, whether or not the ones before are answered."""
    due: asyncio.Queue[float | None] = asyncio.Queue()
    latency_s: list[float] = []
    failed = 0
    paths = [f"/v1/simulations/{simulation}{part}" for part in ("", "/rounds?limit=5", "/metrics", "/agents?limit=8")]

    async def connection(index: int) -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
        while (moment := await due.get()) is not None:
            path = paths[len(latency_s) % len(paths)]
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            latency_s.append(time.monotonic() - moment)
            failed += not (head.startswith(b"HTTP/1.1 200") and isinstance(json.loads(body), dict))
        writer.close()

    tasks = [asyncio.create_task(connection(index)) for index in range(CONNECTIONS)]
    first = time.monotonic()
    for number in range(int(per_s * seconds)):
        moment = first + number / per_s
        await asyncio.sleep(max(0.0, moment - time.monotonic()))
        due.put_nowait(moment)
    for _ in tasks:
        due.put_nowait(None)
    await asyncio.gather(*tasks)
    return Reads(latency_s, failed, time.monotonic() - first)


if __name__ == "__main__":
    main()
