"""What can be fitted to games and play them: quantal response without and with lapses, and a plain logistic."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.special import expit

from atp_ray.config_files import Frozen
from atp_ray.paradigms.games.quantal import FloatArray, log_stakes
from atp_ray.paradigms.games.scenarios import GameNumbers

Family = Literal["quantal", "quantal with lapses", "logistic"]
FEATURES = (
    "constant", "threshold share", "log gain", "log loss", "seen", "share of others", "share above threshold",
    "success",
)  # fmt: skip
FIRST_ROUND = -1  # colluders among the others, before anything was seen


class LogisticResponse(Frozen):
    """Log-odds linear in `FEATURES`: shares of the population, so that it can be asked about another size."""

    coefficients: tuple[float, ...]

    def collude_probability(
        self,
        parameters: GameNumbers,
        others_deviant_S: FloatArray | None = None,
        others_decided_S: FloatArray | None = None,
        success: bool | None = None,
    ) -> FloatArray:
        """Return each seat's probability of colluding, [S]; [1] in the first round."""
        if others_deviant_S is None or others_decided_S is None:
            others_deviant_S, others_decided_S = np.full(1, float(FIRST_ROUND)), np.zeros(1)
        seen = logistic_features(parameters, others_deviant_S, others_decided_S, np.full(1, bool(success)))
        chance: FloatArray = expit(seen @ np.array(self.coefficients))
        return chance


def logistic_features(
    parameters: GameNumbers, others_deviant_S: FloatArray, others_decided_S: FloatArray, success_S: FloatArray
) -> FloatArray:
    """Return the features [S, F] of each situation."""
    seen_S = (others_deviant_S != FIRST_ROUND).astype(float)
    share_S = np.where(seen_S > 0, others_deviant_S / np.maximum(others_decided_S, 1), 0.0)
    needed = (parameters.threshold - 1) / max(1, parameters.n_agents - 1)
    columns = [np.full(len(seen_S), value) for value in (1.0, needed, *log_stakes(parameters))]
    return np.stack([*columns, seen_S, share_S, seen_S * (share_S - needed), seen_S * success_S], axis=1)
