"""What `run.json` holds of a run's costs: what was expected, and what all its parts took together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from atp_ray.checkpoint.profiles import TokenPrice
from atp_ray.config_files import Foreign
from atp_ray.costs.estimate import Expected
from atp_ray.costs.prices import Rates, Tariff
from atp_ray.costs.usage import Usage, Usages

RecordT = TypeVar("RecordT", bound=Foreign)
COSTS, ESTIMATE = "costs", "costs_estimate"  # keys of run.json


class CheckpointCosts(Foreign):
    """What one checkpoint was asked; `dollars` is null where nobody knows the price or the machine is one's own."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    dollars: float | None
    price: TokenPrice | None
    price_source: str

    @property
    def usage(self) -> Usage:
        """Requests and tokens."""
        return Usage(self.requests, self.prompt_tokens, self.completion_tokens)


class RunCosts(Foreign):
    """What a run took, over all its parts.

    `wall_s` are seconds from the start of the command to its end, `gpu_s` GPUs held times seconds. `energy_wh` is that
    of the machine while the run lasted, null where it does not tell. `dollars` is null unless all of it has a price.
    """

    checkpoints: dict[str, CheckpointCosts] = Field(default_factory=dict)
    dollars: float | None = None
    wall_s: float = 0.0
    gpu_s: float = 0.0
    gpu_hour_price: float | None = None
    energy_wh: float | None = None

    @property
    def usages(self) -> dict[str, Usage]:
        """Requests and tokens by checkpoint."""
        return {name: costs.usage for name, costs in self.checkpoints.items()}


class CheckpointEstimate(Foreign):
    """What one checkpoint is expected to be asked, how tokens were counted, how long replies were taken to be."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    dollars: float | None
    tokens_counted_by: str
    replies: str

    @property
    def usage(self) -> Usage:
        """Requests and tokens."""
        return Usage(self.requests, self.prompt_tokens, self.completion_tokens)


class CostsEstimate(Foreign):
    """What a run is expected to take; `dollars` without those of GPUs, whose hours nobody knows before."""

    checkpoints: dict[str, CheckpointEstimate] = Field(default_factory=dict)
    dollars: float | None = None


def run_costs(usages: Usages, rates: Rates, wall_s: float, gpu_s: float, energy_wh: float | None) -> RunCosts:
    """Return the record of what a run took."""
    return RunCosts(
        checkpoints={name: _checkpoint_costs(usage, rates.tariffs[name]) for name, usage in usages.items()},
        dollars=rates.dollars(usages, gpu_s),
        wall_s=round(wall_s, 1),
        gpu_s=round(gpu_s, 1),
        gpu_hour_price=rates.gpu_hour,
        energy_wh=None if energy_wh is None else round(energy_wh, 3),
    )


def _checkpoint_costs(usage: Usage, tariff: Tariff) -> CheckpointCosts:
    return CheckpointCosts(
        **usage._asdict(), dollars=tariff.dollars(usage), price=tariff.price, price_source=tariff.source
    )


def costs_estimate(expected: Mapping[str, Expected], rates: Rates) -> CostsEstimate:
    """Return the record of what a run is expected to take."""
    checkpoints = {
        name: CheckpointEstimate(
            **entry.usage._asdict(),
            dollars=rates.tariffs[name].dollars(entry.usage),
            tokens_counted_by=entry.counted,
            replies=entry.replies,
        )
        for name, entry in expected.items()
    }
    usages = {name: entry.usage for name, entry in expected.items()}
    return CostsEstimate(checkpoints=checkpoints, dollars=rates.dollars(usages, gpu_seconds=0.0))


def recorded_costs(manifest: Mapping[str, Any]) -> RunCosts | None:
    """Return what `run.json` says a run took, None for a run from before costs were recorded."""
    return _read(RunCosts, manifest.get(COSTS))


def recorded_estimate(manifest: Mapping[str, Any]) -> CostsEstimate | None:
    """Return what `run.json` says a run was expected to take, None where it says nothing."""
    return _read(CostsEstimate, manifest.get(ESTIMATE))


def _read(model: type[RecordT], data: Any) -> RecordT | None:
    try:
        return model.model_validate(data) if data is not None else None
    except ValidationError:
        return None  # another version's; the run is as good without
