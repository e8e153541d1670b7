"""The reported interval holds the true rate as often as it says, where decisions that count as independent do not."""

import pytest

from benchmarks.coverage import coverage, markdown_row, simulated, wilson
from benchmarks.simulated_rounds import SimulatedRound

RUNS = 300


def rounds_of(cell: str, seeds: int = 1, runs: int = RUNS, grid: str = "appendix_b") -> list[SimulatedRound]:
    return [played for played in simulated(grid, runs, seeds) if played.cell == cell]


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["t 4, ratio 0.5", "t 6, ratio 4"])
def test_it_covers_where_agents_imitate_each_other_and_plain_wilson_does_not(cell) -> None:
    first, *later = map(coverage, rounds_of(cell))
    assert first.covered > 0.93
    assert first.width < 1.25 * first.wilson_width  # nobody has seen anybody: little is lost
    for row in later:
        assert row.covered > 0.93
        assert row.wilson_covered < 0.8


@pytest.mark.slow
def test_repetitions_narrow_it_and_it_still_covers() -> None:
    (_, _, once), (_, _, often) = (rounds_of("t 6, ratio 2", seeds) for seeds in (1, 5))
    one, five = coverage(once), coverage(often)
    assert five.covered > 0.93
    assert five.wilson_covered < 0.75
    assert five.width < 0.65 * one.width


@pytest.mark.parametrize("grid", ["table1", "table2"])
def test_one_decision_per_unit_is_binomial(grid) -> None:
    row = coverage(rounds_of(grid, grid=grid)[1])
    assert row.covered > 0.92
    assert row.width == pytest.approx(row.wilson_width, rel=0.06)


def test_the_simulation_is_the_analytic_policy_and_the_same_every_time() -> None:
    (first, *_), (again, *_) = rounds_of("t 4, ratio 1", runs=2000), rounds_of("t 4, ratio 1", runs=2000)
    assert (first.deviant_RE == again.deviant_RE).all()
    assert first.deviant_RE.shape == (2000, 7)
    assert first.rate == pytest.approx(0.684, abs=0.01)  # QuantalResponse, round 1


def test_a_row_is_in_percent() -> None:
    (played,) = (rounds_of("table1", grid="table1", runs=50)[0],)
    cells = markdown_row(coverage(played)).split(" | ")
    assert cells[0] == "| table1"
    assert float(cells[2]) == pytest.approx(100 * played.rate, abs=0.05)
    low, high = wilson(played.deviant_RE.sum(axis=1)[:1], 64)[0]
    assert 0 < low < high < 1
