"""What seats answer when they are asked something beside their decision: a row a seat, columns over seats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from atp_ray.play.capital import FloatArray
from atp_ray.play.decisions import COUNTS, Decisions, IntArray, TurnFailure

TALK_FAILED = "TalkFailed"


class SeatAnswer(NamedTuple):
    """One seat's answer and what it took; `text` is None where it says nothing, `failure` says why where it failed."""

    text: str | None
    attempts: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latency_s: float = float("nan")
    failure: TurnFailure | None = None


class Answers(NamedTuple):
    """What some or all seats of an episode answered to one question, as columns over these seats.

    Seats that were not asked have no text and took no attempt; `latency_A` in seconds is NaN for them.
    """

    text_A: tuple[str | None, ...]
    attempts_A: IntArray
    prompt_tokens_A: IntArray
    completion_tokens_A: IntArray
    latency_A: FloatArray
    failures: tuple[TurnFailure, ...] = ()


class Probed(NamedTuple):
    """What all seats answered to the probe of that name."""

    probe: str
    answers: Answers


def no_answers(n_seats: int) -> Answers:
    """Return the answers of seats that were asked nothing."""
    return answer_columns([SeatAnswer(None)] * n_seats)


def answer_columns(rows: Sequence[SeatAnswer]) -> Answers:
    """Return one seat's answer after the other as columns."""
    attempts_A, prompts_A, completions_A = (np.array([getattr(row, name) for row in rows], np.int64) for name in COUNTS)
    latency_A = np.array([row.latency_s for row in rows], dtype=float)
    failures = tuple(row.failure for row in rows if row.failure is not None)
    return Answers(tuple(row.text for row in rows), attempts_A, prompts_A, completions_A, latency_A, failures)


def merge_answers(
    n_seats: int, parts: Iterable[tuple[Sequence[int], Answers]], failures: Sequence[TurnFailure] = ()
) -> Answers:
    """Put answers of some seats each together by seat; seats that are in no part answered nothing.

    Args:
        parts: which seats (0..n_seats - 1), and what they answered.
        failures: why seats are missing.
    """
    merged = no_answers(n_seats)
    text_A, noted = list(merged.text_A), list(failures)
    for seats, part in parts:
        index = np.array(seats, dtype=int)
        for name in (*COUNTS, "latency"):
            getattr(merged, f"{name}_A")[index] = getattr(part, f"{name}_A")
        for seat, text in zip(seats, part.text_A, strict=True):
            text_A[seat] = text
        noted += part.failures
    noted.sort(key=lambda failure: failure.seat)
    return merged._replace(text_A=tuple(text_A), failures=tuple(noted))


def with_talk(decisions: Decisions, said: Answers) -> Decisions:
    """Return a round's decisions with what was said before them, and what that took added to what they took.

    A message that failed is a message not said; why is among the failures, and is none of the decision.
    """
    lost = [
        TurnFailure(failure.seat, failure.round, TALK_FAILED, f"{failure.type}: {failure.message}")
        for failure in said.failures
    ]
    spent = {f"{name}_A": getattr(decisions, f"{name}_A") + getattr(said, f"{name}_A") for name in COUNTS}
    both_2A = np.array([decisions.latency_A, said.latency_A])
    latency_A = np.where(np.isnan(both_2A).all(axis=0), np.nan, np.nansum(both_2A, axis=0))
    failures = tuple(sorted([*lost, *decisions.failures], key=lambda failure: failure.seat))
    return decisions._replace(**spent, latency_A=latency_A, failures=failures, said_A=said.text_A)
