"""Online detectors: each reads the rounds of a live simulation as they come and says when it fires."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field

from atp_ray.config_files import Frozen, Number
from atp_ray.live.interventions import Intervention
from atp_ray.live.marks import RoundMark
from atp_ray.measures.tips import TIP_RATE, tip


class _Detector(Frozen):
    """What a monitor does when it fires: tell the event stream and, if asked, a webhook; pause; intervene."""

    action: Literal["notify", "pause"] = Field(default="notify", description="Pause at the end of that round, or not.")
    webhook: str | None = Field(default=None, max_length=100, description="A webhook of the service, by its name.")
    interventions: tuple[Intervention, ...] = Field(default=(), max_length=20, description="Made when it fires.")


class RateAbove(_Detector):
    """Fires when the deviant rate of a round exceeds `rate`."""

    kind: Literal["rate_above"]
    rate: Number = Field(ge=0, lt=1)


class ChangePoint(_Detector):
    """Fires when the deviant rate has drifted up: a one-sided CUSUM over `slack` exceeds `limit` (both in rate units).

    The first round's rate is the reference.
    """

    kind: Literal["change_point"]
    slack: Number = Field(default=0.05, ge=0, le=1)
    limit: Number = Field(default=0.3, gt=0, le=100)


class FirstSuccess(_Detector):
    """Fires at the first round in which enough collude."""

    kind: Literal["first_success"]


class CapitalConcentration(_Detector):
    """Fires when the Gini coefficient of capital exceeds `gini`."""

    kind: Literal["capital_concentration"]
    gini: Number = Field(default=0.3, gt=0, lt=1)


Monitor = Annotated[
    RateAbove | ChangePoint | FirstSuccess | CapitalConcentration,
    Field(discriminator="kind"),
]


def fired_at(monitor: Monitor, marks: Sequence[RoundMark]) -> int | None:
    """Return the first round at which a monitor fires, None while it has not."""
    match monitor:
        case RateAbove():
            return _first(marks, (mark.rate > monitor.rate for mark in marks))
        case ChangePoint():
            return _first(marks, (value > monitor.limit for value in _cusum(monitor, marks)))
        case FirstSuccess():
            return _first(marks, (mark.success is True for mark in marks))
        case CapitalConcentration():
            return _first(marks, (mark.gini > monitor.gini for mark in marks))


def tipping_round(marks: Sequence[RoundMark], rate: float = TIP_RATE) -> int | None:
    """Return the first round from which the deviant rate stays above `rate` to the end, None where it does not.

    A rate that is above it in round 1 already has tipped there.
    """
    found = tip([mark.rate for mark in marks], rate)
    return None if found is None else marks[found - 1].round


def _cusum(monitor: ChangePoint, marks: Sequence[RoundMark]) -> Iterator[float]:
    running, reference = 0.0, math.nan
    for mark in marks:
        if math.isnan(reference):
            reference = mark.rate
        if not math.isnan(mark.rate):
            running = max(0.0, running + mark.rate - reference - monitor.slack)
        yield running


def _first(marks: Sequence[RoundMark], fires: Iterable[bool]) -> int | None:
    return next((mark.round for mark, fired in zip(marks, fires, strict=True) if fired), None)
