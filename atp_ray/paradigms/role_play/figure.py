"""Table 1 as a figure: violation rate by round."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from atp_ray.measures.results import CellResult, values
from atp_ray.report.figures.rate_panels import draw_published, draw_rates, finish_panel, with_legend
from atp_ray.report.figures.style import FULL_WIDTH
from atp_ray.report.published import PAPER_SUPERVISION, PublishedTable1, beside_paper

MOST_PANELS_IN_A_ROW = 4


def draw_violation_rates(results: Sequence[CellResult], published: PublishedTable1) -> Figure:
    """Draw violation rate by round, one panel per supervision pattern; the paper's in the pattern it used."""
    patterns = values(results, "supervision")
    n_columns = min(len(patterns), MOST_PANELS_IN_A_ROW)
    n_rows = -(-len(patterns) // n_columns)
    figure = Figure(figsize=(FULL_WIDTH, 2.1 * n_rows + 0.9), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False).ravel().tolist()
    for panel, pattern in zip(panels, patterns, strict=False):
        cells = [result for result in results if result.setting.supervision == pattern]
        for index, cell in enumerate(cells):
            draw_rates(panel, cell.rates_R, cell.setting.checkpoint, index, len(cells))
        if pattern == PAPER_SUPERVISION:
            draw_published(panel, published.violation_rate)
        finish_panel(panel, "violation rate" if panel is panels[0] else "", str(pattern).replace("_", " "))
    for panel in panels[len(patterns) :]:
        panel.set_visible(False)
    return with_legend(figure, panels, results, f"Grey: the paper (Table 1). {beside_paper(results)}")
