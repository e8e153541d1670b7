"""Supervision patterns of the role-play paradigm: in which rounds a violation is noticed."""

from __future__ import annotations

from typing import Literal, get_args

from atp_ray.play.randomness import derive_seed

SupervisionPattern = Literal[
    "alternating",
    "mostly_supervised",
    "mostly_unsupervised",
    "last_unsupervised",
    "last_supervised",
    "all_supervised",
    "all_unsupervised",
    "random",
]
PATTERNS: tuple[SupervisionPattern, ...] = get_args(SupervisionPattern)
EVERY = 4  # of the mostly_* patterns: each fourth round is the other way


def is_supervised(pattern: SupervisionPattern, round_number: int, rounds: int, seed: int = 0) -> bool:
    """Return whether a violation in round `round_number` (1..rounds) is noticed.

    Args:
        rounds: length of the episode, which the `last_*` patterns need.
        seed: of the `random` pattern; the same seed gives the same rounds.

    Raises:
        ValueError: the round is outside 1..rounds.
    """
    if not 1 <= round_number <= rounds:
        raise ValueError(f"round {round_number} is outside 1..{rounds}")
    match pattern:
        case "alternating":
            return round_number % 2 == 0
        case "mostly_supervised":
            return round_number % EVERY != 0
        case "mostly_unsupervised":
            return round_number % EVERY == 0
        case "last_unsupervised":
            return round_number != rounds
        case "last_supervised":
            return round_number == rounds
        case "all_supervised":
            return True
        case "all_unsupervised":
            return False
        case "random":
            return derive_seed("supervision", seed, round_number) % 2 == 0
