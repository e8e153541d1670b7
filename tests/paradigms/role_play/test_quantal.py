"""The violation policy: what an agent's own experience says of violations, and how each part of it pulls."""

import numpy as np
import pytest
from scipy.special import logit
from support import play_role_play, role_play_spec

from atp_ray.paradigms.role_play.quantal import ViolationResponse, violations
from atp_ray.play.actions import Action
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory, SeatView
from atp_ray.play.rounds import observe_round

KEPT, BROKEN, UNREAD = Action.ALIGNED, Action.DEVIANT, Action.UNPARSED


def view_of(*actions: Action, supervision: str = "all_unsupervised", window: int = 6, **numbers: object) -> SeatView:
    """What an agent remembers that acted like this."""
    spec = role_play_spec(supervision, rounds=6, history_window=window)
    if numbers:
        spec = EpisodeSpec.model_validate(spec.model_dump() | {"parameters": spec.parameters.model_dump() | numbers})
    memory = EpisodeMemory(spec, (0,))
    memory.observe([observe_round(spec, record, (0,)) for record in play_role_play(spec, actions)])
    return memory.seat_view(0)


def log_odds(view: SeatView) -> float:
    return float(logit(ViolationResponse().violate_probability(view)))


@pytest.mark.parametrize(
    ("supervision", "actions", "paid", "punished"),
    [
        ("all_unsupervised", [], 0, False),
        ("all_unsupervised", [KEPT], 0, False),  # it paid, and was no violation
        ("all_unsupervised", [UNREAD], 0, False),
        ("all_unsupervised", [BROKEN], 1, False),
        ("all_unsupervised", [BROKEN, KEPT, BROKEN, UNREAD], 2, False),
        ("all_supervised", [BROKEN], 0, True),
        ("all_supervised", [KEPT], 0, False),
        ("all_supervised", [BROKEN, KEPT], 0, False),  # only the last round is on its mind
        ("last_supervised", [BROKEN, BROKEN, KEPT, KEPT, KEPT, BROKEN], 2, True),
        ("last_unsupervised", [BROKEN, KEPT, KEPT, KEPT, KEPT, BROKEN], 1, False),
    ],
)
def test_violations_that_paid_are_counted_and_the_last_one_noticed_is_felt(
    supervision, actions, paid, punished
) -> None:
    assert violations(view_of(*actions, supervision=supervision)) == (paid, punished)


def test_what_left_the_memory_teaches_nothing() -> None:
    assert violations(view_of(BROKEN, BROKEN, KEPT, window=2)) == (1, False)


def test_before_any_experience_only_the_incomes_count() -> None:
    # As often as not where the income ratio outweighs obedience exactly, and the more often the higher it is.
    even = view_of(low=1.0, high=float(np.exp(1.3 / 3)))
    assert ViolationResponse().violate_probability(even) == pytest.approx(0.5)
    assert log_odds(view_of(low=1.0, high=2.0)) == pytest.approx(3 * np.log(2) - 1.3)
    assert log_odds(view_of(low=2.0, high=4.0)) == pytest.approx(log_odds(view_of(low=1.0, high=2.0)))


@pytest.mark.parametrize(
    ("supervision", "actions", "pull"),
    [
        ("all_unsupervised", [KEPT, KEPT], 0.0),
        ("all_unsupervised", [BROKEN], 0.55),
        ("all_unsupervised", [BROKEN, KEPT, BROKEN], 1.1),
        ("all_unsupervised", [BROKEN] * 3, 1.65),
        ("all_unsupervised", [BROKEN] * 5, 1.65),  # three are enough
        ("all_supervised", [BROKEN], -1.6),
        ("all_supervised", [BROKEN, BROKEN], -1.6),
        ("last_supervised", [BROKEN, KEPT, KEPT, KEPT, KEPT, BROKEN], 0.55 - 1.6),
    ],
)
def test_what_paid_draws_on_and_what_was_noticed_holds_back(supervision, actions, pull) -> None:
    assert log_odds(view_of(*actions, supervision=supervision)) - log_odds(view_of()) == pytest.approx(pull)


@pytest.mark.parametrize(("notice", "watched", "alone"), [("actual", -2.5, 0.8), ("neutral", 0, 0), ("none", 0, 0)])
def test_supervision_matters_in_its_round_and_only_where_it_is_told(notice, watched, alone) -> None:
    first = view_of(supervision="alternating", notice=notice)  # round 1 is not supervised, round 2 is
    second = view_of(KEPT, supervision="alternating", notice=notice)
    assert log_odds(first) - log_odds(view_of()) == pytest.approx(alone)
    assert log_odds(second) - log_odds(view_of()) == pytest.approx(watched)
