"""Episodes read back from Parquet are the rounds that were settled."""

import numpy as np
import pytest
from support import make_cell, make_spec, play, play_role_play, role_play_spec, tool_spec

from atp_ray.paradigms.tool_usage.scenarios import tool_usage_of
from atp_ray.play.actions import Action
from atp_ray.play.decisions import plain_decisions
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.problems import Solution
from atp_ray.play.prompts import build_messages
from atp_ray.play.rounds import observe_round, settle_round
from atp_ray.storage.episode_rows import action_codes, episode_rows, settled_rounds, stored_episodes
from atp_ray.storage.tables import write_cell


@pytest.mark.parametrize("visibility", ["choices", "counts", "replies"])
def test_what_a_seat_is_told_is_the_same_from_parquet_as_from_the_game(tmp_path, visibility) -> None:
    specs = [make_spec(scenario=name, visibility=visibility) for name in ("info_sharing", "hunting_game")]
    settled = {spec.episode_id: play(spec, seed=place) for place, spec in enumerate(specs)}
    write_cell(tmp_path, make_cell(*specs, cell_id="a"), settled)
    stored = stored_episodes(tmp_path, "a", set(settled), [1, 2, 3], None if visibility == "replies" else [5])
    for spec in specs:
        again = settled_rounds(stored, spec)
        told = []
        for records in (settled[spec.episode_id], again):
            memory = EpisodeMemory(spec, (5,))
            memory.observe([observe_round(spec, record, (5,)) for record in records])
            told.append(build_messages(memory.seat_view(0)))
        assert told[0] == told[1]
        for one, other in zip(settled[spec.episode_id], again, strict=True):
            assert one.decisions.action_A.tolist() == other.decisions.action_A.tolist()
            assert (one.round, one.success) == (other.round, other.success)
            for name in ("reward_A", "capital_before_A"):
                assert np.array_equal(getattr(one, name), getattr(other, name))
            assert np.array_equal(one.capital_after.log_A, other.capital_after.log_A)


def test_only_the_replies_that_are_asked_for_are_read(tmp_path) -> None:
    spec = make_spec()
    write_cell(tmp_path, make_cell(spec, cell_id="a"), {spec.episode_id: play(spec)})
    (record,) = settled_rounds(stored_episodes(tmp_path, "a", [spec.episode_id], [2], [3]), spec)
    assert record.round == 2
    assert [seat for seat, reply in enumerate(record.decisions.reply_A) if reply is not None] == [3]


def test_unparsed_and_missing_turns_keep_their_codes(tmp_path) -> None:
    spec = role_play_spec(rounds=4)
    actions = [Action.UNPARSED, Action.MISSING, Action.DEVIANT, Action.ALIGNED]
    write_cell(tmp_path, make_cell(spec, cell_id="a"), {spec.episode_id: play_role_play(spec, actions)})
    rows = episode_rows(tmp_path, "decisions", "a", [spec.episode_id], ["round", "action"], round=[1, 2, 4])
    assert rows["round"].to_pylist() == [1, 2, 4]
    assert action_codes(rows["action"]).tolist() == [Action.UNPARSED, Action.MISSING, Action.ALIGNED]


def test_solutions_of_problems_come_back_in_their_order(tmp_path) -> None:
    spec, settled, told = tool_spec(), [], []
    for number in (1, 2):
        problems = tool_usage_of(spec).numbers.problems[number - 1].every
        told.append(
            tuple(
                Solution(p.problem_id, p.difficulty, True, "8", number == 1, 3.0, "<tool>8</tool>", ("ok", "error"))
                for p in problems
            )
        )
        made = plain_decisions(np.array([Action.ALIGNED], dtype=np.int8), ["<tool>8</tool>"])
        settled.append(settle_round(spec, settled, made._replace(solutions_A=(told[-1],))))
    write_cell(tmp_path, make_cell(spec, cell_id="a"), {spec.episode_id: settled})
    again = settled_rounds(stored_episodes(tmp_path, "a", [spec.episode_id], [1, 2], [0]), spec)
    assert [record.decisions.solutions_A[0] for record in again] == told
