"""What can be asked for, and the episodes and cells of it."""

from __future__ import annotations

import pytest
from naming_play import naming_spec

from atp_ray.checkpoint.names import resolve_checkpoints
from atp_ray.config_files import config_names
from atp_ray.errors import UsageError
from atp_ray.live.bodies import parse_simulation
from atp_ray.live.interventions import FixSeats, Logged, read_intervention
from atp_ray.live.state import LiveState
from atp_ray.paradigms.conventions.scenario_files import load_naming_games
from atp_ray.paradigms.conventions.scenarios import naming_of
from atp_ray.paradigms.grids import expand, load_grid
from atp_ray.play.episodes import EpisodeSpec, SeatGroup


def test_options_are_challenger_established_and_the_rest() -> None:
    spec = naming_spec(n_names=5, established="C", challenger="E")
    assert spec.scenario.options == ("E", "C", "A", "B", "D")
    assert naming_of(spec).numbers.names == tuple("ABCDE")
    assert naming_spec(n_names=3).scenario.options == ("A", "B", "C")
    assert naming_spec(n_names=3, established="A").scenario.options == ("B", "A", "C")


def test_names_are_the_scenarios_first_or_a_list_of_ones_own() -> None:
    assert naming_spec(n_names=2, scenario="landmarks").scenario.options == ("Bolvar", "Cenwick")
    assert naming_spec(names="Zig, zag").scenario.options == ("Zig", "zag")
    assert naming_spec(names=["Zig", "zag"]).scenario.options == ("Zig", "zag")


def test_committed_agents_sit_first_and_say_the_challenger() -> None:
    seats = naming_spec(n_agents=6, committed=2).seats
    assert [(group.checkpoint, group.count) for group in seats] == [("policy:collude", 2), ("policy:quantal", 4)]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"established": "X"}, "established 'X' is not one of the names M, Q"),
        ({"established": "M", "challenger": "M"}, "established and challenger are both 'M'"),
        ({"names": "M,m"}, "the names must differ, also without case: M, m"),
        ({"names": "M"}, "at least 2"),
        ({"names": "M,{Q}"}, "String should match pattern"),
        ({"n_names": 26, "scenario": "landmarks"}, "26 names, but landmarks has 25"),
        ({"n_names": 3, "names": "M,Q"}, "n_names does not go with a list of names"),
        ({"committed": 4}, "4 committed agents leave nobody of 4"),
        ({"success": -60}, "success must pay more than failure, not -60 and -50"),
        ({"committed": 1, "players": [{"checkpoint": "tiny", "seats": 4}]}, "committed does not go with players"),
    ],
)
def test_what_does_not_go_together_is_one_clear_line(asked, message) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        naming_spec(**asked)
    assert "\n" not in str(caught.value)


def test_axes_make_cells_with_readable_ids() -> None:
    grid = load_grid(
        "conventions",
        ["committed=0,3", "n_names=2,4", "pairing=asynchronous", "seeds=2", "rounds=5"],
        checkpoints=["policy:quantal"],
    )
    cells = expand(grid, resolve_checkpoints(["policy:quantal"], None))
    assert [cell.cell_id.rpartition("-")[0] for cell in cells] == [
        f"policy-quantal-n24-c{committed}-k{n_names}-asynchronous" for committed in (0, 3) for n_names in (2, 4)
    ]
    assert [(cell.setting["committed"], cell.setting["names"]) for cell in cells] == [
        (0, "A,B"), (0, "A,B,C,D"), (3, "A,B"), (3, "A,B,C,D"),
    ]  # fmt: skip
    assert [cell.n_decisions for cell in cells] == [2 * 2 * 5] * 4
    assert len({spec.episode_id for cell in cells for spec in cell.episodes}) == 8


def test_a_list_of_names_in_a_grid() -> None:
    grid = load_grid("conventions", ["names=M,Q", "n_names=2"], checkpoints=["policy:quantal"])
    with pytest.raises(UsageError, match="n_names does not go with a list of names"):
        expand(grid, resolve_checkpoints(["policy:quantal"], None))
    minority = load_grid("conventions_minority", ["names=Q,Z", "established=Z"], checkpoints=["policy:quantal"])
    (spec, *_) = expand(minority, resolve_checkpoints(["policy:quantal"], None))[0].episodes
    assert spec.scenario.options == ("Q", "Z")


def test_every_shipped_naming_game_has_names_of_its_own_and_a_preset_plays_one() -> None:
    games = load_naming_games()
    assert [game.name for game in games] == config_names("scenarios/conventions")
    pools = [set(game.names) for game in games]
    assert sum(map(len, pools)) == len(set.union(*pools))
    assert parse_simulation({"preset": "naming_minority"}).paradigm == "conventions"


def changed(state: LiveState, **intervention: object) -> LiveState:
    return state.after_intervention(Logged(read_intervention(intervention)))


def test_points_change_and_a_minority_is_introduced_at_a_round() -> None:
    spec = naming_spec(n_agents=6, established="M")
    state = LiveState(specs=((1, spec),))
    dearer = changed(state, kind="change_points", failure=-80)
    assert (naming_of(dearer.spec).numbers.success, naming_of(dearer.spec).numbers.failure) == (100, -80)
    with pytest.raises(UsageError, match="success must pay more than failure"):
        changed(state, kind="change_points", failure=100)
    fix = FixSeats(kind="fix_seats", seats=(0, 1), action="collude")
    fixed: EpisodeSpec = state.after_intervention(Logged(fix, SeatGroup(checkpoint="policy:collude", count=1))).spec
    assert [(group.checkpoint, group.count) for group in fixed.seats] == [("policy:collude", 2), ("policy:quantal", 4)]
    with pytest.raises(UsageError, match="replies"):
        changed(state, kind="edit_memory", seat=0, round=1, reply="Q")
