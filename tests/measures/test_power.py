"""How many seeds a difference needs: more for smaller ones, and as often seen as the simulation of the power says."""

import numpy as np
import pytest

from atp_ray.measures import power
from atp_ray.measures.courses import Course
from atp_ray.measures.differences import holm, independent_variance, mean_difference, resolution_of, share_variance
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


def some_course(rate_ER, unit_E, decided_R) -> Course:
    unit_ER = np.repeat(np.array(unit_E)[:, None], len(decided_R), axis=1)
    names, keys = np.array(["u0", "u1", "u2"]), [("u", "u", 0)] * len(unit_E)
    setting = Setting("a", "model", 8, 4, 1.0)
    return Course(setting, "choices", np.array(rate_ER, dtype=float), unit_ER, names, keys, np.array(decided_R))


def test_a_pilot_is_what_its_cells_say_of_the_round() -> None:
    nan = np.nan
    nothing = some_course([[nan, 0.5, nan]], [0], [0, 8, 0])
    repeated = some_course(
        [[0.2, 0.5, 0.1], [0.6, 0.5, 0.3], [0.9, 0.5, nan], [0.5, 0.5, 0.8]], [0, 0, 1, 1], [6, 8, 4]
    )
    single = some_course([[0.1, 0.5, 0.2], [0.3, 0.5, 0.4], [0.8, 0.5, 0.3]], [0, 1, 2], [5, 8, 3])
    found = assumptions_from([nothing, repeated, single], last=False)
    # Variances 0.16 / 2 + 0.16 / 2 over two degrees of freedom, and 0.13 between units; means 0.55 and 0.4.
    ratio = 6 * (0.16 / 2 + 0.13) / (0.55 * 0.45 + 0.4 * 0.6)
    assert found == pytest.approx(Assumptions(1, 3, 6, (0.55 + 0.4) / 2, (ratio - 1) / 5))
    last = assumptions_from([repeated, single], last=True)
    ratio = 4 * (0.02 + 0.01) / (0.4 * 0.6 + 0.3 * 0.7)
    assert last[:3] == (2, 2, 4)
    assert last.rate == pytest.approx(0.35)
    assert last.icc == pytest.approx(max(0, (ratio - 1) / 3))


@pytest.mark.parametrize(
    ("rates", "units", "decided", "expected"),
    [
        ([0, 1, 1, 0], [0, 0, 1, 1], 8, (2, 1, 8, 0.5, 1.0)),  # all seats do the same; more than alike is alike
        ([0, 1, 0.5], [0, 1, 2], 2, (3, 1, 2, 0.5, 1.0)),
        ([0.5, 1, 1, 0.5], [0, 0, 1, 1], 2, (2, 1, 2, 0.75, 1 / 3)),
        ([0, 1, 1, 0], [0, 0, 1, 1], 1, (2, 1, 1, 0.5, 0.0)),  # one decision is alike to nothing
        ([1, 1, 1], [0, 0, 1], 8, (2, 1, 8, 1.0, 0.0)),  # nothing varies
        ([0.5], [0], 8, (1, 1, 8, 0.5, 0.0)),
        ([0.25, 0.75], [0, 1], 4, (2, 1, 4, 0.5, (4 * 0.125 / 0.25 - 1) / 3)),
        ([0.5], [0], 0.2, (1, 1, 1, 0.5, 0.0)),
        ([np.nan], [0], 0, (1, 1, 1, 0.5, 0.0)),
    ],
)
def test_a_pilot_of_extremes(rates, units, decided, expected) -> None:
    found = assumptions_from([some_course([[rate] for rate in rates], units, [decided])], last=True)
    assert found == pytest.approx(Assumptions(*expected))


def test_episodes_are_alike_by_the_correlation() -> None:
    chance = np.broadcast_to(np.array([0.0, 0.3, 0.8, 1.0]), (20_000, 4))
    assert power._alike(chance, 0.0, np.random.default_rng(0)) is chance
    for icc in (0.25, 1.0):
        found = power._alike(chance, icc, np.random.default_rng(0))
        assert found.shape == chance.shape
        assert found.mean(axis=0) == pytest.approx(chance[0], abs=0.01)
        assert found.var(axis=0) == pytest.approx(icc * chance[0] * (1 - chance[0]), abs=0.005)


def test_the_power_is_counted_draw_by_draw(monkeypatch) -> None:
    monkeypatch.setattr(power, "DRAWS", 60)
    assumed = Assumptions(units=6, settings=3, decisions=4, rate=0.8, icc=0.2, effect_spread=0.2)
    rng, shape, n = np.random.default_rng([0, 2]), (60, 3, 6), 2 * 6 * 4
    base = power._unit_rates(assumed, np.full(shape, 0.8), 2, rng)
    chance = np.full(shape, 0.8)
    chance[:, 0] -= 0.3 + rng.normal(0, 0.2, (60, 6))
    other = power._unit_rates(assumed, np.clip(chance, 0, 1), 2, rng)
    seen = np.zeros((60, 2))
    for draw, (left, right) in enumerate(zip(base, other, strict=True)):
        spread = independent_variance(left.mean(axis=1), n) + independent_variance(right.mean(axis=1), n)
        p_value = share_variance(mean_difference(right - left, resolution_of(n, n)), spread).p_value()
        seen[draw] = p_value[0] <= 0.05, holm(p_value)[0] <= 0.05
    monkeypatch.setattr(power, "SEEDS", (1, 2, 3))
    rows = list(power_rows(assumed, 0.3, 0.05, 2.0))
    assert rows[1][:3] == pytest.approx((2, *seen.mean(axis=0)))
    assert rows == list(power_rows(assumed, 0.3, 0.05, 2.0))
    assert [row.seeds for row in rows] == [1, 2, 3]
    assert 0 < seen.mean() < 1
    (only,) = power_rows(assumed._replace(units=20), 0.8, 0.05, 1.0)  # it is certain at once
    assert only == (1, 1.0, 1.0, 1.0)


def test_effects_that_differ_between_units_are_no_effect() -> None:
    row = next(
        power_rows(Assumptions(units=30, settings=1, decisions=8, rate=0.5, icc=0, effect_spread=0.25), 0, 0.05, 1)
    )
    assert row.planned == pytest.approx(0.05, abs=0.03)
