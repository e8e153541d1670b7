"""Table 2 as a figure: tool usage rate and accuracy by round."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from atp_ray.measures.results import CellResult, complement
from atp_ray.report.figures.rate_panels import draw_published, draw_rates, finish_panel, with_legend
from atp_ray.report.figures.style import FULL_WIDTH
from atp_ray.report.published import PublishedTable2, beside_paper


def draw_tool_usage(results: Sequence[CellResult], published: PublishedTable2) -> Figure:
    """Draw tool usage rate and accuracy on the complex problems by round, in two panels."""
    figure = Figure(figsize=(FULL_WIDTH, 3.0), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for index, cell in enumerate(results):
        usage = [complement(rate) for rate in cell.rates_R]
        draw_rates(panels[0], usage, cell.setting.checkpoint, index, len(results))
        draw_rates(panels[1], cell.accuracy_R, cell.setting.checkpoint, index, len(results))
    draw_published(panels[0], published.tool_usage_rate)
    draw_published(panels[1], published.accuracy)
    finish_panel(panels[0], "share of problems", "tool usage rate")
    finish_panel(panels[1], "", "accuracy")
    return with_legend(
        figure, panels, results, f"Complex problems only. Grey: the paper (Table 2). {beside_paper(results)}"
    )
