"""A response to names, as its file holds it: the response of a table of interactions, with the run it was fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from atp_ray.paradigms.conventions.meetings import EMPTY, windows
from atp_ray.paradigms.responding import FittedRun
from atp_ray.play.capital import FloatArray
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory
from atp_ray.responses.families import Model
from atp_ray.responses.response import Response


class FittedNames(FittedRun):
    """A response to naming games; `response` is what plays and what `foresight predict` takes."""

    paradigm: Literal["conventions"] = "conventions"
    response: Response

    def described(self) -> list[tuple[str, float, float, float]]:
        """Return how likely the second name is after meetings of the first, the last of which met the second."""
        found = self.response
        draws = [found.coefficients, *found.bootstrap]
        rows = []
        for n_met in range(found.memory + 1):
            own_UH = np.zeros((1, found.memory), dtype=np.int8)
            other_UH = own_UH.copy()
            other_UH[0, found.memory - n_met :] = 1
            chances = [
                float(Model(found.family, len(found.names), np.array(draw)).chances(own_UH, other_UH)[0, 1])
                for draw in draws
            ]
            low, high = np.quantile(chances[1:], [0.025, 0.975]).tolist()
            said = f"P({found.names[1]}), met in the last {n_met} of {found.memory}, all else {found.names[0]}"
            rows.append((said, chances[0], low, high))
        return rows


def of_interactions(response: Response) -> FittedNames:
    """Return what plays a response that was fitted to a table of interactions."""
    best: dict[str, float] = {}
    for candidate in response.candidates:
        best[candidate.family] = min(candidate.held_out_loss, best.get(candidate.family, np.inf))
    return FittedNames(
        label=response.label,
        family=response.family,
        losses=best,
        base_loss=response.base_loss,
        checkpoint=response.fitted_on.model,
        episodes=response.fitted_on.runs,
        decisions=response.fitted_on.decisions,
        version=response.version,
        response=response,
    )


def outside_of(response: Response, spec: EpisodeSpec) -> str | None:
    """Return what of an episode a response cannot play, None where it can."""
    if sorted(spec.scenario.options) != sorted(response.names):
        return f"was fitted to the names {', '.join(response.names)}, not {', '.join(spec.scenario.options)}"
    if spec.history_window != response.memory:
        return f"remembers {response.memory} meetings, agents here {spec.history_window}"
    return None


def seat_chances(response: Response, memory: EpisodeMemory, indices: Sequence[int]) -> FloatArray:
    """Return the fitted probability of each option, [S, K], each distinct window reckoned once."""
    # A response has its names in its own order, an episode the challenger first.
    place_K = np.array([response.names.index(name) for name in memory.spec.scenario.options], dtype=np.int8)
    seen = windows(memory, indices)
    both_SW = np.concatenate([np.where(part == EMPTY, EMPTY, place_K[part]) for part in seen], axis=1)
    distinct_UW, which_S = np.unique(both_SW, axis=0, return_inverse=True)
    length = response.memory
    own_UH, other_UH = distinct_UW[:, :length].astype(np.int8), distinct_UW[:, length:].astype(np.int8)
    chance_SK: FloatArray = response.model.chances(own_UH, other_UH)[which_S.reshape(-1)][:, place_K]
    return chance_SK
