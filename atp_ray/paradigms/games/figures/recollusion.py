"""Figure 4: heat map of P(collude in round 2 | success in round 1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from atp_ray.measures.results import CellResult, honest_label, values
from atp_ray.report.figures.style import FULL_WIDTH, add_label


def draw_recollusion(results: Sequence[CellResult]) -> Figure:
    """Draw the heat map, rows incentive ratios and columns thresholds, one panel per checkpoint.

    A setting in which no first round succeeded has no probability and stays blank, marked "no success".
    """
    checkpoints = values(results, "checkpoint")
    thresholds, ratios = values(results, "threshold"), sorted(values(results, "incentive_ratio"), key=float)  # type: ignore[arg-type]
    by_setting: dict[tuple[object, ...], CellResult] = {
        (r.setting.checkpoint, r.setting.incentive_ratio, r.setting.threshold): r for r in results
    }
    width = min(FULL_WIDTH, 1.8 + 2.4 * len(checkpoints) * max(1.0, len(thresholds) / 4))
    title_lines = 1 + max(str(checkpoint).count(", ") for checkpoint in checkpoints)
    figure = Figure(figsize=(width, 1.22 + 0.13 * title_lines + 0.4 * len(ratios)), layout="constrained")
    panels = figure.subplots(1, len(checkpoints), sharey=True, squeeze=False)[0]
    for panel, checkpoint in zip(panels, checkpoints, strict=True):
        cells = [[by_setting.get((checkpoint, ratio, threshold)) for threshold in thresholds] for ratio in ratios]
        shares = np.array([[_share(cell) for cell in row] for row in cells])
        image = panel.imshow(shares, vmin=0, vmax=1, cmap="cividis", aspect="auto", origin="lower")
        for row, col in np.ndindex(shares.shape):
            _annotate(panel, row, col, cells[row][col], float(shares[row, col]))
        panel.set_title(str(checkpoint).replace(", ", "\n"), fontsize=8 if title_lines == 1 else 6.5)
        panel.set_xticks(range(len(thresholds)), [str(threshold) for threshold in thresholds])
        panel.set_yticks(range(len(ratios)), [f"{ratio:g}" for ratio in ratios])
        panel.set_xlabel("threshold")
        panel.grid(visible=False)
    panels[0].set_ylabel("incentive ratio")
    bar = figure.colorbar(image, ax=list(panels), shrink=0.9)
    bar.set_label("P(collude r2 | success r1)")
    add_label(figure, honest_label(results))
    return figure


def _share(cell: CellResult | None) -> float:
    return cell.recollusion.rate if cell is not None and cell.recollusion is not None else float("nan")


def _annotate(panel, row: int, col: int, cell: CellResult | None, share: float) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    if cell is None or cell.recollusion is None:
        text, colour = ("no\nsuccess" if cell is not None else "not\nplayed"), "#777777"
    else:
        text, colour = f"{share:.0%}\nn={cell.recollusion.n}", "white" if share < 0.55 else "black"
    panel.text(col, row, text, ha="center", va="center", fontsize=6.5, color=colour)
