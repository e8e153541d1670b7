"""What GPUs can do, by Ray's names for them: memory, and speeds as their makers give them."""

from __future__ import annotations

from typing import NamedTuple

from atp_ray.alignment.memory import GIB


class Gpu(NamedTuple):
    """A kind of GPU: bytes of memory, bytes read from it a second, dense 16-bit operations a second, and the source."""

    name: str
    memory: float
    bandwidth: float
    operations: float
    source: str


def _gpu(name: str, mebibytes: int, gigabytes_s: float, teraflops: float, source: str) -> Gpu:
    return Gpu(name, mebibytes / 1024 * GIB, gigabytes_s * 1e9, teraflops * 1e12, source)


# Memory is what the driver reports (nvidia-smi), a little less than the name says. Speeds are those of the data sheet,
# operations without sparsity.
_GPUS = (
    _gpu("A10G", 23_028, 600, 70, "NVIDIA A10G data sheet"),
    _gpu("L4", 23_034, 300, 121, "NVIDIA L4 data sheet"),
    _gpu("L40S", 46_068, 864, 362, "NVIDIA L40S data sheet"),
    _gpu("A100", 40_536, 1555, 312, "NVIDIA A100 data sheet, SXM, 40 GB"),
    _gpu("A100-40G", 40_536, 1555, 312, "NVIDIA A100 data sheet, SXM, 40 GB"),
    _gpu("A100-80G", 81_920, 2039, 312, "NVIDIA A100 data sheet, SXM, 80 GB"),
    _gpu("H100", 81_559, 3350, 989, "NVIDIA H100 data sheet, SXM"),
    _gpu("H200", 143_771, 4800, 989, "NVIDIA H200 data sheet, SXM"),
)


def gpu_names() -> list[str]:
    """Return the names of the GPUs that are known."""
    return [gpu.name for gpu in _GPUS]


def known_gpu(name: str | None) -> Gpu | None:
    """Return the GPU that Ray calls `name`, None for one that is not known here.

    Plain `A100` may have 40 or 80 GB: it is taken to have 40.
    """
    return next((gpu for gpu in _GPUS if gpu.name == name), None)
