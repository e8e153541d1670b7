"""A window as one number, so that what a population remembers is an array of integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from atp_ray.errors import UsageError
from atp_ray.responses.interactions import EMPTY, Names

MOST_WINDOWS = 2**62  # a code is an integer of 64 bits at most
MOST_TABULATED = 2**18  # windows of which a table of chances is made at once
Codes = npt.NDArray[np.signedinteger[Any]]  # int32 where it is enough


class WindowCodes:
    """Numbers the windows of `memory` interactions with `n_names` names; 0 is the empty one.

    The digits of a code are the interactions, the latest one last: 0 for none yet, else 1 + own * n_names + other.

    Raises:
        UsageError: there are more windows than integers (`MOST_WINDOWS`).
    """

    def __init__(self, n_names: int, memory: int) -> None:
        self.n_names, self.memory = n_names, memory
        self.base = n_names**2 + 1
        self.n_windows: int = self.base**memory
        if self.n_windows > MOST_WINDOWS:
            what = f"{self.n_windows:.1e} different windows"
            raise UsageError(what, f"{n_names} names, memory {memory}", f"At most {MOST_WINDOWS:.1e} can be predicted")
        self.dtype: type[np.signedinteger[Any]] = np.int32 if self.n_windows < 2**31 else np.int64

    @property
    def tabulated(self) -> bool:
        """Whether there are few enough windows for a table of all."""
        return self.n_windows <= MOST_TABULATED

    def remembered(self, codes: Codes, own: npt.NDArray[np.int8], other: npt.NDArray[np.int8]) -> Codes:
        """Return the codes after one more interaction each; the oldest is forgotten."""
        digit = 1 + own.astype(np.int32) * self.n_names + other
        return np.asarray((codes % (self.n_windows // self.base)) * self.base + digit, dtype=self.dtype)

    def full_of(self, name: int) -> int:
        """Return the code of a full memory of one name, chosen by both each time."""
        digit = 1 + name * self.n_names + name
        return sum(digit * self.base**lag for lag in range(self.memory))

    def windows(self) -> tuple[Names, Names]:
        """Return own and partners' names [U, H] of every code."""
        return self.windows_of(np.arange(self.n_windows, dtype=self.dtype))

    def windows_of(self, codes_U: Codes) -> tuple[Names, Names]:
        """Return own and partners' names [U, H] of codes, oldest first; codes that cannot occur are empty."""
        powers = [self.base**lag for lag in reversed(range(self.memory))]
        digits_UH = np.stack([codes_U // power % self.base for power in powers], axis=1)
        # A gap after an interaction cannot occur.
        digits_UH[((digits_UH == 0) & (np.cumsum(digits_UH, axis=1) > 0)).any(axis=1)] = 0
        own_UH = np.where(digits_UH == 0, EMPTY, (digits_UH - 1) // self.n_names)
        other_UH = np.where(digits_UH == 0, EMPTY, (digits_UH - 1) % self.n_names)
        return own_UH.astype(np.int8), other_UH.astype(np.int8)
