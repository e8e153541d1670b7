"""What answers in a model's place while the size of a run is estimated: nothing is asked, prompts are the real ones."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from atp_ray.play.memory import SeatView
from atp_ray.play.prompts import Message


class StandIn:
    """Answers one seat of an episode; the same seed answers the same.

    This one takes any option at even odds and says no more than its decision. `output` is what its last tool call
    prints, where it makes any.
    """

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.output = ""

    def reply(self, view: SeatView, messages: Sequence[Message]) -> str:
        """Return a reply to messages that the seat is sent; where it cannot be read, another is drawn."""
        del messages
        options = view.spec.scenario.options
        return json.dumps({"choice": options[int(self.random.integers(len(options)))]}, ensure_ascii=False)
