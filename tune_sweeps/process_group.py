"""Torch's process group over the network that the nodes know each other by."""

from __future__ import annotations

from typing import Any

from ray.train.torch.config import TorchConfig, _TorchBackend

from tune_sweeps.node_address import use_node_address


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


def wait_for_all() -> None:
    """Wait until every worker of the run has come here."""
    import torch.distributed as dist

    if dist.is_initialized():
        dist.barrier()
