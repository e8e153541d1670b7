"""The network that the nodes of a cluster know each other by."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import psutil
import ray.util

from tune_sweeps.training_nodes import is_loopback

GLOO_INTERFACE = "GLOO_SOCKET_IFNAME"
VLLM_ADDRESS = "VLLM_HOST_IP"


def use_node_address() -> None:
    """Tell Gloo the network interface of this node's address in Ray, and vLLM the address; what the user set stays.

    A vLLM server is told the address to fetch weights from. Loopback it could not reach: there vLLM finds another.
    """
    address = ray.util.get_node_ip_address()
    if (interface := interface_of(address, psutil.net_if_addrs())) is not None:
        os.environ.setdefault(GLOO_INTERFACE, interface)
    if not is_loopback(address):
        os.environ.setdefault(VLLM_ADDRESS, address)


def interface_of(address: str, interfaces: Mapping[str, Sequence[Any]]) -> str | None:
    """Return the interface that has an address, None where none has: the node is known by an address of its router.

    Args:
        interfaces: as `psutil.net_if_addrs` returns them.
    """
    return next((name for name, found in interfaces.items() if any(entry.address == address for entry in found)), None)
