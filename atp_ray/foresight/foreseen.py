"""What `predict` foresees of a response, whatever it was fitted to: forecasts with the words that name them."""

from __future__ import annotations

from typing import NamedTuple

from atp_ray.responses.observed_flips import ObservedFlips
from atp_ray.responses.prediction import Forecast


class Words(NamedTuple):
    """How a prediction is called: whose it is, what the committed side does, what flips, and the unit of time."""

    title: str
    committed: str
    answer: str
    flip: str
    time: str
    caption: str


class Foreseen(NamedTuple):
    """Forecasts by number of agents, what was observed for each of them, and what has to be said with them."""

    forecasts: list[Forecast]
    observed: list[list[ObservedFlips]]
    words: Words
    label: str
    notes: list[str]
    source: str = ""  # of what was observed
