"""Conventions foresee: responses to names are fitted to a run or to a published table, and play either way."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from pydantic import ValidationError

from atp_ray.errors import UsageError
from atp_ray.paradigms.conventions.fitted_names import FittedNames, of_interactions, outside_of, seat_chances
from atp_ray.paradigms.responding import FitSource, FittedRun, Responding
from atp_ray.play.capital import FloatArray
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory
from atp_ray.responses.response import Response


class ConventionResponding(Responding):
    """Fits and plays responses to naming games."""

    def fit(self, source: FitSource, n_bootstrap: int, seed: int, on_step: Callable[[int, int], None]) -> FittedNames:
        """Fit a response to a run; see `atp_ray.paradigms.conventions.response_fitting`."""
        # Imported here: agents play responses and fit none.
        from atp_ray.paradigms.conventions.response_fitting import fit_naming

        return fit_naming(source, n_bootstrap, seed, on_step)

    def read(self, text: str, where: str) -> FittedNames:
        """Return a response from its file, whether it was fitted to a run or to a table of interactions.

        Raises:
            UsageError: it is none.
        """
        try:
            data = json.loads(text)
            if "response" in data:
                return FittedNames.model_validate(data)
            return of_interactions(Response.model_validate(data))
        except ValidationError as error:
            first = error.errors()[0]
            what = f"is no response to names: {'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise UsageError(what, where, "Give a file that `foresight fit` wrote") from error

    def outside(self, response: FittedRun, spec: EpisodeSpec) -> str | None:
        """Return what of an episode the response was not fitted to: other names, other memories."""
        return outside_of(_names(response).response, spec)

    def option_chances(self, response: FittedRun, memory: EpisodeMemory, indices: Sequence[int]) -> FloatArray:
        """Return the fitted probability of each name, from the meetings each seat remembers."""
        return seat_chances(_names(response).response, memory, indices)


def _names(response: FittedRun) -> FittedNames:
    if not isinstance(response, FittedNames):
        raise UsageError(f"was fitted to {response.paradigm}", "the response", "It plays conventions only")
    return response


RESPONDING = ConventionResponding()
