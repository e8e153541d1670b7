"""What seats decide: a row a seat while it is made, columns over the seats from the player to log and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atp_ray.play.actions import Action, ActionArray
from atp_ray.play.capital import FloatArray
from atp_ray.play.problems import Solution

IntArray = npt.NDArray[np.int64]
# Columns of whole numbers: the field is NAME_A, in the log and in the tables they are NAME.
COUNTS = ("attempts", "prompt_tokens", "completion_tokens")


class TurnFailure(NamedTuple):
    """Why a seat has no decision: a frozen record, logged and counted, never shown to an agent as a reply."""

    seat: int
    round: int
    type: str
    message: str


class SeatDecision(NamedTuple):
    """One seat's decision and what it took; tokens and seconds are summed over all attempts.

    `solutions` holds the problems of a round in which problems are solved, the evaluated one last.
    """

    action: Action
    reply: str | None
    attempts: int = 1
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latency_s: float = float("nan")
    failure: TurnFailure | None = None
    solutions: tuple[Solution, ...] = ()


class Decisions(NamedTuple):
    """What some or all seats of an episode did in one round, as columns over these seats.

    `reply_A` is None where there is none; `latency_A` in seconds is NaN for players without a model; `solutions_A` is
    empty where no problems are solved. A failure names its seat.
    """

    action_A: ActionArray
    reply_A: tuple[str | None, ...]
    attempts_A: IntArray
    prompt_tokens_A: IntArray
    completion_tokens_A: IntArray
    latency_A: FloatArray
    failures: tuple[TurnFailure, ...] = ()
    solutions_A: tuple[tuple[Solution, ...], ...] = ()


def plain_decisions(action_A: ActionArray, reply_A: Sequence[str | None], attempts: int = 0) -> Decisions:
    """Return decisions that took no model."""
    n = len(action_A)
    zeros = np.zeros(n, dtype=np.int64)
    return Decisions(action_A, tuple(reply_A), zeros + attempts, zeros, zeros, np.full(n, np.nan))


def as_columns(rows: Sequence[SeatDecision]) -> Decisions:
    """Return one seat's decision after the other as columns."""
    attempts_A, prompts_A, completions_A = (np.array([getattr(row, name) for row in rows], np.int64) for name in COUNTS)
    return Decisions(
        np.array([row.action for row in rows], dtype=np.int8),
        tuple(row.reply for row in rows),
        attempts_A,
        prompts_A,
        completions_A,
        np.array([row.latency_s for row in rows], dtype=float),
        tuple(row.failure for row in rows if row.failure is not None),
        tuple(row.solutions for row in rows) if any(row.solutions for row in rows) else (),
    )


def merge_decisions(
    n_seats: int,
    parts: Iterable[tuple[Sequence[int], Decisions]],
    failures: Sequence[TurnFailure] = (),
) -> Decisions:
    """Put decisions of some seats each together by seat; seats that are in no part are `missing`.

    Args:
        parts: which seats (0..n_seats - 1), and what they decided.
        failures: why seats are missing.
    """
    action_A = np.full(n_seats, Action.MISSING, dtype=np.int8)
    reply_A: list[str | None] = [None] * n_seats
    counts = np.zeros((len(COUNTS), n_seats), dtype=np.int64)
    latency_A = np.full(n_seats, np.nan)
    noted = list(failures)
    solutions_A: list[tuple[Solution, ...]] = [()] * n_seats
    for seats, part in parts:
        index = np.array(seats)
        action_A[index] = part.action_A
        counts[:, index] = [getattr(part, f"{name}_A") for name in COUNTS]
        latency_A[index] = part.latency_A
        for seat, text in zip(seats, part.reply_A, strict=True):
            reply_A[seat] = text
        noted += part.failures
        if part.solutions_A:
            for seat, solved in zip(seats, part.solutions_A, strict=True):
                solutions_A[seat] = solved
    noted.sort(key=lambda failure: failure.seat)
    solved_A = tuple(solutions_A) if any(solutions_A) else ()
    attempts_A, prompts_A, completions_A = counts
    return Decisions(action_A, tuple(reply_A), attempts_A, prompts_A, completions_A, latency_A, tuple(noted), solved_A)
