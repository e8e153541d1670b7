"""Every figure that results of games allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure

from atp_ray.measures.results import CellResult, values
from atp_ray.paradigms.games.figures.rates_by_round import draw_rates_by_round
from atp_ray.paradigms.games.figures.recollusion import draw_recollusion
from atp_ray.paradigms.games.figures.settings_grid import draw_settings_grid
from atp_ray.paradigms.games.tables import PAPER_AGENTS, PAPER_RATIO
from atp_ray.paradigms.games.ways import named_by_way
from atp_ray.report.published import published_figure3


def game_figures(results: Sequence[CellResult]) -> Iterator[tuple[Figure, str]]:
    """Yield each figure with the name of its file; Figure 3 is drawn at incentive ratio 1 where that was played."""
    results = named_by_way([result for result in results if result.setting.threshold is not None])
    for n_agents in values(results, "n_agents"):
        cells = [result for result in results if result.setting.n_agents == n_agents]
        suffix = "" if len(values(results, "n_agents")) == 1 else f"_n{n_agents}"
        ratios = values(cells, "incentive_ratio")
        ratio = PAPER_RATIO if PAPER_RATIO in ratios else ratios[0]
        published = published_figure3() if n_agents == PAPER_AGENTS and ratio == PAPER_RATIO else None
        at_ratio = [cell for cell in cells if cell.setting.incentive_ratio == ratio]
        yield draw_rates_by_round(at_ratio, published), f"figure3_rates_by_round{suffix}"
        if any(len(cell.rates_R) > 1 for cell in cells):
            yield draw_recollusion(cells), f"figure4_recollusion{suffix}"
        if len(ratios) > 1:
            yield draw_settings_grid(cells), f"figure6_settings{suffix}"
