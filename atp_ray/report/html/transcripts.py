"""Transcripts around the tip: what an agent was sent, what it replied before and after, and what had changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc

from atp_ray.checkpoint.profiles import MODELLESS_KINDS
from atp_ray.errors import AtpError
from atp_ray.measures.cell_tips import cell_tips
from atp_ray.measures.rates import count
from atp_ray.measures.results import cells_with_shares
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.options import told_options
from atp_ray.play.parsing import visible_reply
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import observe_round
from atp_ray.play.sight import count_others
from atp_ray.report.cell_labels import cell_labels
from atp_ray.report.html.answer import TipCounts
from atp_ray.report.html.choice import MOST, Candidate, Chosen, candidates, choose
from atp_ray.report.html.rebuilt import read_profiles, rebuilt_specs
from atp_ray.report.html.sent import Said, marked, messages
from atp_ray.report.html.tables import Column, HtmlTable, Row, plain
from atp_ray.report.html.texts import Excerpt, excerpt, quantity
from atp_ray.storage.episode_rows import StoredEpisodes, settled_rounds, stored_episodes

ROUNDS_BEFORE = 3  # rounds shown before the two that are compared
REPLY_ROOM, THINKING_ROOM = 24_000, 24_000  # bytes of one reply


class Reply(NamedTuple):
    """What an agent said before a round and answered in it, its thinking apart."""

    round: int
    decision: str
    text: Excerpt | None
    thinking: Excerpt | None
    said: Excerpt | None = None


class Transcript(NamedTuple):
    """One seat around the tip; `messages` is empty where they could not be made again."""

    title: str
    setting: str
    change: str
    rounds: HtmlTable | None
    messages: tuple[Said, ...]
    n_messages_left_out: int
    replies: tuple[Reply, Reply]


class Transcripts(NamedTuple):
    """Transcripts with how they were chosen, what is to be known of them, and the tips of all episodes."""

    chosen_by: str
    notes: tuple[str, ...]
    shown: tuple[Transcript, ...]
    tipped: TipCounts


def transcripts(run_dir: Path, manifest: Mapping[str, Any]) -> Transcripts:
    """Return at most ten transcripts of a run around its tips, or of first and last rounds where no episode tipped.

    Raises:
        UsageError: the run has no results.
        StorageError: they cannot be read.
    """
    settings = cell_labels(run_dir)
    shares = cells_with_shares(run_dir)
    found = _all_tips(run_dir, settings, shares)
    counts = TipCounts(
        *(sum(column) for column in zip(TipCounts(0, 0, 0), *(tips for tips, _, _ in found), strict=True))
    )
    chosen = choose(run_dir, [tipped for _, tipped, _ in found])
    n_tips = len(chosen)
    chosen += choose(run_dir, [others for _, _, others in found], MOST - n_tips) if n_tips < MOST else []
    by_cell: dict[str, set[str]] = {}
    for entry in chosen:
        by_cell.setdefault(entry.candidate.cell_id, set()).add(entry.candidate.episode_id)
    specs, problem = {}, ""
    if chosen:
        try:
            specs = rebuilt_specs(run_dir, manifest, counts.n_episodes, by_cell)
        except AtpError as error:
            problem = f"The messages that agents were sent cannot be shown: {error.what}."
        else:
            n_missing = sum(entry.candidate.episode_id not in specs for entry in chosen)
            problem = f"The messages of {quantity(n_missing, 'transcript')} cannot be shown." if n_missing else ""
    stored = {cell_id: _stored(run_dir, cell_id, chosen, specs) for cell_id in by_cell}
    shown = tuple(
        _transcript(
            stored[entry.candidate.cell_id], manifest, entry, settings[entry.candidate.cell_id],
            specs.get(entry.candidate.episode_id), shares=entry.candidate.cell_id in shares,
        )
        for entry in chosen
    )  # fmt: skip
    notes = (problem, _policies(manifest, chosen, specs))
    told = _chosen_by(counts, n_tips, len(shown) - n_tips, tips=not shares.issuperset(settings))
    return Transcripts(told, tuple(filter(None, notes)), shown, counts)


def _all_tips(
    run_dir: Path, finished: Collection[str], shares: Collection[str]
) -> list[tuple[TipCounts, list[Candidate], list[Candidate]]]:
    """Return for each finished cell its counts and a few candidates; the tips of one cell are in memory at a time.

    Args:
        shares: the cells whose options are told by their shares; a deviant rate says nothing of them, so none tips.
    """
    found = []
    for cell in cell_tips(run_dir):
        if cell.cell_id not in finished:
            continue
        if cell.cell_id in shares:
            cell = cell._replace(tip_E=np.zeros_like(cell.tip_E))
        (tipped,), (others,) = candidates([cell])
        found.append((TipCounts(len(cell.tip_E), cell.n_later, cell.n_from_start), tipped, others))
    return found


def _chosen_by(counts: TipCounts, n_tips: int, n_others: int, *, tips: bool) -> str:
    if not n_tips + n_others:
        return "No episode has more than one round, so nothing can change between rounds."
    if not tips:
        return (
            f"Shown: {quantity(n_others, 'seat')} in the first and the last round in which they decided, taken evenly "
            "from settings and episodes, those whose choice changed first."
        )
    tipped = f"{quantity(counts.n_later, 'episode')} tipped after round 1." if counts.n_later else (
        "No episode tipped after round 1."
    )  # fmt: skip
    around = (
        f" Shown: {quantity(n_tips, 'seat')} that did not deviate in the round before the tip and did in the tip, "
        "taken evenly from the settings, one of each episode before a second of any."
    )
    also = "Beside them" if n_tips else "Shown instead"
    others = (
        f" {also}: {quantity(n_others, 'seat')} of episodes that did not tip after round 1, in their first and last "
        "round, taken evenly too, those whose decision changed first."
    )
    return f"{tipped}{around if n_tips else ''}{others if n_others else ''}"


def _policies(manifest: Mapping[str, Any], chosen: Sequence[Chosen], specs: Mapping[str, EpisodeSpec]) -> str:
    """Return the line about players that read no messages, empty where there are none."""
    if not specs:
        return ""
    kinds = {profile.name: profile.kind for profile in read_profiles(manifest).values()}
    known = [(spec, entry.seat) for entry in chosen if (spec := specs.get(entry.candidate.episode_id)) is not None]
    seated = [spec.seat_groups[seat].checkpoint for spec, seat in known]
    names = [name for name in dict.fromkeys(seated) if kinds.get(name) in MODELLESS_KINDS]
    if not names:
        return ""
    verb = "reads" if len(names) == 1 else "read"
    return f"{' and '.join(names)} {verb} no messages; those shown are what a language model in that seat is sent."


def _stored(run_dir: Path, cell_id: str, chosen: Sequence[Chosen], specs: Mapping[str, EpisodeSpec]) -> StoredEpisodes:
    """Read what the transcripts of one cell need."""
    own = [entry for entry in chosen if entry.candidate.cell_id == cell_id]
    rounds = {number for entry in own for number in _rounds_needed(entry, specs.get(entry.candidate.episode_id))}
    episodes = {entry.candidate.episode_id for entry in own}
    known = [specs[episode_id] for episode_id in episodes if episode_id in specs]
    seats = None if any(spec.visibility == "replies" for spec in known) else {entry.seat for entry in own}
    return stored_episodes(run_dir, cell_id, episodes, rounds, seats)


def _rounds_needed(chosen: Chosen, spec: EpisodeSpec | None) -> set[int]:
    """Return the two rounds, those an agent was told of in them, and those around that are shown."""
    window = spec.history_window if spec is not None else 0
    before, ends = max(ROUNDS_BEFORE, window), (chosen.before, chosen.after)
    around = {number for end in ends for number in range(max(1, end - before), end + 1)}
    asked = chosen.asked or ()
    told = {number for end in ends for number in [number for number in asked if number < end][-window:]}
    return around | told | {chosen.after + 1}


def _transcript(
    stored: StoredEpisodes,
    manifest: Mapping[str, Any],
    chosen: Chosen,
    setting: str,
    spec: EpisodeSpec | None,
    *,
    shares: bool,
) -> Transcript:
    of, seat = chosen.candidate, chosen.seat
    before, after = replies = _replies(stored, chosen, shares)
    where = f"{setting}, episode {of.episode_id}"
    change = f"{before.decision} in round {before.round}, {after.decision} in round {after.round}."
    if spec is None:
        return Transcript(f"Agent {seat + 1}", where, change, None, (), 0, replies)
    title = f"{spec.scenario.title}, agent {seat + 1}" if spec.parameters.n_agents > 1 else spec.scenario.title
    records = settled_rounds(stored, spec)
    known = [record for record in records if record.round < chosen.after]
    earlier_known = [record for record in known if record.round < chosen.before]
    said = {record.round: record.decisions.said_A for record in records}
    sent = messages(spec, manifest, known, seat, chosen.after, said.get(chosen.after))
    earlier = messages(spec, manifest, earlier_known, seat, chosen.before, said.get(chosen.before))
    shown, n_left_out = marked(sent, earlier)
    numbers = plain(paradigm(spec.paradigm).presentation.numbers_line(spec))
    where = f"{where}, seed {spec.seed}. {numbers}."
    return Transcript(title, where, change, _rounds(spec, records, chosen), shown, n_left_out, replies)


def _rounds(spec: EpisodeSpec, records: Sequence[RoundRecord], chosen: Chosen) -> HtmlTable:
    """Return what happened around the tip, round by round: to the others, to all, and to this seat."""
    told, seat, tip = paradigm(spec.paradigm).presentation, chosen.seat, chosen.candidate.tip
    several = spec.parameters.n_agents > 1 and not told_options(spec)  # their shares are part of the outcome
    whom = "others" if spec.neighbours is None else "neighbours"
    columns = [Column("round"), *([Column(f"{whom}: {told.terms.deviates}", "end")] if several else [])]
    columns += [Column("outcome"), Column("this agent")]
    notes = [plain(told.seat_note(spec, record, seat)) for record in records]
    columns += [Column("what it got")] if any(notes) else []
    rows = []
    for record, note in zip(records, notes, strict=True):
        between = chosen.before < record.round < chosen.after - ROUNDS_BEFORE
        if between or record.round < chosen.before - ROUNDS_BEFORE:
            continue
        others = count_others(spec, observe_round(spec, record, (seat,)).public, seat)
        mark = ""
        if record.round == tip:
            mark = f" (tip: {count(spec, record.decisions.action_A).rate:.0%})" if several else " (tip)"
        cells = [f"{record.round}{mark}", *([f"{others.n_deviant} of {others.n_decided}"] if several else [])]
        cells += [plain(told.round_line(spec, record)), _decision(spec, record, seat)]
        rows.append(Row((*cells, *([note] if any(notes) else []))))
    return HtmlTable("What happened, round by round", tuple(columns), tuple(rows))


def _decision(spec: EpisodeSpec, record: RoundRecord, seat: int) -> str:
    words = paradigm(spec.paradigm).presentation.seat_decision(spec, record, seat)
    stands = record.decisions.asked_A is not None and not record.decisions.asked_A[seat]
    return f"{words} (stands)" if stands and record.decisions.options_A[seat] >= 0 else words


def _replies(stored: StoredEpisodes, chosen: Chosen, shares: bool) -> tuple[Reply, Reply]:
    mine = (pc.field("episode_id") == chosen.candidate.episode_id) & (pc.field("seat") == chosen.seat)
    rows = {row["round"]: row for row in stored.replies.filter(mine).to_pylist()}
    before, after = (
        _reply(row, shares)._replace(said=excerpt(row["said"], REPLY_ROOM) if row["said"] is not None else None)
        for row in (rows[chosen.before], rows[chosen.after])
    )
    return before, after


def _reply(row: Mapping[str, Any], shares: bool) -> Reply:
    action = "" if shares else f" ({row['action']})"
    decision = f"\u201c{row['choice']}\u201d{action}" if row["choice"] else str(row["action"])
    if (reply := row["reply"]) is None:
        return Reply(row["round"], decision, None, None)
    answered = visible_reply(reply)
    if answered is None:
        return Reply(row["round"], decision, None, excerpt(reply, THINKING_ROOM))
    thinking = reply[: reply.rfind(answered)].strip() if answered else reply.strip()
    text = excerpt(answered, REPLY_ROOM) if answered else None
    return Reply(row["round"], decision, text, excerpt(thinking, THINKING_ROOM) if thinking else None)
