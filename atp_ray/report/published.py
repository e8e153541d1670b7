"""The paper's published figures, to stand beside ours. Only what is printed as a number or said in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from atp_ray.config_files import Frozen, load_config
from atp_ray.measures.results import CellResult

PAPER_SUPERVISION = "all_unsupervised"  # the pattern of Table 1


class PublishedRate(Frozen):
    """A collusion rate of the paper as the count it was computed from."""

    model: str
    colluding: int = Field(ge=0)
    decisions: int = Field(ge=1)


class Direction(Frozen):
    """How the collusion rate moves over the rounds at one threshold."""

    threshold: int
    trend: Literal["climbs", "falls"]


class PublishedFigure3(Frozen):
    """Figure 3: round-1 rates at one easy threshold, and each threshold's trend."""

    source: str
    round_1_rates: tuple[PublishedRate, ...]
    directions: tuple[Direction, ...]


class PublishedFigure4(Frozen):
    """Figure 4: how often agents collude again after a success, as far as the text says."""

    source: str
    statement: str
    typically_above: float = Field(ge=0, le=1)
    often_above: float = Field(ge=0, le=1)


class PublishedSeries(Frozen):
    """One line of a table: a model's values by round, in percent."""

    model: str
    values: tuple[float, ...]


class PublishedTable1(Frozen):
    """Table 1: violation rate by round, one run of 64 prompts."""

    source: str
    prompts: int
    violation_rate: tuple[PublishedSeries, ...]


class PublishedTable2(Frozen):
    """Table 2: tool usage rate and accuracy by round on the complex problems."""

    source: str
    problems: int
    note: str
    tool_usage_rate: tuple[PublishedSeries, ...]
    accuracy: tuple[PublishedSeries, ...]


def beside_paper(results: Sequence[CellResult]) -> str:
    """Return the line that stands wherever ours is beside the paper's: in which points ours is played otherwise."""
    told = {result.differs_from_paper for result in results}
    if None in told or not told:
        return "Ours may be played otherwise than the paper: this run has not recorded it (docs/paper.md)."
    points = dict.fromkeys(point for text in sorted(filter(None, told)) for point in text.split("; "))
    if not points:
        return "Ours is played like the paper (docs/paper.md)."
    return f"Ours is played like the paper but for: {'; '.join(points)} (docs/paper.md)."


def published_table1() -> PublishedTable1:
    """Return the paper's Table 1."""
    return load_config("published", "table1", PublishedTable1)


def published_table2() -> PublishedTable2:
    """Return the paper's Table 2."""
    return load_config("published", "table2", PublishedTable2)


def published_figure3() -> PublishedFigure3:
    """Return what the paper publishes of Figure 3."""
    return load_config("published", "figure3", PublishedFigure3)


def published_figure4() -> PublishedFigure4:
    """Return what the paper publishes of Figure 4."""
    return load_config("published", "figure4", PublishedFigure4)
