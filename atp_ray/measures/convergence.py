"""Convergence: the first round from which on nearly all of a population stands by one and the same option, to the end.

All seats are counted, fixed ones too, as a convention is what everybody does. A seat that has not been asked yet has
not joined; a turn that failed or whose reply could not be read is left out, as it is of every rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from atp_ray.play.actions import Action
from atp_ray.play.decisions import Decisions
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.options import option_counts

CONVERGED_SHARE = 0.95


class Leader(NamedTuple):
    """The option most seats stand by in a round (None where nobody has decided), and its share of the population."""

    option: str | None
    share: float


class Convergence(NamedTuple):
    """From which round on a population stood by which option."""

    round: int
    option: str


NOBODY = Leader(None, 0.0)


def leader(spec: EpisodeSpec, decisions: Decisions) -> Leader:
    """Return what most seats stand by; of equals the option that the scenario names first."""
    count_K = option_counts(spec, decisions.options_A)
    if not (decided := int(count_K.sum())):
        return NOBODY
    best = int(count_K.argmax())
    n_idle = int((decisions.action_A == Action.IDLE).sum())
    return Leader(spec.scenario.options[best], int(count_K[best]) / (decided + n_idle))


def convergence(leaders: Sequence[Leader], share: float = CONVERGED_SHARE) -> Convergence | None:
    """Return from which round on the last round's leader had at least `share`, None where it has not even then.

    Args:
        leaders: those of all rounds played, the first of them that of round 1.
        share: above one half.
    """
    last = leaders[-1].option if leaders else None
    first = len(leaders) + 1
    for number in range(len(leaders), 0, -1):
        if leaders[number - 1].option != last or leaders[number - 1].share < share:
            break
        first = number
    return Convergence(first, last) if last is not None and first <= len(leaders) else None
