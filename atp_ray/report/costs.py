"""What a run took beside what was expected, as a small table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table

from atp_ray.costs.record import CheckpointCosts, RunCosts, recorded_costs, recorded_estimate
from atp_ray.costs.texts import dollars_text, duration_text
from atp_ray.costs.usage import Usage


def costs_table(manifest: Mapping[str, Any]) -> Table | None:
    """Return requests, tokens and dollars by checkpoint; None where no model was asked or nothing was recorded."""
    costs = recorded_costs(manifest)
    if costs is None or not costs.checkpoints:
        return None
    estimate = recorded_estimate(manifest)
    expected = {name: entry.usage for name, entry in estimate.checkpoints.items()} if estimate is not None else {}
    whole = manifest.get("status") == "complete"
    table = Table(title="Costs", caption=_caption(costs), box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("checkpoint", no_wrap=True)
    for name in ("requests", "prompt tokens", "reply tokens", "expected tokens", "dollars"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, row in costs.checkpoints.items():
        counts = (f"{count:,}" for count in row.usage)
        table.add_row(name, *counts, _expected_text(row.usage, expected.get(name), whole), _price_text(row))
    return table


def _expected_text(used: Usage, expected: Usage | None, whole: bool) -> str:
    """Return the tokens expected of the whole run, beside a whole run how far off that was."""
    if expected is None or not expected.tokens:
        return "-"
    return f"{expected.tokens:,}" + (f" ({expected.tokens / max(1, used.tokens) - 1:+.1%})" if whole else "")


def _price_text(row: CheckpointCosts) -> str:
    return dollars_text(row.dollars) if row.dollars is not None else row.price_source


def _caption(costs: RunCosts) -> str:
    parts = [f"{duration_text(costs.wall_s)} in all"]
    if costs.gpu_s:
        hourly = f" at {dollars_text(costs.gpu_hour_price)}" if costs.gpu_hour_price is not None else ""
        parts.append(f"{costs.gpu_s / 3600:.2f} GPU-hours{hourly}")
    if costs.energy_wh is not None:
        parts.append(f"{costs.energy_wh:,.1f} Wh on this machine")
    if costs.dollars is not None:
        parts.append(f"{dollars_text(costs.dollars)} together")
    return ", ".join(parts)
