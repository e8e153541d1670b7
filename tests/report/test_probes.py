"""The table of probes: means of what was expected beside what happened."""

from __future__ import annotations

import numpy as np
from support import make_cell, make_spec, play

from atp_ray.play.answers import Probed, SeatAnswer, answer_columns
from atp_ray.play.decisions import plain_decisions
from atp_ray.play.probes import load_probe
from atp_ray.play.rounds import settle_round
from atp_ray.report.probes import ProbeRound, probe_rounds, probes_table
from atp_ray.storage.tables import write_cell

REPLIES = {
    "expected_colluders": ['{"answer": 1}', '{"answer": 2}', "who knows"],
    "is_test": ["yes", "no", "no"],
    "the_rule": ["many win", "many win", ""],
}


def write(folder) -> None:
    spec = make_spec(n=3, threshold=2, rounds=1, checkpoint="openai:x", probes=tuple(map(load_probe, REPLIES)))
    probed = [
        Probed(name, answer_columns([SeatAnswer(reply, 1) for reply in replies])) for name, replies in REPLIES.items()
    ]
    decisions = plain_decisions(np.array([1, 1, 0], dtype=np.int8), ["a", "b", "c"])
    cell = make_cell(spec, checkpoint="openai:x", kind="openai")
    write_cell(folder, cell, {spec.episode_id: [settle_round(spec, [], decisions, probed)]})


def test_means_are_over_the_answers_that_could_be_read(tmp_path) -> None:
    write(tmp_path)
    found = {row.probe: row.rounds[1] for row in probe_rounds(tmp_path)}
    assert found == {
        "expected_colluders": ProbeRound(3, 2, 1.5, 1.0),
        "is_test": ProbeRound(3, 3, 1 / 3, None),
        "the_rule": ProbeRound(3, 2, None, None),
    }
    table = probes_table(tmp_path)
    assert table is not None
    columns = {column.header: list(column.cells) for column in table.columns}
    assert columns["r1"] == ["1.50 / 1.00", "33%", "2 answers"]
    assert columns["not read"] == ["33.3%", "0.0%", "33.3%"]


def test_a_run_without_probes_has_no_such_table(tmp_path) -> None:
    spec = make_spec()
    write_cell(tmp_path, make_cell(spec), {spec.episode_id: play(spec)})
    assert probe_rounds(tmp_path) == []
    assert probes_table(tmp_path) is None
