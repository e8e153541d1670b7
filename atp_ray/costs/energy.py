"""The energy a machine uses, where it tells: its GPUs by NVML, its processors by Linux' power capping counters (RAPL).

Counters are the machine's: what others run on it meanwhile is in them. RAPL counts Intel's and AMD's packages, can
usually be read by root only, and starts again at 0 every few minutes, so it has to be looked at more often than that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
JOULES_PER_WH = 3600.0
MICRO, MILLI = 1e-6, 1e-3


@dataclass
class Counter:
    """Joules since some time in the past; `span` is where it starts again at 0, None for never."""

    read: Callable[[], float]
    span: float | None = None
    used: float = 0.0
    last: float = field(init=False)

    def __post_init__(self) -> None:
        self.last = self.read()

    def look(self) -> None:
        """Add what was used since the last look."""
        now = self.read()
        used = now - self.last
        self.used += used if used >= 0 or self.span is None else used + self.span
        self.last = now


class EnergyMeter:
    """What was used since it was made, of all counters together."""

    def __init__(self, counters: Sequence[Counter]) -> None:
        self._counters = list(counters)

    def look(self) -> None:
        """Read all counters; one that no longer answers ends the account, as a part would be missing."""
        try:
            for counter in self._counters:
                counter.look()
        except (OSError, ValueError):
            self._counters = []

    @property
    def wh(self) -> float | None:
        """Watt-hours used up to the last look, None where nothing is known."""
        return sum(counter.used for counter in self._counters) / JOULES_PER_WH if self._counters else None


def machine_meter(powercap: Path = POWERCAP) -> EnergyMeter:
    """Return a meter of this machine's GPUs and processors, of those that tell."""
    return EnergyMeter([*_packages(powercap), *_gpus()])


def _packages(powercap: Path) -> list[Counter]:
    """Return a counter for each processor package; what lies inside one (cores, memory) is in it."""
    counters = []
    for zone in sorted(powercap.glob("intel-rapl:*")):
        if zone.name.count(":") != 1:
            continue
        try:
            if (zone / "name").read_text().startswith("package"):
                span = float((zone / "max_energy_range_uj").read_text()) * MICRO
                counters.append(Counter(partial(_package_joules, zone / "energy_uj"), span))
        except (OSError, ValueError):
            continue  # not ours to read
    return counters


def _gpus() -> list[Counter]:
    # Imported here: few machines have one.
    import pynvml

    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        return [Counter(partial(_gpu_joules, handle)) for handle in handles]
    except (pynvml.NVMLError, OSError):
        return []


def _package_joules(file: Path) -> float:
    return float(file.read_text()) * MICRO


def _gpu_joules(handle: object) -> float:
    import pynvml

    try:
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) * MILLI
    except pynvml.NVMLError as error:
        raise OSError(str(error)) from error
