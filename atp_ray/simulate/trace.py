"""The trace view: an episode round by round for a terminal, in the manner of the paper's Figure 5."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from atp_ray.paradigms.presentation import Presentation
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.actions import Action
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.options import told_options
from atp_ray.play.parsing import visible_reply
from atp_ray.play.probe_answers import read_answer
from atp_ray.play.records import RoundRecord
from atp_ray.play.talk import SILENCE

_COLOURS = {
    Action.DEVIANT: "red",
    Action.ALIGNED: "green",
    Action.UNPARSED: "yellow",
    Action.MISSING: "yellow",
    Action.IDLE: "dim",
}


def print_trace(console: Console, cell: CellSpec, records: Sequence[RoundRecord], n_replies: int) -> None:
    """Print the first episode of a cell: what it is, then what every agent did in each round.

    Args:
        n_replies: agents shown per round; the others are only counted.
    """
    spec = cell.episodes[0]
    told = paradigm(spec.paradigm).presentation
    _print_header(console, cell, told)
    for record in records:
        console.print(f"\n[bold]Round {record.round}[/bold]: {told.round_line(spec, record)}")
        for seat in range(min(n_replies, spec.parameters.n_agents)):
            _print_seat(console, spec, record, seat, told)
        if spec.parameters.n_agents > n_replies:
            console.print(f"  ... and {spec.parameters.n_agents - n_replies} more (--replies N)")
        _print_probes(console, spec, record, n_replies)


def _print_header(console: Console, cell: CellSpec, told: Presentation) -> None:
    spec = cell.episodes[0]
    *others, last = spec.scenario.options
    console.print(f"\n[bold]{spec.scenario.title}[/bold]: {', '.join(others)} or {last}")
    note = " (not a statement about Qwen or Llama)" if cell.checkpoint_kind in ("embedded", "policy", "fitted") else ""
    console.print(f"{told.numbers_line(spec)}, {cell.checkpoint}{note}")


def _print_seat(console: Console, spec: EpisodeSpec, record: RoundRecord, seat: int, told: Presentation) -> None:
    if (lines := told.seat_lines(spec, record, seat)) is not None:
        for line in lines:
            console.print(line)
        return
    stands = record.decisions.asked_A is not None and not record.decisions.asked_A[seat]
    idle = record.decisions.action_A[seat] == Action.IDLE
    mark = _mark(spec, record, seat, told) + (" [dim](not asked in this round)[/dim]" if stands and not idle else "")
    console.print(f"  agent {seat + 1:<3} {mark}  {told.seat_note(spec, record, seat)}")
    if record.decisions.said_A is not None and not stands:
        said = record.decisions.said_A[seat]
        console.print(f"            says: {escape(said) if said is not None else SILENCE}")
    if (reply := record.decisions.reply_A[seat]) and not stands:
        console.print(f"            {escape(visible_reply(reply) or reply)}", style="dim")


def _print_probes(console: Console, spec: EpisodeSpec, record: RoundRecord, n_replies: int) -> None:
    kinds = {probe.name: probe.answer for probe in spec.probes}
    for probed in record.probed:
        replies = probed.answers.text_A[:n_replies]
        told = [read_answer(reply, kinds[probed.probe]).text if reply is not None else None for reply in replies]
        listed = "; ".join(f"{seat + 1}: {escape(text or '-')}" for seat, text in enumerate(told))
        console.print(f"  [dim]asked aside, {probed.probe}:[/dim] {listed}")


def _mark(spec: EpisodeSpec, record: RoundRecord, seat: int, told: Presentation) -> str:
    words = escape(told.seat_decision(spec, record, seat))
    action = Action(int(record.decisions.action_A[seat]))
    if action.is_decision and told_options(spec):
        return f"[cyan]{words}[/cyan]"
    return f"[{_COLOURS[action]}]{words}[/{_COLOURS[action]}]"
