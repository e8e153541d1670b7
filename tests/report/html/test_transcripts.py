"""Transcripts: which seats are chosen, and that what is shown is what was sent and said."""

import json

import numpy as np
import pytest
from grid_runs import as_json, write_grid_run
from support import make_cell, make_spec, record_round

from atp_ray.measures.cell_tips import CellTips, cell_tips
from atp_ray.play.episodes import SeatGroup
from atp_ray.play.rounds import next_turn
from atp_ray.report.html.choice import MOST, Candidate, candidates, choose
from atp_ray.report.html.rebuilt import rebuilt_specs
from atp_ray.report.html.transcripts import transcripts
from atp_ray.storage.episode_rows import settled_rounds, stored_episodes
from atp_ray.storage.run_folder import read_manifest, write_manifest
from atp_ray.storage.tables import read_table, write_cell

GRID = ["thresholds=[4,6]", "rounds=4"]


def thinking(choice: str) -> str:
    return f"<think>I weigh {choice}.</think>\nSo be it. {as_json(choice)}"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run in which some episodes tip and most do not."""
    return write_grid_run(tmp_path_factory.mktemp("run"), settings=GRID, says=thinking, chance=0.45)


def written(folder, courses, seats=None) -> None:
    """Write one cell of one-seat-per-column courses: a list of rounds for each episode."""
    specs = [
        make_spec(n=len(rounds[0]), threshold=2, rounds=len(rounds), scenario=name, seats=seats)
        for name, rounds in zip(("info_sharing", "hunting_game", "public_fund"), courses, strict=False)
    ]
    settled = {}
    for spec, rounds in zip(specs, courses, strict=True):
        records = []
        for actions in rounds:
            records.append(record_round(spec, records, actions))
        settled[spec.episode_id] = records
    write_cell(folder, make_cell(*specs, cell_id="a"), settled)


def chosen(folder) -> list[tuple[int, int, int, int | None]]:
    tipped, others = candidates(cell_tips(folder))
    found = choose(folder, tipped)
    return [(c.seat, c.candidate.before, c.candidate.after, c.candidate.tip) for c in found] or [
        (c.seat, c.candidate.before, c.candidate.after, c.candidate.tip) for c in choose(folder, others)
    ]


def test_seats_that_came_to_deviate_in_the_tip_are_chosen_one_of_each_episode_first(tmp_path) -> None:
    written(tmp_path, [[[0, 0, 0, 1], [1, 0, 1, 1]], [[1, 1, 1, 1], [1, 1, 1, 1]], [[0, 0, 0, 0], [0, 1, 1, 1]]])
    assert chosen(tmp_path) == [(0, 1, 2, 2), (2, 1, 2, 2), (1, 1, 2, 2), (2, 1, 2, 2), (3, 1, 2, 2)]
    tipped, _ = candidates(cell_tips(tmp_path))
    assert [found.seat for found in choose(tmp_path, tipped, 2)] == [0, 1]


def test_without_a_tip_first_and_last_round_are_compared_and_changes_come_first(tmp_path) -> None:
    written(tmp_path, [[[0, 0, 1], [1, 1, 1], [0, 1, 0]]])
    assert chosen(tmp_path) == [(0, 1, 3, None), (1, 1, 3, None), (2, 1, 3, None)]
    _, others = candidates(cell_tips(tmp_path))
    assert [found.seat for found in choose(tmp_path, others, 2)] == [1, 2]


def test_fixed_seats_are_never_chosen(tmp_path) -> None:
    seats = (SeatGroup(checkpoint="policy:collude", count=1), SeatGroup(checkpoint="tiny", count=2))
    written(tmp_path, [[[0, 0, 0], [1, 1, 1]]], seats)
    assert [seat for seat, *_ in chosen(tmp_path)] == [1, 2]


def test_of_many_episodes_and_settings_a_few_are_taken_evenly() -> None:
    many = CellTips("a", pa_ids(1000), np.full(1000, 2), np.full(1000, 3))
    (tipped,), (others,) = candidates([many])
    assert others == []
    assert [c.episode_id for c in tipped] == [str(50 + 100 * place) for place in range(MOST)]
    assert tipped[0] == Candidate("a", "50", 1, 2, 2)


def pa_ids(n: int):
    import pyarrow as pa

    return pa.array([str(number) for number in range(n)])


def test_the_messages_are_exactly_those_that_were_sent(run) -> None:
    manifest = read_manifest(run)
    told = transcripts(run, manifest)
    assert len(told.shown) == MOST
    assert 0 < told.tipped.n_later < told.tipped.n_episodes
    tipped, others = candidates(cell_tips(run))
    found = choose(run, tipped)
    found += choose(run, others, MOST - len(found))
    by_cell = {}
    for c in found:
        by_cell.setdefault(c.candidate.cell_id, set()).add(c.candidate.episode_id)
    specs = rebuilt_specs(run, manifest, 14, by_cell)
    for (candidate, seat, *_), shown in zip(found, told.shown, strict=True):
        spec = specs[candidate.episode_id]
        stored = stored_episodes(run, candidate.cell_id, [spec.episode_id], range(1, candidate.after), [seat])
        records = settled_rounds(stored, spec)
        sent = _sent(spec, records, seat)
        assert [(m.role, m.text.whole or m.text.start) for m in shown.messages] == sent
        before = _sent(spec, records[: candidate.before - 1], seat)
        assert [m.new for m in shown.messages] == [False] * len(before) + [True] * (len(sent) - len(before))
        assert not any(m.told and m.role == "assistant" for m in shown.messages)
        assert any(m.told and " went from " in m.text.start for m in shown.messages)
        assert f"seed {spec.seed}" in shown.setting


def _sent(spec, records, seat) -> list[tuple[str, str]]:
    """Return what an agent that is told everything at once is sent."""
    from atp_ray.play.memory import EpisodeMemory
    from atp_ray.play.prompts import build_messages

    turn = next_turn(spec, records, (seat,), whole=True)
    memory = EpisodeMemory(spec, (seat,), max(0, len(records) - spec.history_window))
    memory.observe(turn.observations)
    return [(message["role"], message["content"]) for message in build_messages(memory.seat_view(0))]


def test_replies_are_those_of_the_two_rounds_with_the_thinking_apart(run) -> None:
    rows = {
        (row["episode_id"], row["round"], row["seat"]): row["reply"] for row in read_table(run, "decisions").to_pylist()
    }
    for shown in transcripts(run, read_manifest(run)).shown:
        episode = shown.setting.split("episode ")[1][:16]
        seat = int(shown.title.rpartition("agent ")[2]) - 1
        for reply in shown.replies:
            whole = rows[episode, reply.round, seat]
            thought, answered = whole.split("\n")
            assert (reply.thinking.start, reply.text.start) == (thought, answered)
            choice = json.loads(answered.removeprefix("So be it. "))["choice"]
            assert reply.decision.startswith(f"“{choice}” (")


def test_what_happened_is_told_round_by_round(run) -> None:
    for shown in transcripts(run, read_manifest(run)).shown:
        assert [column.name for column in shown.rounds.columns] == [
            "round", "others: colludes", "outcome", "this agent", "what it got",
        ]  # fmt: skip
        for row in shown.rounds.rows:
            n_others, n_all = int(row.cells[1].split(" of ")[0]), int(row.cells[2].split(" of ")[0])
            assert n_all - n_others == (row.cells[3] == "colludes")
        tips = [row.cells[0] for row in shown.rounds.rows if "tip" in row.cells[0]]
        assert len(tips) <= 1
        assert all("%" in text for text in tips)


def test_a_run_in_which_nothing_tips_says_so_and_shows_first_and_last_rounds(tmp_path) -> None:
    run = write_grid_run(tmp_path, settings=["thresholds=[8]", "scenarios=info_sharing"], chance=0.0)
    told = transcripts(run, read_manifest(run))
    assert told.chosen_by.startswith("No episode tipped after round 1. Shown instead: 8 seats of episodes that did not")
    assert {tuple(reply.round for reply in shown.replies) for shown in told.shown} == {(1, 3)}
    assert told.notes == (
        "policy:quantal reads no messages; those shown are what a language model in that seat is sent.",
    )


def test_a_single_agent_is_shown_without_others(tmp_path) -> None:
    run = write_grid_run(tmp_path, "table1", settings=["scenarios=taxi_driver,baker"])
    told = transcripts(run, read_manifest(run))
    assert [column.name for column in told.shown[0].rounds.columns] == ["round", "outcome", "this agent", "what it got"]
    assert {shown.title for shown in told.shown} <= {"Taxi driver", "Baker"}


@pytest.mark.parametrize("change", ["grid", "checkpoints"])
def test_where_messages_cannot_be_made_again_replies_are_shown_with_the_reason(tmp_path, change) -> None:
    run = write_grid_run(tmp_path, settings=["thresholds=[8]", "scenarios=info_sharing"], chance=0.5)
    manifest = read_manifest(run)
    if change == "grid":
        manifest["grid_as_given"]["history_window"] = 7
    else:
        manifest["checkpoints"] = {"a": {"kind": "unknown"}}
    write_manifest(run, manifest)
    told = transcripts(run, manifest)
    assert told.notes[0].startswith("The messages that agents were sent cannot be shown: ")
    assert told.shown
    assert all(shown.messages == () and shown.replies[0].text is not None for shown in told.shown)


def test_one_round_changes_nothing(tmp_path) -> None:
    run = write_grid_run(tmp_path, settings=["rounds=1", "scenarios=info_sharing"])
    told = transcripts(run, read_manifest(run))
    assert told.shown == ()
    assert "nothing can change" in told.chosen_by
