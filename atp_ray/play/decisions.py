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
BoolArray = npt.NDArray[np.bool_]
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

    `solutions` holds the problems of a round in which problems are solved, the evaluated one last. `option` is the
    index of the option taken, where there are more than two.
    """

    action: Action
    reply: str | None
    attempts: int = 1
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latency_s: float = float("nan")
    failure: TurnFailure | None = None
    solutions: tuple[Solution, ...] = ()
    option: int | None = None


class Decisions(NamedTuple):
    """What some or all seats of an episode did in one round, as columns over these seats.

    `reply_A` is None where there is none; `latency_A` in seconds is NaN for players without a model; `solutions_A` is
    empty where no problems are solved. A failure names its seat. `option_A` is the index of the option each seat took,
    -1 for none, and None where there are two, as the action says it then. `asked_A` says who decided in this round,
    None for all; what the others decided last stands, with its reply. `said_A` is what each seat said before the
    decisions, None for nothing, and None as a whole where nobody was asked to.
    """

    action_A: ActionArray
    reply_A: tuple[str | None, ...]
    attempts_A: IntArray
    prompt_tokens_A: IntArray
    completion_tokens_A: IntArray
    latency_A: FloatArray
    failures: tuple[TurnFailure, ...] = ()
    solutions_A: tuple[tuple[Solution, ...], ...] = ()
    option_A: ActionArray | None = None
    asked_A: BoolArray | None = None
    said_A: tuple[str | None, ...] | None = None

    @property
    def options_A(self) -> ActionArray:
        """The index of the option each seat took, [A]; -1 for none."""
        return self.option_A if self.option_A is not None else options_of(self.action_A)

    @property
    def n_asked(self) -> int:
        """How many seats decided in this round."""
        return len(self.action_A) if self.asked_A is None else int(self.asked_A.sum())


_OPTION_OF = np.array([{Action.DEVIANT: 0, Action.ALIGNED: 1}.get(action, -1) for action in Action], dtype=np.int8)


def options_of(action_A: ActionArray) -> ActionArray:
    """Return the options [A] that actions stand for where there are two; -1 for none."""
    return _OPTION_OF[action_A]


def actions_of(option_A: ActionArray) -> ActionArray:
    """Return the actions [A] of seats that took these options, all of them decisions: only the first one is deviant."""
    return np.where(option_A == 0, Action.DEVIANT, Action.ALIGNED).astype(np.int8)


def plain_decisions(
    action_A: ActionArray, reply_A: Sequence[str | None], attempts: int = 0, option_A: ActionArray | None = None
) -> Decisions:
    """Return decisions that took no model."""
    n = len(action_A)
    zeros = np.zeros(n, dtype=np.int64)
    return Decisions(action_A, tuple(reply_A), zeros + attempts, zeros, zeros, np.full(n, np.nan), option_A=option_A)


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
        _options(rows),
    )


def _options(rows: Sequence[SeatDecision]) -> ActionArray | None:
    if all(row.option is None for row in rows):
        return None
    return np.array([-1 if row.option is None else row.option for row in rows], dtype=np.int8)


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
    option_A: ActionArray | None = None
    for seats, part in parts:
        index = np.array(seats)
        action_A[index] = part.action_A
        counts[:, index] = [getattr(part, f"{name}_A") for name in COUNTS]
        latency_A[index] = part.latency_A
        for seat, text in zip(seats, part.reply_A, strict=True):
            reply_A[seat] = text
        noted += part.failures
        if part.option_A is not None:
            option_A = np.full(n_seats, -1, dtype=np.int8) if option_A is None else option_A
            option_A[index] = part.option_A
        if part.solutions_A:
            for seat, solved in zip(seats, part.solutions_A, strict=True):
                solutions_A[seat] = solved
    noted.sort(key=lambda failure: failure.seat)
    solved_A = tuple(solutions_A) if any(solutions_A) else ()
    attempts_A, prompts_A, completions_A = counts
    columns = (attempts_A, prompts_A, completions_A, latency_A)
    return Decisions(action_A, tuple(reply_A), *columns, tuple(noted), solved_A, option_A)


def with_standing(decisions: Decisions, asked_A: BoolArray, before: Decisions | None) -> Decisions:
    """Return the decisions of a round in which only some seats were asked: those of the others stand.

    Args:
        decisions: columns over all seats; only those of the seats asked count.
        before: the round before, None in the first.
    """
    if before is None:
        n = len(asked_A)
        before = plain_decisions(np.full(n, Action.IDLE, dtype=np.int8), [None] * n)
    option_A = decisions.option_A
    if option_A is not None or before.option_A is not None:
        option_A = np.where(asked_A, decisions.options_A, before.options_A).astype(np.int8)
    replies = zip(asked_A.tolist(), decisions.reply_A, before.reply_A, strict=True)
    return decisions._replace(
        action_A=np.where(asked_A, decisions.action_A, before.action_A).astype(np.int8),
        reply_A=tuple(now if asked else then for asked, now, then in replies),
        option_A=option_A,
        asked_A=asked_A,
    )
