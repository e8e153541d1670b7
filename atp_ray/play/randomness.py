"""Seeds and random streams that depend on what is decided, never on who asks or in which order.

Keyed streams make a transcript the same for any number of agents per actor and cells at once.
"""

from __future__ import annotations

import hashlib

import numpy as np


def derive_seed(*parts: str | int, bits: int = 31) -> int:
    """Return a seed in [0, 2**bits) that is a pure function of `parts`."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - bits)


def round_generator(episode_id: str, seed: int, round_number: int) -> np.random.Generator:
    """Return the stream from which all seats of one round draw; seat i uses its i-th value."""
    return np.random.Generator(np.random.Philox(key=derive_seed(episode_id, seed, round_number, bits=63)))
