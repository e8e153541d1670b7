"""What stops a flip: doses found, and ranked."""

import numpy as np
import pytest
from naming_games import TRUTH, response
from some_networks import made

from atp_ray.errors import UsageError
from atp_ray.networks.kinds import Ring
from atp_ray.responses.interventions import CANNOT, Trial, doses, fewest, ranked, stop_flips
from atp_ray.responses.population import Game, Lanes, play_pairs


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


def test_needs_and_effects_have_the_interval_of_the_bootstrap() -> None:
    # Sample b needs dose b: 0 to 120.
    chance_BD = np.where(np.arange(121) < np.arange(121)[:, None], np.linspace(1, 0.5, 121)[:, None], 0.01)
    found = Trial("x", "agents", 240.0, np.linspace(0, 240, 121), chance_BD)
    (row,) = ranked([found], 0.2)
    mean_D, taken_B = chance_BD.mean(axis=0), chance_BD[:, 0] - chance_BD[:, 24]
    place = next(d for d in range(121) if (mean_D[d:] < 0.05).all())
    assert (row[:3], row.told) == (("x", "agents", 240.0), 48)
    assert row[3:6] == (2 * place, 6, 234)  # one sample in forty on either side is left out
    assert row[7:11] == pytest.approx((mean_D[0], taken_B.mean(), *np.quantile(taken_B, [0.025, 0.975])))
    assert row.effect_per_dose == pytest.approx((mean_D[0] - mean_D[place]) / (place / 120))


def test_what_never_flips_needs_nothing_and_what_some_samples_never_stop_has_no_upper_end() -> None:
    (nothing,) = ranked([trial("x", [0.04, 0.04, 0.04])], 0.5)
    assert (nothing[3:6], nothing.effect_per_dose) == ((0, 0, 0), 0)
    dose_D, chance_BD = np.array([0.0, 1.0, 2.0]), np.array([[1, 0, 0], [1, 1, 0.05], [1, 1, 0]])
    (row,) = ranked([Trial("x", "agents", 2.0, dose_D, chance_BD)], 1.0)
    assert row[3:6] == (2, 1, None)
    assert row.effect == pytest.approx(1 - 0.05 / 3)


def test_the_fewest_are_the_first_number_that_flips_nineteen_of_twenty() -> None:
    assert fewest([0.5, 0.95, 1.0], [2, 4, 6], "agents") == 4
    with pytest.raises(UsageError) as refused:
        fewest([0.5, 0.94], [2, 4], "agents")
    assert str(refused.value) == "--committed: no number of agents flips 95% of the populations. Give a number"


@pytest.mark.parametrize("network", [None, made(Ring(k=4), 6)])
def test_every_dose_is_played_with_every_sample(network) -> None:
    game, n_runs, steps = Game(6, 0, 1, 60), 7, []
    fit = response(TRUTH.coefficient_F, TRUTH.coefficient_F / 2, TRUTH.coefficient_F * 2)
    found = stop_flips(fit, game, 2, n_runs, 2, 5, lambda *step: steps.append(step), network)
    assert (found.committed, found.cannot, steps) == (2, CANNOT, [(1, 2), (2, 2)])
    kinds = {
        "agents that always choose the old name": ("agents", "holding", [0, 1, 2, 3, 4]),
        "agents who never meet a committed one": ("agents", "protected", [0, 1, 2, 3, 4]),
        "meetings with committed agents called off": ("share", "avoided", np.linspace(0, 1, 21).tolist()),
        "meetings that agents do not remember": ("share", "unseen", np.linspace(0, 1, 21).tolist()),
    }
    cases = [(field, dose) for _, field, dose_D in kinds.values() for dose in dose_D]
    given = {
        field: np.repeat([dose if field == own else 0 for own, dose in cases], n_runs) for _, field, _ in kinds.values()
    }
    lanes, generator = Lanes.of(np.full(len(cases) * n_runs, 2), **given), np.random.default_rng(5)
    drawn = list(fit.drawn())[:2]
    chance_BC = np.array(
        [play_pairs(one, game, lanes, generator, network).flipped_L.reshape(-1, n_runs).mean(axis=1) for one in drawn]
    )
    without_B = chance_BC[:, [dose == 0 for _, dose in cases]].mean(axis=1)
    for trial, (name, (unit, field, dose_D)) in zip(found.trials, kinds.items(), strict=True):
        assert trial[:3] == (name, unit, dose_D[-1])
        assert trial.dose_D.tolist() == dose_D
        assert trial.chance_BD[:, 0] == pytest.approx(without_B)
        expected = chance_BC[:, [own == field and dose > 0 for own, dose in cases]]
        assert trial.chance_BD[:, 1:].tolist() == expected.tolist()


@pytest.mark.parametrize("network", [None, made(Ring(k=2), 5)])
def test_without_a_number_every_number_is_played(network) -> None:
    game, generator = Game(5, 0, 1, 80), np.random.default_rng(3)
    lanes = Lanes.of(np.repeat(np.arange(5), 20))
    chances = play_pairs(response().responder(), game, lanes, generator, network).flipped_L.reshape(5, 20).mean(axis=1)
    expected = fewest(chances.tolist(), range(5), "agents")
    assert stop_flips(response(), game, None, 20, 1, 3, lambda done, total: None, network).committed == expected
    with pytest.raises(UsageError) as refused:
        stop_flips(response(), game, 5, 20, 1, 3, lambda done, total: None)
    assert str(refused.value) == "--committed: 5 committed agents of 5 leave nobody. Give fewer"
    assert len(stop_flips(response(), game, 4, 2, 1, 3, lambda done, total: None).trials[0].dose_D) == 2


def test_doses_of_agents_are_whole() -> None:
    assert doses(7, whole=True).tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert doses(2.0, whole=False) == pytest.approx(np.arange(21) / 10)


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
