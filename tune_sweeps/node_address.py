"""Torch's process group over the network that the nodes know each other by."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import psutil
import ray.util
from ray.train.torch.config import TorchConfig, _TorchBackend

from tune_sweeps.training_nodes import is_loopback

GLOO_INTERFACE = "GLOO_SOCKET_IFNAME"
VLLM_ADDRESS = "VLLM_HOST_IP"


class NodeAddressTorchConfig(TorchConfig):  # type: ignore[misc]
    """Ray Train's process group, in which every worker can be reached at its node's address.

    Gloo else listens where the host's own name leads, which on many Linux systems is 127.0.1.1. NCCL leaves loopback
    out by itself; a network it should use is named by NCCL_SOCKET_IFNAME on the nodes.
    """

    @property
    def backend_cls(self) -> type[_TorchBackend]:
        """What starts the process group."""
        return _NodeAddressBackend


class _NodeAddressBackend(_TorchBackend):  # type: ignore[misc]
    def on_start(self, worker_group: Any, backend_config: TorchConfig) -> None:
        worker_group.execute(use_node_address)
        super().on_start(worker_group, backend_config)


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
