"""A window as one number, so that what a population remembers is an array of integers and a response is a table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atp_ray.errors import UsageError
from atp_ray.responses.interactions import EMPTY, Names

MOST_WINDOWS = 2**24
Codes = npt.NDArray[np.int32]


class WindowCodes:
    """Numbers the windows of `memory` interactions with `n_names` names; 0 is the empty one.

    The digits of a code are the interactions, the latest one last: 0 for none yet, else 1 + own * n_names + other.

    Raises:
        UsageError: there are too many windows for a table (more than `MOST_WINDOWS`).
    """

    def __init__(self, n_names: int, memory: int) -> None:
        self.n_names, self.memory = n_names, memory
        self.base = n_names**2 + 1
        self.n_windows = self.base**memory
        if self.n_windows > MOST_WINDOWS:
            what = f"{self.n_windows:,} different windows"
            raise UsageError(what, f"{n_names} names, memory {memory}", f"At most {MOST_WINDOWS:,} can be predicted")

    def remembered(self, codes: Codes, own: npt.NDArray[np.int8], other: npt.NDArray[np.int8]) -> Codes:
        """Return the codes after one more interaction each; the oldest is forgotten."""
        digit = 1 + own.astype(np.int32) * self.n_names + other
        return np.asarray((codes % (self.n_windows // self.base)) * self.base + digit, dtype=np.int32)

    def full_of(self, name: int) -> int:
        """Return the code of a full memory of one name, chosen by both each time."""
        digit = 1 + name * self.n_names + name
        return sum(digit * self.base**lag for lag in range(self.memory))

    def windows(self) -> tuple[Names, Names]:
        """Return own and partners' names [U, H] of every code, oldest first; codes that cannot occur are empty."""
        codes = np.arange(self.n_windows)
        digits_UH = np.stack([codes // self.base**lag % self.base for lag in reversed(range(self.memory))], axis=1)
        # A gap after an interaction cannot occur.
        digits_UH[((digits_UH == 0) & (np.cumsum(digits_UH, axis=1) > 0)).any(axis=1)] = 0
        own_UH = np.where(digits_UH == 0, EMPTY, (digits_UH - 1) // self.n_names)
        other_UH = np.where(digits_UH == 0, EMPTY, (digits_UH - 1) % self.n_names)
        return own_UH.astype(np.int8), other_UH.astype(np.int8)
