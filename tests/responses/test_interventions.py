"""What stops a flip: doses found, and ranked."""

import numpy as np
import pytest
from naming_games import response

from atp_ray.errors import UsageError
from atp_ray.responses.interventions import Trial, doses, ranked, stop_flips
from atp_ray.responses.population import Game


def trial(name: str, chances: list[float], full: float = 10.0) -> Trial:
    dose_D = np.linspace(0, full, len(chances))
    return Trial(name, "agents", full, dose_D, np.array([chances, chances]))


def test_the_dose_that_is_needed_is_the_one_from_which_it_stays_stopped() -> None:
    (row,) = ranked([trial("x", [0.9, 0.02, 0.5, 0.04, 0.0])], 0.25)
    assert row.needed == 7.5
    assert row.told == 2.5
    assert row.effect == pytest.approx(0.88)
    assert row.effect_per_dose == pytest.approx((0.9 - 0.04) / 0.75)


def test_what_needs_least_is_first_and_what_is_never_enough_says_so() -> None:
    rows = ranked([trial("weak", [1.0, 0.9, 0.8]), trial("strong", [1.0, 0.0, 0.0]), trial("slow", [1, 1, 0])], 0.5)
    assert [row.intervention for row in rows] == ["strong", "slow", "weak"]
    assert rows[2].needed is None
    assert rows[2].effect_per_dose == pytest.approx(0.2)


def test_doses_of_agents_are_whole() -> None:
    assert doses(7, whole=True).tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert len(doses(1.0, whole=False)) == 21


def test_old_names_held_stop_what_committed_agents_begin() -> None:
    found = stop_flips(response(), Game(8, 0, 1, 150), 3, 30, 1, 0, lambda done, total: None)
    rows = {row.intervention: row for row in ranked(found.trials, 0.5)}
    held = rows["agents that always choose the old name"]
    assert held.p_without > 0.9
    assert held.needed is not None
    assert 1 <= held.needed <= 5
    assert rows["meetings with committed agents called off"].needed is not None
    assert "Not expressible" in found.cannot


def test_without_a_number_it_is_the_fewest_that_flip_nearly_always() -> None:
    found = stop_flips(response(), Game(8, 0, 1, 150), None, 40, 1, 0, lambda done, total: None)
    assert 2 <= found.committed <= 4
    with pytest.raises(UsageError, match="no number of committed agents flips 95% of the populations"):
        stop_flips(response(), Game(8, 0, 1, 1), None, 20, 1, 0, lambda done, total: None)
