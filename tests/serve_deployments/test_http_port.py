"""Ports that nothing listens at."""

import socket

import pytest

from atp_ray.errors import EngineError
from serve_deployments import http_port
from serve_deployments.http_port import free_ports


def test_a_block_of_ports_holds_none_that_another_would_share(monkeypatch: pytest.MonkeyPatch) -> None:
    free = free_ports(10)
    assert len(free) == 10
    monkeypatch.setattr(http_port, "_FIRST", free.start)
    monkeypatch.setattr(http_port, "_LAST", free.stop)
    assert free_ports(10) == free  # there is no other place
    with socket.socket() as shared:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind(("127.0.0.1", free[7]))
        shared.listen()
        with pytest.raises(EngineError, match="10 free ports beside each other were not found"):
            free_ports(10)
