"""A response fitted to games, as its file holds it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import model_validator

from atp_ray.errors import UsageError
from atp_ray.paradigms.games.quantal import GameResponse, QuantalResponse
from atp_ray.paradigms.games.responses import FEATURES, Family, LogisticResponse
from atp_ray.paradigms.responding import FittedRun

LABEL = "A response model fitted to games of {checkpoint}; it is not {checkpoint} itself."
_QUANTAL = (
    "inverse_temperature", "prior_collude", "prior_refrain", "success_pull", "failure_pull", "evidence_cap",
)  # fmt: skip
PARAMETERS: dict[Family, tuple[str, ...]] = {
    "quantal": _QUANTAL,
    "quantal with lapses": (*_QUANTAL, "lapse"),
    "logistic": FEATURES,
}


class FittedGames(FittedRun):
    """A response to games: the chosen family's parameters, and those of each bootstrap sample of the episodes."""

    paradigm: Literal["games"] = "games"
    family: Family
    quantal: QuantalResponse | None = None
    logistic: LogisticResponse | None = None
    bootstrap: tuple[tuple[float, ...], ...]

    @model_validator(mode="after")
    def _every_parameter_is_there(self) -> FittedGames:
        lengths = {len(values) for values in self.bootstrap} - {len(PARAMETERS[self.family])}
        if lengths:
            raise ValueError(f"{self.family} with {lengths.pop()} parameters is of another version. Fit it again")
        return self

    @property
    def response(self) -> GameResponse:
        """What plays."""
        chosen = self.logistic if self.family == "logistic" else self.quantal
        if chosen is None:
            raise UsageError(f"has no parameters of its family {self.family}", "the response", "Fit it again")
        return chosen

    def drawn(self) -> list[GameResponse]:
        """Return what each bootstrap sample plays."""
        known = self.response
        if isinstance(known, QuantalResponse):
            names = PARAMETERS[self.family]
            return [known.model_copy(update=dict(zip(names, values, strict=True))) for values in self.bootstrap]
        return [LogisticResponse(coefficients=values) for values in self.bootstrap]

    def described(self) -> list[tuple[str, float, float, float]]:
        """Return each parameter with its estimate and the ends of its 95 % interval."""
        names = [name.replace("_", " ") for name in PARAMETERS[self.family]]
        low_P, high_P = np.quantile(np.array(self.bootstrap), [0.025, 0.975], axis=0)
        values = values_of(self.response, self.family)
        return [(name, *found) for name, *found in zip(names, values, low_P.tolist(), high_P.tolist(), strict=True)]


def values_of(response: GameResponse, family: Family) -> tuple[float, ...]:
    """Return the parameters of a response of a family, in the order of `PARAMETERS`."""
    if isinstance(response, LogisticResponse):
        return response.coefficients
    return tuple(float(getattr(response, name)) for name in PARAMETERS[family])
