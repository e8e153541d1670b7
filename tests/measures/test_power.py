"""How many seeds a difference needs: more for smaller ones, and as often seen as the simulation of the power says."""

import numpy as np
import pytest

from atp_ray.measures.courses import Course
from atp_ray.measures.power import Assumptions, PowerRow, assumptions_from, least_seeds, power_rows
from atp_ray.measures.results import Setting

GRID = Assumptions(units=7, settings=4, decisions=8, rate=0.6, icc=0.2)


def needed(assumed: Assumptions, difference: float) -> tuple[int, ...]:
    rows = list(power_rows(assumed, difference, 0.05, 0.8))
    assert all(0 <= value <= 1 for row in rows for value in row[1:])
    return tuple(least_seeds(rows, column, 0.8) for column in ("planned", "after_holm", "pooled"))


@pytest.mark.slow
def test_a_smaller_difference_and_likelier_decisions_need_more_seeds() -> None:
    planned, after_holm, pooled = needed(GRID, 0.3)
    assert pooled <= planned <= after_holm
    assert needed(GRID, 0.2) > (planned, after_holm, pooled)
    assert needed(GRID._replace(icc=0.6), 0.3) > (planned, after_holm, pooled)
    assert needed(GRID._replace(icc=0.0), 0.3) < (planned, after_holm, pooled)


def test_the_power_over_all_settings_is_that_of_a_simulated_t_test() -> None:
    assumed = Assumptions(units=20, settings=1, decisions=1, rate=0.6, icc=0.0)
    row = next(power_rows(assumed, 0.35, 0.05, 0.8))
    assert row.planned == pytest.approx(row.pooled, abs=0.08)  # one setting: both are the same test


def test_without_any_difference_it_is_the_level() -> None:
    row = next(power_rows(GRID, 1e-9, 0.05, 0.8))
    assert row.planned == pytest.approx(0.05, abs=0.04)
    assert row.after_holm <= 0.05
    assert row.pooled == pytest.approx(0.05, abs=0.01)


def test_the_least_seeds_are_those_from_which_it_stays_enough() -> None:
    rows = [PowerRow(1, 0.9, 0, 0), PowerRow(2, 0.7, 0, 0), PowerRow(3, 0.8, 0, 0.9), PowerRow(4, 0.9, 0, 0.9)]
    assert (least_seeds(rows, "planned", 0.8), least_seeds(rows, "after_holm", 0.8)) == (3, None)


def pilot(icc: float, seeds: int, spread: float = 0.0) -> Course:
    """400 units whose episodes of 8 decisions are alike by `icc`."""
    rng = np.random.default_rng(0)
    unit_E = np.repeat(np.arange(400), seeds)
    chance_E = np.clip(0.5 + spread * rng.choice([-1, 1], 400), 0, 1)[unit_E]
    own_E = np.where(rng.random(len(unit_E)) < icc, rng.random(len(unit_E)) < chance_E, np.nan)
    alike_E = np.where(np.isnan(own_E), rng.binomial(8, chance_E) / 8, own_E)
    names = np.array([str(unit) for unit in range(400)])
    keys = [(str(unit), str(unit), 0) for unit in unit_E]
    return Course(
        Setting("a", "model", 8, 4, 1.0), "choices", alike_E[:, None], unit_E[:, None], names, keys, np.array([8.0])
    )


def test_a_pilot_run_gives_rate_units_and_correlation() -> None:
    found = assumptions_from([pilot(0.3, 2)], last=True)
    assert (found.units, found.settings, found.decisions) == (400, 1, 8)
    assert found.rate == pytest.approx(0.5, abs=0.05)
    assert found.icc == pytest.approx(0.3, abs=0.06)
    assert assumptions_from([pilot(0.0, 2)], last=True).icc == pytest.approx(0, abs=0.03)


def test_what_units_do_to_everybody_is_told_from_imitation_by_repetitions_only() -> None:
    assert assumptions_from([pilot(0.0, 3, spread=0.3)], last=True).icc < 0.05
    assert assumptions_from([pilot(0.0, 1, spread=0.3)], last=True).icc > 0.3  # on the safe side
