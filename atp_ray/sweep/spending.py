"""What a sweep may take and took: prices and limits from its options, its estimate, its account in `run.json`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from atp_ray.checkpoint.profiles import Profile
from atp_ray.costs.budget import NO_LIMITS, Account, Budget, Limits
from atp_ray.costs.energy import EnergyMeter, machine_meter
from atp_ray.costs.estimate import Expected
from atp_ray.costs.prices import Rates, tariffs_of
from atp_ray.costs.record import COSTS, CostsEstimate, RunCosts, recorded_costs, run_costs
from atp_ray.costs.spent import rounds_left, spent_by_cell
from atp_ray.costs.texts import dollars_text, tokens_text
from atp_ray.costs.usage import Usages, add_usages, total_usage
from atp_ray.errors import SpendingError, StorageError, UsageError
from atp_ray.play.cells import CellSpec
from atp_ray.storage.run_folder import write_manifest
from atp_ray.sweep.options import SweepOptions

KEEP_EVERY_S = 30.0  # of the run's seconds and energy, a kill loses no more


def rates_of(options: SweepOptions, profiles: Mapping[str, Profile], begun: Mapping[str, Any] | None) -> Rates:
    """Return all prices of a run; a resumed one keeps its price of a GPU-hour unless told another.

    Raises:
        UsageError: dollars are limited and a price is not known.
    """
    before = recorded_costs(begun or {})
    gpu_hour = options.gpu_hour_price
    if gpu_hour is None and before is not None:
        gpu_hour = before.gpu_hour_price
    rates = Rates(tariffs=tariffs_of(profiles.values()), gpu_hour=gpu_hour)
    if options.max_cost is not None and (unpriced := rates.unpriced()):
        what = f"dollars cannot be limited: {unpriced[0]} has {rates.tariffs[unpriced[0]].source}"
        hint = (
            "Give --set price.input=DOLLARS --set price.output=DOLLARS (per million tokens), a price in the profile, "
            "or --gpu-hour-price for GPUs of your own; or limit by --max-tokens-total or --max-hours"
        )
        raise UsageError(what, "--max-cost", hint)
    return rates


def estimate_lines(expected: Mapping[str, Expected], estimate: CostsEstimate, rates: Rates) -> list[str]:
    """Return what a run is expected to take, a line for each checkpoint that is a model."""
    lines = []
    for name, entry in expected.items():
        requests, prompt_tokens, completion_tokens = entry.usage
        dollars = estimate.checkpoints[name].dollars
        price = rates.tariffs[name].source if dollars is None else dollars_text(dollars)
        lines.append(
            f"{name}: about {requests:,} requests, {prompt_tokens:,} prompt tokens, {completion_tokens:,} reply "
            f"tokens, {price} ({entry.counted}, {entry.replies})"
        )
    return lines


class Spending:
    """The account of one sweep over all its parts, kept in `run.json` while it plays.

    Args:
        manifest: the contents of `run.json`, whose `costs` are changed in place.
        started: when the command was started, in seconds of `time.time`.
        alone: whether the machine works for this run only, so that its energy is worth telling.
    """

    def __init__(
        self, run_dir: Path, manifest: dict[str, Any], rates: Rates, limits: Limits, started: float, *, alone: bool
    ) -> None:
        self._run_dir = run_dir
        self._manifest = manifest
        self._rates = rates
        self._limits = limits
        self._started = started
        self._before = recorded_costs(manifest) or RunCosts()
        self._meter = machine_meter() if alone else EnergyMeter(())
        self._kept = started
        self._budget = Budget()

    def budget(self, cells: Sequence[CellSpec], expected: Mapping[str, Expected]) -> Budget:
        """Return what the run may take and took before.

        Raises:
            SpendingError: a limit lets no round begin.
        """
        before = spent_by_cell(self._run_dir, cells)
        budget = Budget(
            limits=self._limits,
            rates=self._rates,
            rounds={name: entry.rounds for name, entry in expected.items()},
            before=before,
            since=self._started - self._before.wall_s,
            gpu_seconds_before=self._before.gpu_s,
        )
        self._require_a_round(budget, cells)
        self._budget = budget
        # What a kill leaves: the prices at least.
        self._keep(add_usages(before.values()))
        write_manifest(self._run_dir, self._manifest)
        return budget

    def _require_a_round(self, budget: Budget, cells: Sequence[CellSpec]) -> None:
        if self._limits == NO_LIMITS:
            return
        account = Account(budget)
        reasons = [account.reached_now(budget.expected(*left)) for left in rounds_left(self._run_dir, cells)]
        if reasons and all(reasons):
            self._manifest["status"] = "stopped"
            write_manifest(self._run_dir, self._manifest)
            raise SpendingError(f"no round is left at {reasons[0]}", hint="Give a higher limit, or none")

    def playing(self, budget: Budget) -> None:
        """Take the budget as the experiment holds it: with its GPUs."""
        self._budget = budget

    def look(self, usages: Usages) -> None:
        """Note how far the run is; called about twice a second."""
        self._meter.look()
        now = time.time()
        if now - self._kept >= KEEP_EVERY_S and usages:
            self._kept = now
            self._keep(usages)
            with suppress(StorageError):  # a full disk is told by the log, to which it matters
                write_manifest(self._run_dir, self._manifest)

    @contextmanager
    def kept(self, cells: Sequence[CellSpec]) -> Iterator[None]:
        """Put into `run.json` what the run took once it has played, however that ended.

        Tables and logs have the last word on tokens.
        """
        try:
            yield
        finally:
            self._meter.look()
            self._keep(add_usages(spent_by_cell(self._run_dir, cells).values()))
            write_manifest(self._run_dir, self._manifest)

    def note(self, usages: Usages) -> str:
        """Return the tokens and dollars so far, for the progress line."""
        total = total_usage(usages)
        if not total.requests:
            return ""
        dollars = self._rates.dollars(usages, self._budget.gpu_seconds(time.time()))
        return f", {tokens_text(total.tokens)}" + (f", {dollars_text(dollars)}" if dollars is not None else "")

    def _keep(self, usages: Usages) -> None:
        now = time.time()
        wall_s, gpu_s = self._before.wall_s + now - self._started, self._budget.gpu_seconds(now)
        used, before = self._meter.wh, self._before.energy_wh
        if self._before.wall_s:  # an earlier part that did not tell makes the sum unknown
            used = None if used is None or before is None else used + before
        self._manifest[COSTS] = run_costs(usages, self._rates, wall_s, gpu_s, used).model_dump(mode="json")
