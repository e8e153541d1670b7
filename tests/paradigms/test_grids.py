"""Grids expand to cells; settings change them; nonsense is refused."""

import hashlib

import pytest
from support import UPSTREAM, needs_upstream, play

from atp_ray.checkpoint.names import resolve_checkpoints
from atp_ray.checkpoint.scope import check_scope
from atp_ray.errors import ScopeError, UsageError
from atp_ray.paradigms.grids import differs_from_paper, expand, load_grid
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


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("appendix_b", "cdc438f1dcf874cf"),
        ("figure3", "5deaabfe6398ab10"),
        ("smoke", "dcd91f9b3c4e6c6b"),
        ("table1", "e29b037a9abcb5f3"),
    ],
)
def test_episodes_of_grids_that_were_there_before_keep_their_ids(name, digest) -> None:
    ids = "".join(episode.episode_id for cell in cells_of(name) for episode in cell.episodes)
    assert hashlib.sha256(ids.encode()).hexdigest()[:16] == digest


@pytest.mark.parametrize(("key", "value"), [("feedback", "choices"), ("reading", "first"), ("unreadable", "counted")])
def test_a_setting_of_the_papers_is_part_of_an_episodes_identity(key, value) -> None:
    (ours,), (theirs,) = cells_of(), cells_of(settings=[f"{key}={value}"])
    assert getattr(theirs.episodes[0], key) == value
    assert ours.episodes[0].episode_id != theirs.episodes[0].episode_id


@pytest.mark.parametrize(
    ("name", "settings", "points"),
    [
        ("paper_figure3", [], []),
        ("paper_figure3", ["seeds=5", "thresholds=4"], []),
        ("paper_appendix_b", [], []),
        ("paper_table1", [], []),
        ("paper_table2", ["pool=paper:copies"], []),
        ("paper_table1", ["rounds=5", "scenarios=baker"], ["rounds 5, not 6", "scenarios baker, not all"]),
        ("paper_figure3", ["rewards=2,1,0"], ["rewards (2.0, 1.0, 0.0), not the default"]),
        ("table2", [], ["sampling.attempts the default, not 1", "unreadable left out, not counted",
                        "pool embedded, not paper"]),
        ("table1", [], ["sampling.attempts the default, not 1", "incomes ours, not paper", "reading last, not first",
                        "unreadable left out, not counted"]),
        ("figure3", [], ["sampling.attempts the default, not 1", "feedback choices and counts, not choices",
                         "reading last, not first", "unreadable left out, not counted"]),
    ],
)  # fmt: skip
def test_a_grid_knows_in_which_points_it_is_not_played_like_the_paper(name, settings, points) -> None:
    told = differs_from_paper(load_grid(name, settings))
    assert told is not None
    assert told.split("; ") == [*points, "prompts in this project's words"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("paper_figure3", "not trained on feedback 'choices'"),
        ("paper_appendix_b", "not trained on feedback 'choices'"),
        ("paper_table1", "not trained on incomes"),
    ],
)
def test_grids_like_the_paper_are_not_for_tiny(name, message) -> None:
    profiles = resolve_checkpoints(["tiny"], None)
    with pytest.raises(ScopeError, match=message):
        check_scope(expand(load_grid(name), profiles), profiles.values())


def test_the_papers_games_are_played_by_the_analytic_policy() -> None:
    cells = cells_of("paper_figure3")
    assert [len(cell.episodes) for cell in cells] == [7] * 4
    assert {cell.differs_from_paper for cell in cells} == {"prompts in this project's words"}
    assert all(len(play(episode)) == 3 for cell in cells for episode in cell.episodes)


@needs_upstream
def test_the_references_own_prompts_differ_in_nothing() -> None:
    grid = load_grid("paper_figure3", scenarios=f"upstream:{UPSTREAM / 'templates.json'}")
    assert differs_from_paper(grid) == ""
