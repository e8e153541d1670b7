"""The Python clients and `simulate --live` against the real service."""

import os
import subprocess
import sys

import httpx
import pytest
from command_runs import run_here
from live_service import LiveService, free_port, wait_until_over
from support import PATIENCE_S

from atp_ray.client import AsyncClient, Client
from atp_ray.client.answers import TRIES, again_after, require_stream
from atp_ray.config_files import configs_dir
from atp_ray.errors import EngineError, NotFoundError, UsageError
from atp_ray.live.schemas import EventView
from atp_ray.simulate.__main__ import main


async def test_the_awaited_client_does_what_the_blocking_one_does(live_service: LiveService) -> None:
    async with AsyncClient(live_service.url, author="ann") as client:
        simulation = await client.create(preset="tipping", rounds=4)
        await client.run(simulation.id)
        events = [event async for event in client.events(simulation.id) if isinstance(event, EventView)]
        assert [event.kind for event in events if event.kind != "tip"] == ["created", "control", *["round"] * 4]
        branch = await client.fork(simulation.id, 1, [{"kind": "quarantine", "seats": [0]}])
        table = await client.decisions(simulation.id)
        with live_service.client() as other:
            assert other.decisions(simulation.id).equals(table)
            assert other.tree(simulation.id) == await client.tree(simulation.id)
            assert other.simulation(branch.id).parent.simulation_id == simulation.id
        with pytest.raises(NotFoundError, match="there is no such simulation"):
            await client.metrics("0" * 12)


def test_both_clients_have_the_same_methods() -> None:
    def methods(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert methods(Client) == methods(AsyncClient)


def test_what_cannot_be_asked_is_refused_before_it_is_sent() -> None:
    with Client(f"http://127.0.0.1:{free_port()}") as client:
        with pytest.raises(UsageError, match="threshhold"):
            client.create(threshhold=3)
        with pytest.raises(UsageError, match="until"):
            client.run("0" * 12, until_rate_above=7)
        with pytest.raises(UsageError, match="kind"):
            client.intervene("0" * 12, {"kind": "smile"})


def test_a_service_that_is_not_there_is_one_clear_line(monkeypatch) -> None:
    monkeypatch.setattr("atp_ray.client.answers.TRIES", 2)
    with Client(f"http://127.0.0.1:{free_port()}") as client, pytest.raises(EngineError, match="Start it: python -m"):
        client.health()


def test_a_simulation_is_read_along_with(live_service, capsys) -> None:
    with live_service.client() as client:
        simulation = client.create(preset="tipping", rounds=3)
        client.run(simulation.id, until_round=1)
        wait_until_over(client, simulation.id, "paused")
        branch = client.fork(simulation.id, 1, [{"kind": "broadcast", "text": "[bold]Beware[/bold]"}])
        client.run(branch.id)
        wait_until_over(client, branch.id)
        main(["--live", f"{live_service.url}/v1/simulations/{branch.id}", "--replies", "2"])
        printed = capsys.readouterr().out
        assert "Not a statement about Qwen or Llama" in printed
        assert "[bold]Beware[/bold]" in printed
        for row in client.rounds(branch.id).rounds:
            assert f"round {row.round}" in printed
            assert f"({row.n_deviant} of 8)" in printed
        assert printed.count("  seat 1 (policy:quantal): {") == 2  # rounds of its own
        assert "finished. Next:" in printed


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("nonsense", "error: --live: 'nonsense' is no address"),
        ("{url}/v1/simulations/000000000000", "error: 000000000000: there is no such simulation"),
        ("file:///etc/passwd", "is no address"),
    ],
)
def test_bad_addresses_are_one_line(live_service, address, line) -> None:
    done = run_here("simulate", "--live", address.format(url=live_service.url))
    assert done.returncode == 2
    assert line in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_notebook_example_runs(live_service) -> None:
    line = [sys.executable, "examples/live.py"]
    environment = os.environ | {"ATP_RAY_URL": live_service.url, "PYTHONPATH": "."}
    done = subprocess.run(
        line, cwd=configs_dir().parent, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "difference" in done.stdout
    assert "Not a statement about Qwen or Llama" in done.stdout


def test_the_proxys_fault_is_asked_again_and_the_services_own_is_not() -> None:
    died = httpx.Response(500, text="Internal Server Error")
    fault = httpx.Response(500, json={"detail": "a fault"}, headers={"content-type": "application/problem+json"})
    assert again_after(died, 0) == 0.25
    assert again_after(died, TRIES - 1) is None
    assert again_after(fault, 0) is None
    with pytest.raises(httpx.TransportError):
        require_stream(died)
    with pytest.raises(EngineError, match="a fault"):
        require_stream(fault)
