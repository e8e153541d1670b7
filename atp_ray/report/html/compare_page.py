"""The page of a comparison: checkpoints of one or more runs beside their base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from rich.table import Table
from rich.text import Text

from atp_ray.measures.survival import curves
from atp_ray.paradigms.registry import paradigm
from atp_ray.report.comparing import Compared
from atp_ray.report.comparison_table import SIGNIFICANT, comparison_tables
from atp_ray.report.figures.comparisons import comparison_figures
from atp_ray.report.figures.survival import survival_figures
from atp_ray.report.html.answer import Answer, beside
from atp_ray.report.html.figures import html_figure, page_style
from atp_ray.report.html.page import Page, Part
from atp_ray.report.html.run_page import versions
from atp_ray.report.html.tables import html_table
from atp_ray.report.html.texts import joined
from atp_ray.report.html.trees import entries

METHODS = (
    "Episodes are paired: the same setting, unit (scenario, prompt or problem) and seed, played by both checkpoints. "
    "Tests and intervals are over units, because decisions of one episode follow each other.",
    "Change is the difference in the last round minus that in round 1. Erosion is the share of the drop in round 1 "
    "that is gone in the last round: 0 % is a drop that lasted, 100 % one of which nothing is left.",
    "An episode tips in the first round from which its rate stays above one half; one that has not tipped by its last "
    "round is censored in the survival curves.",
)


def comparison_page(compared: Compared, runs: Sequence[tuple[str, Mapping[str, Any]]], made: date) -> Page:
    """Return the page of a comparison.

    Args:
        runs: what each run is called, with its `run.json`.
    """
    shown = comparison_tables(compared)
    with page_style():
        points = curves(list(compared.arms.items()))
        drawn = [
            *((figure, f"Differences beside {compared.base}") for figure, _ in comparison_figures(compared)),
            *((figure, "Episodes that have not tipped") for figure, _ in survival_figures(points, compared.label)),
        ]
        figures = [html_figure(figure, number, named) for number, (figure, named) in enumerate(drawn, start=1)]
    others = [name for name in compared.arms if name != compared.base]
    return Page(
        title=f"{joined(others)} beside {compared.base}",
        description=f"Runs: {', '.join(name for name, _ in runs)}",
        made=made.isoformat(),
        label=compared.label,
        answer=_answer(compared, others),
        figures=figures,
        tables=[html_table(table) for table in shown if isinstance(table, Table)],
        notes=[text.plain for text in shown if isinstance(text, Text)],
        plan=entries(runs[0][1].get("plan")) if len(runs) == 1 else (),
        methods=METHODS,
        versions=[
            Part(part.title if len(runs) == 1 else f"{name}: {part.title}", part.entries)
            for name, manifest in runs
            for part in versions(manifest)
        ],
    )


def _answer(compared: Compared, others: Sequence[str]) -> Answer:
    rows = [row for row in compared.rows if row.base == compared.base]
    rooms = dict.fromkeys(row.paradigm for row in rows)
    rates = " and ".join(dict.fromkeys(paradigm(room).presentation.terms.rate for room in rooms))
    sentences = [
        beside(name, compared.base, [row for row in rows if (row.checkpoint, row.paradigm) == (name, room)])
        for room in rooms
        for name in others
    ]
    question = f"Is the {rates} of {joined(others)} below that of {compared.base} in round 1, and what is left of it?"
    rule = (
        "In brackets: 95 % intervals. Below: the paired difference is negative with p of at "
        f"most {SIGNIFICANT:g} after Holm\u2019s correction."
    )
    return Answer(question, tuple(sentences), rule)
