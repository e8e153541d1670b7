"""Rates over several cells: counted by episode and unit, without fixed seats, also from runs of an older schema."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from support import make_cell, make_spec, record_round

from atp_ray.measures.episode_counts import EpisodeCount, episode_counts, pooled_interval
from atp_ray.measures.intervals import rate_interval
from atp_ray.measures.results import Interval, load_results
from atp_ray.play.episodes import SeatGroup
from atp_ray.report.mixed import mixed_table
from atp_ray.storage.tables import write_cell

SEATS = [
    SeatGroup(checkpoint="a", count=2),
    SeatGroup(checkpoint="b", count=1),
    SeatGroup(checkpoint="policy:collude", count=1),
]
UNREAD = 2


def write_mixed(run_dir, games=("info_sharing", "hunting_game"), seeds=(0,)) -> None:
    specs = [make_spec(n=4, scenario=game, seats=SEATS, rounds=2, seed=seed) for game in games for seed in seeds]
    played = {}
    for spec in specs:
        first = record_round(spec, [], [1, 0, UNREAD, 1])
        played[spec.episode_id] = [first, record_round(spec, [first], [1, 1, 0, 1])]
    write_cell(run_dir, make_cell(*specs, checkpoint="a:2,b:1,policy:collude:1", kind="mixed"), played)


def test_seats_are_counted_by_checkpoint_and_fixed_ones_left_out(tmp_path) -> None:
    write_mixed(tmp_path)
    counts = sorted(episode_counts(tmp_path, {"cell"}))
    games = ("hunting_game", "info_sharing")
    assert counts == sorted(
        EpisodeCount("cell", name, number, game, *found)
        for game in games
        for name, number, found in (("a", 1, (1, 2)), ("b", 1, (0, 0)), ("a", 2, (2, 2)), ("b", 2, (0, 1)))
    )
    assert list(episode_counts(tmp_path, {"another"})) == []
    assert list(episode_counts(tmp_path, [])) == []


def test_what_counts_is_what_the_reply_counts_as_where_that_is_written(tmp_path) -> None:
    write_mixed(tmp_path, games=("info_sharing",))
    path = tmp_path / "decisions" / "cell.parquet"
    table = pq.read_table(path)
    place = table.schema.get_field_index("counts_as")
    rounds = table["round"].to_pylist()
    for second, expected in (("deviant", {1: (1, 2), 2: (3, 3)}), (None, {1: (1, 2), 2: (2, 3)})):
        column = pa.array([second if number == 2 else None for number in rounds], pa.string())
        pq.write_table(table.set_column(place, "counts_as", column), path)
        found = dict.fromkeys((1, 2), (0, 0))
        for count in episode_counts(tmp_path, {"cell"}):
            before = found[count.round]
            found[count.round] = before[0] + count.deviant, before[1] + count.decided
        assert found == expected


@pytest.mark.parametrize("first_round", [True, False])
def test_counts_are_pooled_with_the_interval_of_their_round(first_round) -> None:
    counts = [EpisodeCount("c", "a", 1, unit, k, 8) for unit, k in zip("aabb", (1, 2, 7, 5), strict=True)]
    expected = rate_interval([1, 2, 7, 5], [8] * 4, "aabb", first_round=first_round)
    assert pooled_interval(counts, first_round) == Interval(*expected)
    assert pooled_interval([count._replace(deviant=0, decided=0) for count in counts], first_round) is None


def test_runs_of_before_units_take_the_scenario(tmp_path) -> None:
    write_mixed(tmp_path)
    path = tmp_path / "rounds" / "cell.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["unit"]), path)
    assert {count.unit for count in episode_counts(tmp_path, {"cell"})} == {"hunting_game", "info_sharing"}


def test_each_round_has_the_unit_that_was_written(tmp_path) -> None:
    write_mixed(tmp_path, games=("info_sharing",))
    path = tmp_path / "rounds" / "cell.parquet"
    table = pq.read_table(path)
    column = pa.array([None, "u"], pa.string())
    pq.write_table(table.set_column(table.schema.get_field_index("unit"), "unit", column), path)
    units = {count.round: count.unit for count in episode_counts(tmp_path, {"cell"})}
    assert units == {1: "info_sharing", 2: "u"}


def test_a_mixed_population_is_reported_by_game_and_not_by_seat(tmp_path) -> None:
    write_mixed(tmp_path, seeds=(0, 1))
    table = mixed_table(tmp_path, load_results(tmp_path))
    console = Console(width=120)
    with console.capture() as capture:
        console.print(table)
    (row,) = (line.split() for line in capture.get().splitlines() if line.startswith(" a "))
    units = ("x", "x", "y", "y")
    expected = rate_interval([2] * 4, [2] * 4, units)
    assert row[3:] == ["100.0", f"({100 * expected.low:.0f}-100)"]
    assert expected.low < rate_interval([1] * 8, [1] * 8, "abcdefgh").low


def test_where_every_seat_is_fixed_all_count(tmp_path) -> None:
    for name, action in (("policy:collude", 1), ("policy:refrain", 0)):
        spec = make_spec(rounds=1, checkpoint=name)
        cell = make_cell(spec, cell_id=name[7:], checkpoint=name)
        write_cell(tmp_path, cell, {spec.episode_id: [record_round(spec, (), [action] * 8)]})
    counts = {
        count.checkpoint: (count.deviant, count.decided) for count in episode_counts(tmp_path, {"collude", "refrain"})
    }
    assert counts == {"policy:collude": (8, 8), "policy:refrain": (0, 8)}
    assert pooled_interval([], first_round=True) is None
