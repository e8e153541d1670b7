"""Which episodes are paired, what a unit comes to, and how a run's tables become courses."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support import make_cell, make_spec, play, record_round

from atp_ray.measures.courses import Course, load_courses
from atp_ray.measures.pairing import pair, rates_of_units, tips_of_units
from atp_ray.measures.results import Setting
from atp_ray.storage.tables import write_cell


def course(rates: dict[tuple[str, int], tuple[float, ...]], checkpoint: str = "base") -> Course:
    """A course of episodes given by unit and seed."""
    names = sorted({unit for unit, _ in rates})
    rate_ER = np.array(list(rates.values()), dtype=float)
    unit_E = np.array([names.index(unit) for unit, _ in rates])
    return Course(
        Setting(checkpoint, "policy", 8, 4, 1.0), "choices", rate_ER,
        np.repeat(unit_E[:, None], rate_ER.shape[1], axis=1), np.array(names),
        [(unit, unit, seed) for unit, seed in rates], np.full(rate_ER.shape[1], 8.0),
    )  # fmt: skip


def test_episodes_of_the_same_unit_and_seed_are_paired_in_whatever_order_they_lie() -> None:
    base = course({("a", 0): (0.1, 0.2), ("a", 1): (0.3, 0.4), ("b", 0): (0.5, 0.6)})
    other = course({("b", 0): (0.9, 0.9), ("a", 1): (0.8, 0.8), ("c", 0): (0.0, 0.0)})
    pairs = pair(base, other)
    assert pairs.base_PR.tolist() == [[0.5, 0.6], [0.3, 0.4]]
    assert pairs.other_PR.tolist() == [[0.9, 0.9], [0.8, 0.8]]
    (values,) = rates_of_units(pairs, 0)
    assert values.difference_U == pytest.approx([0.5, 0.4])


def test_seeds_of_one_unit_are_one_difference() -> None:
    base = course({("a", 0): (0.0, 0.0), ("a", 1): (0.2, 0.2), ("b", 0): (0.5, 0.5), ("b", 1): (0.7, 0.7)})
    other = course({("a", 0): (0.4, 1.0), ("a", 1): (0.4, 1.0), ("b", 0): (0.5, 1.0), ("b", 1): (0.5, 1.0)})
    first, last = rates_of_units(pair(base, other), 0, 1)
    assert first.base_U == pytest.approx([0.1, 0.6])
    assert last.other_U == pytest.approx([1.0, 1.0])
    assert (first.n_pairs, first.repetitions) == (4, False)


def test_one_unit_alone_is_judged_by_its_repetitions() -> None:
    base = course({("a", 0): (0.0,), ("a", 1): (0.2,), ("a", 2): (0.4,)})
    (values,) = rates_of_units(pair(base, base), 0)
    assert values.repetitions
    assert len(values.difference_U) == 3


def test_a_round_in_which_one_of_them_decided_nothing_is_left_out_with_its_pair() -> None:
    base = course({("a", 0): (0.1, np.nan), ("b", 0): (0.5, 0.6), ("c", 0): (0.5, 0.6)})
    pairs = pair(base, base)
    assert rates_of_units(pairs, 0)[0].n_pairs == 3
    assert rates_of_units(pairs, 1)[0].n_pairs == 2
    assert [values.n_pairs for values in rates_of_units(pairs, 0, 1)] == [2, 2]
    assert tips_of_units(pairs).n_pairs == 2


def test_several_episodes_of_one_unit_and_seed_are_paired_in_their_order() -> None:
    twice = course({("a", 0): (0.1,), ("b", 0): (0.2,)})._replace(key_E=[("a", "a", 0)] * 2)
    assert pair(twice, twice).base_PR.tolist() == [[0.1], [0.2]]


def test_nothing_in_common_is_no_pairs() -> None:
    pairs = pair(course({("a", 0): (0.1, 0.2)}), course({("b", 0): (0.1, 0.2)}))
    assert pairs.base_PR.shape == (0, 2)
    assert rates_of_units(pairs, 0, 1)[0].n_pairs == 0


def test_rounds_before_the_tip_are_compared_by_unit() -> None:
    base = course({("a", 0): (0.9, 0.9, 0.9), ("b", 0): (0.1, 0.9, 0.9)})
    other = course({("a", 0): (0.1, 0.1, 0.1), ("b", 0): (0.1, 0.1, 0.9)})
    values = tips_of_units(pair(base, other))
    assert values.base_U.tolist() == [0, 1]
    assert values.other_U.tolist() == [3, 2]


def write_run(folder: Path) -> None:
    for number, threshold in enumerate((2, 8)):
        specs = [
            make_spec(threshold=threshold, scenario=game, seed=seed)
            for game in ("info_sharing", "public_fund")
            for seed in (0, 1)
        ]
        rounds = {spec.episode_id: play(spec, seed=index) for index, spec in enumerate(specs)}
        rounds[specs[-1].episode_id] = rounds[specs[-1].episode_id][:2]  # it stopped
        spec = specs[0]
        rounds[spec.episode_id] = [record_round(spec, (), [2] * 8), *rounds[spec.episode_id][1:]]  # nobody decided
        write_cell(folder, make_cell(*specs, cell_id=f"c{number}"), rounds)


def test_courses_are_what_the_tables_say(tmp_path) -> None:
    write_run(tmp_path)
    easy, hard = load_courses(tmp_path)
    assert (easy.setting.threshold, hard.setting.threshold) == (2, 8)
    assert easy.key_E == [(game, game, seed) for game in ("info_sharing", "public_fund") for seed in (0, 1)]
    rows = pq.read_table(tmp_path / "rounds" / "c0.parquet").to_pylist()
    written = {(row["episode_id"], row["round"]): row["deviant_rate"] for row in rows}
    episodes = pq.read_table(tmp_path / "episodes" / "c0.parquet")["episode_id"].to_pylist()
    for row, episode in enumerate(episodes):
        for number in (1, 2, 3):
            rate = written.get((episode, number))
            assert (np.isnan(easy.rate_ER[row, number - 1])) if rate is None else easy.rate_ER[row, number - 1] == rate
    assert np.isnan(easy.rate_ER[0, 0])
    assert np.isnan(easy.rate_ER[3, 2])
    assert easy.units[easy.unit_ER[3]].tolist() == ["public_fund"] * 3
    assert easy.decided_R.tolist() == [8, 8, 8]


def test_runs_from_before_units_were_written_fall_back_to_the_scenario(tmp_path) -> None:
    write_run(tmp_path)
    before = load_courses(tmp_path)
    for path in (tmp_path / "rounds").glob("*.parquet"):
        pq.write_table(pq.read_table(path).drop_columns(["unit"]), path)
    after = load_courses(tmp_path)
    assert [course.key_E for course in after] == [course.key_E for course in before]
    assert [course.units[course.unit_ER].tolist() for course in after] == [
        course.units[course.unit_ER].tolist() for course in before
    ]


def set_column(path: Path, name: str, values: list) -> None:
    table = pq.read_table(path)
    place = table.schema.get_field_index(name)
    pq.write_table(table.set_column(place, name, pa.array(values, table.schema.field(name).type)), path)


def test_a_round_has_the_unit_that_was_written_or_the_last_one_that_was_played(tmp_path) -> None:
    write_run(tmp_path)
    path = tmp_path / "rounds" / "c0.parquet"
    rows = pq.read_table(path).to_pylist()
    first = rows[0]["episode_id"]
    set_column(path, "unit", [None if row["episode_id"] == first else f"u{row['round']}" for row in rows])
    third = rows[6]["episode_id"]  # stopped after its first round
    kept = [row["episode_id"] != third or row["round"] == 1 for row in rows]
    pq.write_table(pq.read_table(path).filter(pa.array(kept)), path)
    easy, hard = load_courses(tmp_path)
    game, other = "info_sharing", "public_fund"
    units = [[game] * 3, ["u1", "u2", "u3"], ["u1", "u1", "u1"], ["u1", "u2", "u2"]]  # the last one stopped too
    assert easy.units[easy.unit_ER].tolist() == units
    assert easy.key_E == [(game, game, 0), ("u1", "u3", 1), ("u1", "u1", 0), ("u1", "u2", 1)]
    assert hard.units[hard.unit_ER].tolist() == [[name] * 3 for name in (game, game, other, other)]


def test_cells_are_as_long_as_they_are_and_rounds_without_episodes_are_left_out(tmp_path) -> None:
    write_run(tmp_path)
    before = load_courses(tmp_path)
    short = make_spec(threshold=5, rounds=1, visibility="counts", seed=7)
    write_cell(
        tmp_path, make_cell(short, cell_id="c9"), {short.episode_id: [record_round(short, (), [1] * 6 + [2] * 2)]}
    )
    rounds = tmp_path / "rounds" / "c0.parquet"
    orphan = [row | {"episode_id": "gone", "unit": "gone"} for row in pq.read_table(rounds).to_pylist()[:2]]
    pq.write_table(pa.Table.from_pylist(orphan, pq.read_schema(rounds)), tmp_path / "rounds" / "c1x.parquet")
    *same, added = load_courses(tmp_path)
    for old, new in zip(before, same, strict=True):
        assert (new.setting, new.visibility, new.key_E) == (old.setting, old.visibility, old.key_E)
        assert np.array_equal(new.rate_ER, old.rate_ER, equal_nan=True)
        assert new.units[new.unit_ER].tolist() == old.units[old.unit_ER].tolist()
    assert (added.rate_ER.tolist(), added.decided_R.tolist()) == ([[1.0]], [6.0])
    assert (added.visibility, before[0].visibility) == ("counts", "choices")
    assert added.numbers == (added.setting._replace(checkpoint="", checkpoint_kind=""), "counts")
    assert added.key_E == [("info_sharing", "info_sharing", 7)]


def test_episodes_keep_the_order_of_the_tables(tmp_path) -> None:
    specs = [make_spec(rounds=1, seed=seed) for seed in range(60)]
    write_cell(tmp_path, make_cell(*specs), {spec.episode_id: play(spec, seed=1) for spec in specs})
    (found,) = load_courses(tmp_path)
    assert [seed for *_, seed in found.key_E] == list(range(60))
