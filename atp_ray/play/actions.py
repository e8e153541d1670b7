"""What a seat can have done in a round, and the compact codes of it."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

ActionArray = npt.NDArray[np.int8]
_CODES = b"adumi"


class Action(IntEnum):
    """What one seat did in one round.

    `DEVIANT` and `ALIGNED` are decisions (in the games: collude, do not collude). `UNPARSED` is a reply without
    a readable decision and `MISSING` a turn that never returned; neither is ever counted as a decision. `IDLE` is a
    seat that has not been asked yet.
    """

    ALIGNED = 0
    DEVIANT = 1
    UNPARSED = 2
    MISSING = 3
    IDLE = 4

    @property
    def label(self) -> str:
        """The lower-case name used in result tables."""
        return self.name.lower()

    @property
    def is_decision(self) -> bool:
        """Whether this is a choice the agent made."""
        return self in (Action.ALIGNED, Action.DEVIANT)


def encode_actions(actions_A: ActionArray) -> str:
    """Return one character per seat (`a`, `d`, `u`, `m`, `i`), the event log's form."""
    return np.frombuffer(_CODES, dtype=np.uint8)[actions_A].tobytes().decode("ascii")


def decode_actions(text: str) -> ActionArray:
    """Return the int8 array [A] that `encode_actions` wrote.

    Raises:
        ValueError: a character other than `a`, `d`, `u`, `m`, `i`.
    """
    codes = np.full(256, -1, dtype=np.int8)
    codes[np.frombuffer(_CODES, dtype=np.uint8)] = np.arange(len(_CODES), dtype=np.int8)
    actions_A = codes[np.frombuffer(text.encode("latin-1"), dtype=np.uint8)]
    if (actions_A < 0).any():
        raise ValueError(f"not an action string: {text[:20]!r}")
    return actions_A
