"""The paper's published figures, to stand beside ours. Only what is printed as a number or said in words."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from atp_ray.config_files import Frozen, load_config


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


def published_figure3() -> PublishedFigure3:
    """Return what the paper publishes of Figure 3."""
    return load_config("published", "figure3", PublishedFigure3)


def published_figure4() -> PublishedFigure4:
    """Return what the paper publishes of Figure 4."""
    return load_config("published", "figure4", PublishedFigure4)
