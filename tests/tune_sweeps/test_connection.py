"""Which Ray a command uses: what it was given, then RAY_ADDRESS, then the cluster its machine belongs to."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from atp_ray.errors import EngineError, UsageError
from tune_sweeps.connection import find_cluster


@pytest.fixture
def running() -> Iterator[str]:
    """An address at which somebody listens, as the head of a cluster does."""
    with socket.create_server(("127.0.0.1", 0)) as head:
        yield f"127.0.0.1:{head.getsockname()[1]}"


@pytest.fixture
def ended() -> str:
    """An address at which nobody listens any more."""
    with socket.create_server(("127.0.0.1", 0)) as head:
        return f"127.0.0.1:{head.getsockname()[1]}"


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch) -> Path:
    """A machine whose `ray start` would have left its note in this file."""
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    (tmp_path / "ray").mkdir()
    return tmp_path / "ray" / "ray_current_cluster"


def find(given: str | None) -> tuple[str | None, list[str]]:
    """Return the address, and what the user is told."""
    said: list[str] = []
    return find_cluster(given, said.append), said


def test_a_machine_of_no_cluster_starts_a_ray_for_the_command(running) -> None:
    assert find(None) == find("local") == (None, [])


def test_the_cluster_of_the_machine_is_used_and_named(machine, running) -> None:
    machine.write_text(running)
    assert find("auto") == (running, [])
    address, said = find(None)
    assert address == running
    assert said == [f"Ray:     the cluster at {running} (--address local starts one for this command only)"]


def test_local_keeps_a_command_off_the_cluster_of_its_machine(machine, running, monkeypatch) -> None:
    machine.write_text(running)
    assert find("local") == (None, [])
    monkeypatch.setenv("RAY_ADDRESS", "local")
    assert find(None) == (None, [])


def test_a_cluster_that_has_ended_is_said_and_one_is_started(machine, ended) -> None:
    machine.write_text(ended)
    assert find(None) == (None, [f"Ray:     the cluster at {ended} has ended; starting one for this command"])
    with pytest.raises(EngineError, match="not part of a running Ray cluster"):
        find("auto")


def test_what_is_given_wins_over_the_environment_and_that_over_the_machine(
    machine, running, ended, monkeypatch
) -> None:
    machine.write_text(ended)
    monkeypatch.setenv("RAY_ADDRESS", running)
    assert find(None) == (running, [])
    with pytest.raises(EngineError, match=f"^--address: .*nothing listens at {ended}"):
        find(ended)
    monkeypatch.setenv("RAY_ADDRESS", ended)
    assert find(running) == (running, [])
    with pytest.raises(EngineError, match=f"^RAY_ADDRESS: .*nothing listens at {ended}"):
        find(None)


@pytest.mark.parametrize("address", ["ray://head:10001", "http://head:8265", "https://head"])
def test_a_client_of_another_machine_is_refused(address) -> None:
    with pytest.raises(UsageError, match="would leave the results on another machine"):
        find(address)


@pytest.mark.parametrize("address", ["head", ":6379", "head:", "head:port"])
def test_what_is_no_address_is_refused(address) -> None:
    with pytest.raises(UsageError, match="is no address of a cluster"):
        find(address)
