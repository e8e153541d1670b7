"""What a run folder says was spent, finished cells and others."""

import numpy as np
from support import make_cell, make_spec

from atp_ray.costs.spent import decisions_settled, rounds_left, spent_by_cell
from atp_ray.costs.usage import Usage
from atp_ray.play.decisions import plain_decisions
from atp_ray.play.episodes import SeatGroup
from atp_ray.play.rounds import settle_round
from atp_ray.storage.event_log import EventLog
from atp_ray.storage.run_folder import log_path
from atp_ray.storage.tables import write_cell

SEATS = [SeatGroup(checkpoint="policy:collude", count=1), SeatGroup(checkpoint="tiny", count=3)]


def records(spec, rounds):
    settled = []
    for _ in range(rounds):
        decisions = plain_decisions(np.zeros(4, dtype=np.int8), ["{}"] * 4, attempts=1)
        counted = decisions._replace(prompt_tokens_A=np.array([0, 1, 2, 3]), completion_tokens_A=np.array([0, 5, 5, 5]))
        settled.append(settle_round(spec, settled, counted))
    return settled


def test_tables_and_logs_count_alike_and_what_was_not_begun_is_nothing(tmp_path) -> None:
    specs = [make_spec(n=4, threshold=2, seats=SEATS, rounds=3, seed=seed) for seed in range(4)]
    cells = [make_cell(spec, cell_id=f"c{index}") for index, spec in enumerate(specs)]
    done, begun, both, _ = specs
    for spec, cell, rounds in ((done, cells[0], 3), (begun, cells[1], 2), (both, cells[2], 3)):
        log = EventLog(log_path(tmp_path, cell.cell_id))
        for record in records(spec, rounds):
            log.append(record)
        log.close()
    write_cell(tmp_path, cells[0], {done.episode_id: records(done, 3)})
    spent = spent_by_cell(tmp_path, cells)
    whole = {"tiny": Usage(9, 18, 45)}
    assert spent == {"c0": whole, "c1": {"tiny": Usage(6, 12, 30)}, "c2": whole, "c3": {}}
    # A cell whose log is whole but whose tables are not written has no round left either.
    assert list(rounds_left(tmp_path, cells)) == [(begun, 3), (specs[3], 1)]
    assert decisions_settled(tmp_path, cells) == 4 * (3 + 2 + 3 + 0)
