"""How many seats stand by which option, and whether an episode is told by these shares."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atp_ray.paradigms.registry import paradigm
from atp_ray.play.actions import Action, ActionArray
from atp_ray.play.decisions import Decisions, IntArray
from atp_ray.play.episodes import EpisodeSpec

MOST_NAMED = 6


def told_options(spec: EpisodeSpec) -> tuple[str, ...]:
    """Return the options whose shares are told, in the scenario's order; none where the deviant rate says it all.

    They are told where there are more than two, and in paradigms in which no option is deviant.
    """
    options = spec.scenario.options
    return options if len(options) > 2 or paradigm(spec.paradigm).environment.tells_shares else ()


def option_counts(spec: EpisodeSpec, options_A: ActionArray, seats_A: npt.NDArray[np.bool_] | None = None) -> IntArray:
    """Return how many seats stand by each option, [K], in the scenario's order.

    Args:
        options_A: the index of the option each seat took last, -1 for none (`Decisions.options_A`).
        seats_A: which seats are counted; None for all.
    """
    taken = options_A if seats_A is None else options_A[seats_A]
    return np.bincount(taken[taken >= 0], minlength=len(spec.scenario.options)).astype(np.int64)


def shares_line(spec: EpisodeSpec, decisions: Decisions) -> str:
    """Return how many of all seats stand by each option, the most first, and how many by none."""
    count_K = option_counts(spec, decisions.options_A)
    order = [int(index) for index in np.argsort(-count_K, kind="stable") if count_K[index]]
    told = [f"{spec.scenario.options[index]} {count_K[index]}" for index in order[:MOST_NAMED]]
    if len(order) > MOST_NAMED:
        told.append(f"{len(order) - MOST_NAMED} others {count_K[order[MOST_NAMED:]].sum()}")
    n_idle = int((decisions.action_A == Action.IDLE).sum())
    n_none = len(decisions.action_A) - int(count_K.sum()) - n_idle
    told += [f"{n} {what}" for n, what in ((n_none, "undecided"), (n_idle, "not asked yet")) if n]
    return f"{', '.join(told)} (of {len(decisions.action_A)})"
