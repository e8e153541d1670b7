"""What was said and what probes were answered survive the log and the tables, and are part of what was spent."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support import make_cell, make_spec, play

from atp_ray.costs.spent import spent_by_cell
from atp_ray.costs.usage import Usage, usage_of
from atp_ray.play.answers import Probed, SeatAnswer, answer_columns, with_talk
from atp_ray.play.decisions import TurnFailure, plain_decisions
from atp_ray.play.probes import load_probe
from atp_ray.play.rounds import settle_round
from atp_ray.storage.event_log import EventLog, read_event_log
from atp_ray.storage.record_json import record_from_json, record_to_json
from atp_ray.storage.run_folder import log_path
from atp_ray.storage.stored_rounds import read_rounds
from atp_ray.storage.tables import read_table, write_cell

PROBES = (load_probe("expected_colluders"), load_probe("the_rule"))
SPEC = make_spec(n=3, threshold=2, rounds=2, checkpoint="openai:x", talk=60, probes=PROBES, probe_rounds=(2,))


def rounds():
    """Two rounds in which one message and one answer were lost."""
    settled = []
    for number in (1, 2):
        lost = TurnFailure(2, number, "ModelError", "ValueError: no: reply")
        said = [
            SeatAnswer("join\u2028", 1, 10, 2, 0.5),
            SeatAnswer(None, 1, 10, 2, 0.5),
            SeatAnswer(None, 3, failure=lost),
        ]
        replies = ['{"answer": 2}', '{"answer": "two or three, 3"}', None]
        rows = [SeatAnswer(reply, 1, 20, 3, 0.25) for reply in replies[:2]] + [SeatAnswer(None, 3, failure=lost)]
        decisions = plain_decisions(np.array([1, 1, 0], dtype=np.int8), ["a", "b", "c"], attempts=1)
        probed = [Probed(probe.name, answer_columns(rows)) for probe in SPEC.probes_at(number)]
        settled.append(settle_round(SPEC, settled, with_talk(decisions, answer_columns(said)), probed))
    return settled


def test_a_round_in_the_log_is_the_round_that_was_settled() -> None:
    for record in rounds():
        text = json.dumps(record_to_json(record))
        again = record_from_json(json.loads(text))
        assert repr(again) == repr(record)
    plain = record_to_json(play(make_spec())[0])
    assert not {"said", "probes"} & plain.keys(), "a log without talk and probes is as it was"


def test_a_round_is_settled_once_with_all_its_answers(tmp_path) -> None:
    log = EventLog(log_path(tmp_path, "cell"))
    first, second = rounds()
    log.append(first)
    log.append(second)
    with pytest.raises(ValueError, match="round 2 cannot follow round 2"):
        log.append(second)
    log.close()
    assert [len(record.probed) for record in read_event_log(log.path)[SPEC.episode_id]] == [0, 2]


def test_tables_hold_what_was_said_and_answered_and_give_it_back(tmp_path) -> None:
    cell, settled = make_cell(SPEC, checkpoint="openai:x", kind="openai"), rounds()
    write_cell(tmp_path, cell, {SPEC.episode_id: settled})
    assert read_table(tmp_path, "decisions")["said"].to_pylist() == ["join\u2028", None, None] * 2
    assert read_table(tmp_path, "episodes")["talk"].to_pylist() == [60]
    rows = read_table(tmp_path, "probes").to_pylist()
    assert [(row["probe"], row["seat"], row["answer"], row["value"], row["actual"]) for row in rows] == [
        ("expected_colluders", 0, "2", 2.0, 1.0),
        ("expected_colluders", 1, "two or three, 3", 3.0, 1.0),
        ("expected_colluders", 2, None, None, 2.0),
        ("the_rule", 0, "2", None, None),
        ("the_rule", 1, "two or three, 3", None, None),
        ("the_rule", 2, None, None, None),
    ]
    assert {row["round"] for row in rows} == {2}
    assert rows[2]["failure"] == "ModelError: ValueError: no: reply"
    again = read_rounds(tmp_path, cell)[SPEC.episode_id]
    assert [repr(record.probed) for record in again] == [repr(record.probed) for record in settled]
    assert [record.decisions.said_A for record in again] == [record.decisions.said_A for record in settled]
    assert again[0].decisions.failures == settled[0].decisions.failures


def test_tables_of_a_cell_without_probes_are_those_there_were(tmp_path) -> None:
    spec = make_spec()
    write_cell(tmp_path, make_cell(spec), {spec.episode_id: play(spec)})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cells", "decisions", "episodes", "rounds"]


def test_what_they_took_is_spent_in_the_log_as_in_the_tables(tmp_path) -> None:
    cell, settled = make_cell(SPEC, checkpoint="openai:x", kind="openai"), rounds()
    # Two rounds of three decisions and five requests for messages, and two probes of five requests.
    spent = {"openai:x": Usage(2 * (3 + 5) + 2 * 5, 2 * 20 + 2 * 40, 2 * 4 + 2 * 6)}
    log = EventLog(log_path(tmp_path, "cell"))
    for record in settled:
        log.append(record)
    log.close()
    assert spent_by_cell(tmp_path, [cell]) == {"cell": spent}
    write_cell(tmp_path, cell, {SPEC.episode_id: settled})
    assert spent_by_cell(tmp_path, [cell]) == {"cell": spent}
    assert usage_of(SPEC, settled[0].decisions, settled[0].probed)["openai:x"].requests == 8
