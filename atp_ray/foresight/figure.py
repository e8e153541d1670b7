"""The figure of predicted and observed flips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from atp_ray.report.figures.style import COLOURS, add_label
from atp_ray.responses.observed_flips import ObservedFlips
from atp_ray.responses.prediction import FlipChance
from atp_ray.responses.response import Response


def draw_flips(
    response: Response,
    flips: Sequence[FlipChance],
    observed: Sequence[ObservedFlips],
    n_agents: int,
    start: int,
    to: int,
    critical_share: float | None,
) -> Figure:
    """Draw the probability of a flip by number of committed agents, with intervals, and what real populations did."""
    figure = Figure(figsize=(3.8, 3.1), layout="constrained")
    panel = figure.subplots()
    committed = [flip.committed for flip in flips]
    panel.fill_between(
        committed, [f.ci_low for f in flips], [f.ci_high for f in flips], color=COLOURS[0], alpha=0.2, linewidth=0
    )
    panel.plot(committed, [f.p_flip for f in flips], color=COLOURS[0], marker="o", markersize=3, label="predicted")
    if observed:
        rates = [found.rate for found in observed]
        shares = np.array([rate.rate for rate in rates], dtype=float)
        below = shares - np.array([rate.low for rate in rates], dtype=float)
        above = np.array([rate.high for rate in rates], dtype=float) - shares
        panel.errorbar(
            [found.committed for found in observed],
            shares,
            yerr=np.maximum(0, [below, above]),
            fmt="s", markersize=4, color=COLOURS[1], linewidth=0.8, capsize=2, label="observed",
        )  # fmt: skip
    if critical_share is not None:
        panel.axvline(
            critical_share * n_agents, color="#444444", linestyle=":", linewidth=1, label="infinite population"
        )
    names = response.names
    panel.set_title(f"{response.fitted_on.model}: {names[start]} to {names[to]}, {n_agents} agents")
    panel.set_xlabel(f"agents committed to {names[to]}")
    panel.set_ylabel("probability of a flip")
    panel.set_ylim(-0.03, 1.03)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    source = f" Observed runs: {sum(found.runs for found in observed)}." if observed else ""
    add_label(figure, f"{response.label} 95 % intervals (bootstrap over runs; observed: mid-P).{source}")
    return figure
