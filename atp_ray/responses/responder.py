"""What answers in populations: the probability of each name by the code of a window, by table or as windows occur."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from atp_ray.errors import UsageError
from atp_ray.responses.features import Array
from atp_ray.responses.interactions import Names
from atp_ray.responses.window_codes import MOST_TABULATED, Codes, WindowCodes

Chances = Callable[[Names, Names], Array]  # own_UH, other_UH -> probability_UK


class Responder:
    """Answers windows by code; where there are too many for a table, it reckons those that occur, each once."""

    def __init__(self, chances: Chances, codes: WindowCodes) -> None:
        self.codes = codes
        self._chances = chances
        self._table_UK = chances(*codes.windows()) if codes.tabulated else None
        self._known_U: Codes = np.zeros(0, dtype=codes.dtype)  # sorted
        self._below_UK: Array = np.zeros((0, codes.n_names - 1))
        if self._table_UK is not None:
            self._below_UK = _below(self._table_UK)

    @property
    def table_UK(self) -> Array:
        """The probability [U, K] of each name in every window.

        Raises:
            UsageError: there are too many windows.
        """
        if self._table_UK is None:
            what = f"has {self.codes.n_windows:.1e} different windows, a table {MOST_TABULATED:,} at most"
            raise UsageError(what, "the response", "Predict it by simulation")
        return self._table_UK

    def below(self, codes_S: Codes) -> Array:
        """Return the probability [S, K - 1] of a name up to each but the last, to compare a random number with."""
        if self._table_UK is not None:
            return self._below_UK[codes_S]
        place_S = self._places(codes_S)
        found_S = self._known_U[np.minimum(place_S, len(self._known_U) - 1)] == codes_S if len(self._known_U) else None
        if found_S is None or not found_S.all():
            new_U = np.unique(codes_S if found_S is None else codes_S[~found_S])
            where = np.searchsorted(self._known_U, new_U)
            self._below_UK = np.insert(self._below_UK, where, _below(self._chances(*self.codes.windows_of(new_U))), 0)
            self._known_U = np.insert(self._known_U, where, new_U)
            place_S = self._places(codes_S)
        return self._below_UK[place_S]

    def _places(self, codes_S: Codes) -> Codes:
        return np.asarray(np.searchsorted(self._known_U, codes_S))


def _below(chances_UK: Array) -> Array:
    return np.cumsum(chances_UK, axis=1)[:, :-1]
