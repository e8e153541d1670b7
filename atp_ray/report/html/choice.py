"""Which decisions a page shows as transcripts: at most ten, chosen by rule and never by hand.

Where episodes tipped after round 1: seats that did not deviate in the round before the tip and did in the tip. Where
none did, and where options are told by their shares: seats in the first and in the last round, those whose decision
changed first. Where a seat was not asked in such a round, its decision that stood in it is shown, in the round in which
it was made. Settings are taken evenly, then episodes within a setting, then seats in their order; seats of fixed
policies are never chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from atp_ray.measures.cell_tips import CellTips
from atp_ray.measures.rates import FIXED_CHECKPOINTS
from atp_ray.play.actions import Action
from atp_ray.storage.episode_rows import action_codes, episode_rows

MOST = 10
T = TypeVar("T")


class Candidate(NamedTuple):
    """An episode with the two rounds to be compared; `tip` is None where it did not tip after round 1."""

    cell_id: str
    episode_id: str
    before: int
    after: int
    tip: int | None


class Chosen(NamedTuple):
    """A seat of an episode, with the rounds in which it decided what stood in the candidate's two.

    `asked` are all rounds up to then in which it decided, None for every one.
    """

    candidate: Candidate
    seat: int
    before: int
    after: int
    asked: tuple[int, ...] | None = None


def candidates(tips_of: Iterable[CellTips], most: int = MOST) -> tuple[list[list[Candidate]], list[list[Candidate]]]:
    """Return episodes that tipped after round 1, and others with more than one round, some of each cell."""
    tipped, others = [], []
    for cell in tips_of:
        ids = cell.episode_E
        later = _evenly((cell.tip_E > 1).nonzero()[0].tolist(), most)
        rest = _evenly(((cell.tip_E <= 1) & (cell.last_E > 1)).nonzero()[0].tolist(), most)
        tip_E, last_E = cell.tip_E.tolist(), cell.last_E.tolist()
        tipped.append([Candidate(cell.cell_id, ids[e].as_py(), tip_E[e] - 1, tip_E[e], tip_E[e]) for e in later])
        others.append([Candidate(cell.cell_id, ids[e].as_py(), 1, last_E[e], None) for e in rest])
    return tipped, others


def choose(run_dir: Path, by_cell: Sequence[Sequence[Candidate]], most: int = MOST) -> list[Chosen]:
    """Return at most `most` seats of the candidates; of `decisions`, only rows of these episodes are read.

    Raises:
        StorageError: a file is damaged.
    """
    filled = [cell for cell in by_cell if cell]
    asked = list(_in_turn(_evenly(filled, most)))[:most]
    changed, same = {}, {}
    for candidate, table in _decisions(run_dir, asked):
        changed[candidate], same[candidate] = _seats(run_dir, candidate, table)
    # One seat of each episode first, then another of each, and so on; those who changed before those who did not.
    found = list(_in_turn([changed[candidate] for candidate in asked]))[:most]
    if all(candidate.tip is None for candidate in asked):
        found += list(_in_turn([same[candidate] for candidate in asked]))[: most - len(found)]
    return sorted(found, key=lambda chosen: (asked.index(chosen.candidate), chosen.seat))


def _decisions(run_dir: Path, asked: Sequence[Candidate]) -> Iterator[tuple[Candidate, pa.Table]]:
    """Yield what all seats did in each candidate's two rounds; a cell's file is read once."""
    columns = ["episode_id", "round", "seat", "checkpoint", "action", "counts_as", "choice", "asked"]
    by_cell: dict[str, list[Candidate]] = {}
    for candidate in asked:
        by_cell.setdefault(candidate.cell_id, []).append(candidate)
    for cell_id, own in by_cell.items():
        rounds = sorted({number for c in own for number in (c.before, c.after)})
        table = episode_rows(run_dir, "decisions", cell_id, {c.episode_id for c in own}, columns, round=rounds)
        for candidate in own:
            yield candidate, table.filter(pc.field("episode_id") == candidate.episode_id).sort_by("seat")


def _seats(run_dir: Path, candidate: Candidate, table: pa.Table) -> tuple[list[Chosen], list[Chosen]]:
    """Return the studied seats whose decision became deviant (without a tip: changed), and the other ones."""
    before, after = (table.filter(pc.field("round") == number) for number in (candidate.before, candidate.after))
    before_A, after_A = (action_codes(pc.coalesce(part["counts_as"], part["action"])) for part in (before, after))
    fixed_A = pc.is_in(after["checkpoint"], pa.array(sorted(FIXED_CHECKPOINTS))).to_numpy()
    studied_A = ~fixed_A if not fixed_A.all() else fixed_A
    changed_A = (before_A != after_A) | _differ(before["choice"], after["choice"])
    changed_A &= before_A != Action.IDLE
    if candidate.tip is not None:
        changed_A &= (before_A != after_A) & (after_A == Action.DEVIANT)
    asked = _asked(run_dir, candidate, table)
    groups = (studied_A & changed_A, studied_A & ~changed_A)
    changed, same = (
        [found for seat in group.nonzero()[0].tolist() if (found := _chosen(candidate, seat, asked)) is not None][:MOST]
        for group in groups
    )
    return changed, same


def _differ(one: pa.ChunkedArray, other: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.not_equal(pc.fill_null(one, ""), pc.fill_null(other, "")), dtype=bool)


def _asked(run_dir: Path, candidate: Candidate, table: pa.Table) -> dict[int, tuple[int, ...]] | None:
    """Return in which rounds up to the second one each seat decided; None where all always did."""
    if pc.all(pc.fill_null(table["asked"], True), min_count=0).as_py():
        return None
    columns, rounds = ["round", "seat", "asked"], range(1, candidate.after + 1)
    rows = episode_rows(run_dir, "decisions", candidate.cell_id, {candidate.episode_id}, columns, round=rounds)
    found: dict[int, list[int]] = {}
    for row in rows.filter(pc.field("asked")).sort_by("round").to_pylist():
        found.setdefault(row["seat"], []).append(row["round"])
    return {seat: tuple(own) for seat, own in found.items()}


def _chosen(candidate: Candidate, seat: int, asked: Mapping[int, tuple[int, ...]] | None) -> Chosen | None:
    """Return a seat with its own two rounds, None where it has not decided twice."""
    if asked is None:
        return Chosen(candidate, seat, candidate.before, candidate.after)
    own = asked.get(seat, ())
    if len(own) < 2:
        return None
    before = max((number for number in own if number <= candidate.before), default=own[0])
    return Chosen(candidate, seat, before, own[-1], own) if before < own[-1] else None


def _evenly(things: Sequence[T], most: int) -> list[T]:
    """Return at most `most` of the things, at even distances."""
    if len(things) <= most:
        return list(things)
    return [things[(2 * place + 1) * len(things) // (2 * most)] for place in range(most)]


def _in_turn(lists: Sequence[Sequence[T]]) -> Iterator[T]:
    """Yield the first thing of each list, then the second of each, and so on."""
    for place in range(max((len(entries) for entries in lists), default=0)):
        yield from (entries[place] for entries in lists if place < len(entries))
