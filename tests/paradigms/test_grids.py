"""Grids expand to cells; settings change them; nonsense is refused."""

import pytest
from support import UPSTREAM, needs_upstream

from atp_ray.checkpoint.names import resolve_checkpoints
from atp_ray.checkpoint.scope import check_scope
from atp_ray.errors import ScopeError, UsageError
from atp_ray.paradigms.grids import expand, load_grid
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.workload import estimate_workload


def cells_of(name="smoke", settings=(), **overrides):
    grid = load_grid(name, settings, **{"checkpoints": ["policy:quantal"], **overrides})
    return expand(grid, resolve_checkpoints(grid.checkpoints, None))


def test_appendix_b_is_the_papers_twenty_settings() -> None:
    cells = cells_of("appendix_b")
    settings = {(c.setting["threshold"], c.setting["incentive_ratio"]) for c in cells}
    assert settings == {(t, g) for t in (2, 4, 6, 8) for g in (0.25, 0.5, 1, 2, 4)}
    workload = estimate_workload(cells, {"policy:quantal": 1000})
    assert (workload.cells, workload.episodes, workload.total.decisions) == (20, 140, 3360)
    assert workload.total.prompt_tokens == 1000
    assert len({cell.cell_id for cell in cells}) == 20
    assert len({episode.episode_id for cell in cells for episode in cell.episodes}) == 140


def test_the_same_grid_gives_the_same_cells_and_a_change_gives_others() -> None:
    ids = [cell.cell_id for cell in cells_of()]
    assert ids == [cell.cell_id for cell in cells_of()]
    assert ids != [cell.cell_id for cell in cells_of(settings=["sampling.temperature=0.7"])]


@pytest.mark.parametrize(("name", "units"), [("figure3", 7), ("table1", 64), ("table2", 24)])
def test_a_unit_is_what_is_independent_and_seeds_add_to_it(name, units) -> None:
    cell = cells_of(name, ["seeds=2"], checkpoints=["tiny"])[0]
    design = paradigm(cell.paradigm).design
    for number in (1, cell.episodes[0].rounds):
        for seed in (0, 1):
            found = {design.unit(spec, number) for spec in cell.episodes if spec.seed == seed}
            assert len(found) == units
    if name == "table2":
        # Each round has problems of its own, and another seed deals the pool's 300 anew: some come twice.
        assert design.unit(cell.episodes[0], 1) != design.unit(cell.episodes[0], 2)
        assert cell.episodes[0].parameters.problems[1].complex[0].problem_id == design.unit(cell.episodes[0], 2)
    else:
        assert len({design.unit(spec, 1) for spec in cell.episodes}) == units


def test_settings_reach_every_key() -> None:
    settings = ["rewards=1.5,1,0.5", "rule.mode=additive", "thresholds=0.5", "fixed_colluders=2", "seeds=3"]
    (cell,) = cells_of(settings=[*settings, "sampling.temperature=0.7", "fixed_position=tail"])
    spec = cell.episodes[0]
    assert (cell.setting["threshold"], cell.setting["high"], len(cell.episodes)) == (4, 1.5, 3)
    assert spec.parameters.rule.mode == "additive"
    assert [group.checkpoint for group in spec.seat_groups][-2:] == ["policy:collude"] * 2
    assert spec.seats[0].sampling.temperature == 0.7


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("apendix_b", [], "unknown grid 'apendix_b'. Did you mean 'appendix_b'"),
        ("smoke", ["treshold=4"], "unknown key 'treshold'. Did you mean 'thresholds'"),
        ("smoke", ["thresholds"], "is not key=value"),
        ("smoke", ["thresholds=9"], "threshold 9 exceeds n_agents 8"),
        ("smoke", ["thresholds=0"], "thresholds"),
        ("smoke", ["n_agents=1"], "n_agents"),
        ("smoke", ["rewards=1,1.2,0.8"], "high > medium > low"),
        ("smoke", ["rewards=1,2"], "rewards"),
        ("smoke", ["incentive_ratios=3"], "no published reward triple"),
        ("smoke", ["visibility=everything"], "visibility"),
        ("smoke", ["sampling.heat=1"], "unknown key 'sampling.heat'"),
        ("smoke", ["sampling.temperature=9"], "temperature"),
        ("smoke", ["scenarios=infosharing"], "unknown scenario 'infosharing'. Did you mean 'info_sharing'"),
        ("smoke", ["fixed_colluders=8"], "fixed_colluders must be 0..7"),
        ("smoke", ["rounds=0"], "rounds"),
    ],
)
def test_nonsense_is_one_clear_line(name, settings, message) -> None:
    with pytest.raises(UsageError) as caught:
        cells_of(name, settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["n_agents=64"], "visibility 'choices' with n = 64"),
        (["visibility=counts", "n_agents=5000"], "n = 5000 (at most 4096)"),
        (["history_window=4"], "history window of 4"),
        (["rewards=3,1,0.5"], "rewards 3, 1, 0.5"),
        (["rule.mode=additive", "rule.base=7"], "base 7"),
    ],
)
def test_tiny_refuses_what_it_was_not_trained_on(settings, message) -> None:
    grid = load_grid("smoke", settings)
    profiles = resolve_checkpoints(grid.checkpoints, None)
    with pytest.raises(ScopeError) as caught:
        check_scope(expand(grid, profiles), profiles.values())
    assert message in str(caught.value)


@needs_upstream
def test_imported_questions_fix_their_numbers_and_are_outside_tinys_scope() -> None:
    selection = f"upstream:{UPSTREAM / 'question_70.json'}"
    (cell,) = cells_of(scenarios=selection)
    assert (len(cell.episodes), cell.setting) == (70, {})
    grid = load_grid("smoke", scenarios=selection)
    profiles = resolve_checkpoints(grid.checkpoints, None)
    with pytest.raises(ScopeError, match="the wording of scenario 'upstream/PublicFund/0'"):
        check_scope(expand(grid, profiles), profiles.values())
