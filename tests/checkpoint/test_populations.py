"""Mixed populations: seats of one game for different checkpoints, and labels that do not promise more than there is."""

import pytest
from command_runs import run_process

from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.checkpoint.populations import parse_population, population_kind
from atp_ray.checkpoint.profiles import ModelProfile
from atp_ray.errors import UsageError
from atp_ray.paradigms.grids import checkpoint_names, expand, load_grid
from atp_ray.storage.tables import read_table


def test_a_population_names_checkpoints_and_their_seats() -> None:
    assert parse_population("qwen3-8b:5, policy:collude:2,./folder:1") == (
        ("qwen3-8b", 5),
        ("policy:collude", 2),
        ("./folder", 1),
    )


@pytest.mark.parametrize("text", ["tiny", "tiny:", ":3", "tiny:0", "tiny:x", "tiny:3,", "tiny:-1", ""])
def test_a_part_without_name_or_count_is_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="is not CHECKPOINT:COUNT"):
        parse_population(text)


def test_the_seats_of_every_cell_are_the_populations() -> None:
    grid = load_grid("figure3", ["population=tiny:5,policy:quantal:2,policy:refrain:1"])
    names = checkpoint_names(grid)
    assert names == ["tiny", "policy:quantal", "policy:refrain"]
    cells = expand(grid, {name: resolve_checkpoint(name) for name in names})
    assert len(cells) == 4
    assert {cell.n_agents for cell in cells} == {8}
    assert {cell.checkpoint for cell in cells} == {"tiny:5,policy:quantal:2,policy:refrain:1"}
    assert {cell.checkpoint_kind for cell in cells} == {"embedded"}
    groups = [group.checkpoint for group in cells[0].episodes[0].seat_groups]
    assert groups == ["tiny"] * 5 + ["policy:quantal"] * 2 + ["policy:refrain"]


def test_a_mixture_is_labelled_by_its_weakest_part() -> None:
    one, two = (ModelProfile(name=name, source="org/name") for name in ("one", "two"))
    tiny, policy, fixed = (resolve_checkpoint(name) for name in ("tiny", "policy:quantal", "policy:collude"))
    assert population_kind([one, two]) == "model"
    assert population_kind([one, fixed]) == "model"
    assert population_kind([one, policy]) == "policy"
    assert population_kind([one, policy, tiny]) == "embedded"
    assert population_kind([fixed]) == "policy"


def test_what_does_not_go_with_a_population_is_one_line() -> None:
    grid = load_grid("smoke", ["population=policy:quantal:8", "fixed_colluders=2"])
    with pytest.raises(UsageError, match="policy:collude:2"):
        expand(grid, {"policy:quantal": resolve_checkpoint("policy:quantal")})
    with pytest.raises(UsageError, match="unknown key 'population'"):
        load_grid("table1", ["population=tiny:8"])


@pytest.mark.dear  # a whole sweep as a process, with a Ray of its own from start to end
def test_a_mixed_game_is_played_and_told_by_checkpoint(tmp_path) -> None:
    players = ["--population", "policy:quantal:5,policy:refrain:3", "--seeds", "4", "--agents-per-actor", "8"]
    done = run_process("sweep", "--grid", "smoke", *players, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert "by checkpoint" in done.stdout
    rows = read_table(tmp_path / "run", "decisions").to_pylist()
    assert len(rows) == 4 * 2 * 8
    assert {row["action"] for row in rows if row["checkpoint"] == "policy:refrain"} == {"aligned"}
    assert sum(row["checkpoint"] == "policy:quantal" for row in rows) == 4 * 2 * 5
    assert read_table(tmp_path / "run", "episodes")["population"].to_pylist()[0] == "policy:quantal:5,policy:refrain:3"
