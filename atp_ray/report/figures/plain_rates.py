"""Rates by round for a paradigm without figures of its own: one panel per setting."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.figure import Figure

from atp_ray.measures.results import CellResult, Setting
from atp_ray.report.figures.rate_panels import draw_rates, finish_panel, with_legend
from atp_ray.report.figures.style import FULL_WIDTH

MOST_PANELS_IN_A_ROW = 4


def draw_plain_rates(results: Sequence[CellResult], rate: str, label: Callable[[Setting], str]) -> Figure:
    """Draw the rate by round, a panel per setting and a line per checkpoint."""
    by_setting: dict[str, list[CellResult]] = {}
    for result in results:
        by_setting.setdefault(label(result.setting), []).append(result)
    n_columns = min(len(by_setting), MOST_PANELS_IN_A_ROW)
    n_rows = -(-len(by_setting) // n_columns)
    figure = Figure(figsize=(FULL_WIDTH, 2.1 * n_rows + 0.9), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False).ravel().tolist()
    for panel, (title, cells) in zip(panels, by_setting.items(), strict=False):
        for index, cell in enumerate(cells):
            draw_rates(panel, cell.rates_R, cell.setting.checkpoint, index, len(cells))
        finish_panel(panel, rate if panel is panels[0] else "", title)
    for panel in panels[len(by_setting) :]:
        panel.set_visible(False)
    return with_legend(figure, panels, results, "")
