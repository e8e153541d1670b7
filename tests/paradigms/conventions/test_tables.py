"""A run of naming games as the log and the tables hold it, and as it is told."""

from __future__ import annotations

import numpy as np
import pytest
from naming_play import naming_spec, play_policy, said, write_naming_run

from atp_ray.measures.results import load_results
from atp_ray.paradigms.conventions.pairing import partners_of
from atp_ray.paradigms.conventions.presentation import PRESENTATION, shares_text
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.cells import CellSpec
from atp_ray.play.rounds import settle_round
from atp_ray.storage.episode_rows import settled_rounds, stored_episodes
from atp_ray.storage.record_json import record_from_json, record_to_json
from atp_ray.storage.stored_rounds import read_rounds
from atp_ray.storage.tables import read_table, write_cell

PAIRINGS = ("asynchronous", "synchronous")


def same(one, other) -> bool:
    """Whether two records hold the same decisions and outcome."""
    return (
        one.decisions.options_A.tolist() == other.decisions.options_A.tolist()
        and one.decisions.action_A.tolist() == other.decisions.action_A.tolist()
        and one.decisions.reply_A == other.decisions.reply_A
        and one.decisions.n_asked == other.decisions.n_asked
        and one.reward_A.tolist() == other.reward_A.tolist()
        and one.capital_after.value_A.tolist() == other.capital_after.value_A.tolist()
    )


@pytest.mark.parametrize("n_names", [2, 5])
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_what_is_settled_comes_back_from_log_and_tables(tmp_path, pairing, n_names) -> None:
    spec = naming_spec(n_agents=5, n_names=n_names, pairing=pairing, rounds=6, committed=1, established="B")
    settled = play_policy(spec)
    settled[-1] = settle_round(spec, settled[:-1], said([-1, 0, 1, 1, 0]))
    settled[-1] = record_from_json(record_to_json(settled[-1]))
    assert all(same(record, record_from_json(record_to_json(record))) for record in settled)
    cell = CellSpec(
        cell_id="one", grid="g", checkpoint="policy:quantal", checkpoint_kind="policy", n_agents=5, setting={},
        episodes=(spec,),
    )  # fmt: skip
    write_cell(tmp_path, cell, {spec.episode_id: settled})
    (stored,) = read_rounds(tmp_path, cell).values()
    assert all(same(one, other) for one, other in zip(stored, settled, strict=True))
    rows = stored_episodes(tmp_path, "one", [spec.episode_id], range(1, 7), None)
    assert all(same(one, other) for one, other in zip(settled_rounds(rows, spec), settled, strict=True))
    for record in settled:
        partners = read_table(tmp_path, "decisions").filter(
            np.array(read_table(tmp_path, "decisions")["round"]) == record.round
        )["partner"].to_pylist()  # fmt: skip
        assert [-1 if partner is None else partner for partner in partners] == partners_of(spec, record.round).tolist()


def test_rows_say_names_pairing_committed_agents_and_agreements(tmp_path) -> None:
    run = write_naming_run(tmp_path / "run", committed=[0, 2], established="M", rounds=3, pairing=["synchronous"])
    episodes = read_table(run, "episodes").to_pylist()
    told = [tuple(row[name] for name in ("names", "established", "challenger", "history_window")) for row in episodes]
    assert told == [("M,Q", "M", "Q", 5)] * 2
    assert {row["committed"] for row in read_table(run, "cells").to_pylist()} == {0, 2}
    rounds = read_table(run, "rounds").to_pylist()
    assert [row["n_meetings"] for row in rounds] == [4] * 6
    assert all(row["n_agreed"] == 4 for row in rounds if row["rate_decisions"] == 8)
    assert {row["unit"] for row in rounds} == {"letters 0"}
    # The rate is that of the agents that are not committed.
    assert {row["rate_decisions"] for row in rounds} == {8, 6}


def test_tables_tell_settings_apart_by_committed_agents(tmp_path) -> None:
    run = write_naming_run(tmp_path / "run", committed=[2, 0], established="M", rounds=2)
    results = load_results(run)
    labels = [PRESENTATION.setting_label(result.setting) for result in results]
    assert labels == ["n=8, M Q from M", "n=8, M Q from M, 2 committed"]
    challengers, shares, convergence = PRESENTATION.tables(results)
    assert list(challengers.columns[1].cells) == ["0", "2"]
    assert len(list(shares.columns)) > 2
    assert "converged" in str(convergence.title).lower() or "convergence" in str(convergence.title).lower()
    assert [name for _, name in PRESENTATION.figures(results)] == ["rates_by_round", "shares_by_round"]
    three = load_results(write_naming_run(tmp_path / "three", committed=[0, 1, 2], rounds=25))
    drawn = {name: figure for figure, name in PRESENTATION.figures(three)}
    assert sorted(drawn) == ["committed_minority", "rates_by_round", "shares_by_round"]
    assert [len(container.lines[0].get_xdata()) for container in drawn["rates_by_round"].axes[0].containers] == [20] * 3
    assert drawn["committed_minority"].axes[0].containers[0].lines[0].get_xdata().tolist() == [0, 1, 2]


def test_an_episode_is_told_in_words() -> None:
    spec = naming_spec(n_agents=4, n_names=5, pairing="asynchronous", established="C", challenger="B")
    record = settle_round(spec, [], said([0, 1, 2, 2]))
    one, two = np.flatnonzero(partners_of(spec, 1) >= 0).tolist()
    names = "BCA"
    first, second = (f"({names[min(seat, 2)]})" for seat in (one, two))
    assert PRESENTATION.numbers_line(spec) == (
        "4 agents, one random pair in each round, 5 names, memories of C at the start, challenger B, points 100 / -50"
    )
    assert PRESENTATION.round_line(spec, record).startswith(f"agent {one + 1} {first}, agent {two + 1} {second}; ")
    points = "+100 (100)" if first == second else "-50 (-50)"
    assert PRESENTATION.seat_note(spec, record, one) == f"met agent {two + 1} {second}: {points}"
    others = [seat for seat in range(4) if seat not in (one, two)]
    assert [PRESENTATION.seat_lines(spec, record, seat) for seat in others] == [[], []]
    assert PRESENTATION.seat_lines(spec, record, one) is None
    together = settle_round(naming_spec(n_agents=4), [], said([0, 0, 0, 0]))
    assert PRESENTATION.round_line(naming_spec(n_agents=4), together) == "2 of 2 meetings agree; M 100%"


def test_shares_are_told_for_the_most_frequent_names() -> None:
    spec = naming_spec(n_agents=10, n_names=6, order="fixed")
    assert shares_text(spec, np.array([0, 0, 0, 0, 1, 1, 2, 3, 4, 5])) == "A 40%, B 20%, C 10%, D 10%, 2 others"
    assert shares_text(spec, np.full(10, -1)) == "no name yet"
    assert paradigm("conventions").title == "conventions"
