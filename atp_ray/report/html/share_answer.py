"""The answer of a run whose options are told by their shares: what populations settle on, and from which round on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from atp_ray.measures.convergence import Convergence
from atp_ray.measures.results import CellResult, Interval, values
from atp_ray.paradigms.registry import paradigm
from atp_ray.report.html.tables import Column, HtmlTable, Row, shortened
from atp_ray.report.html.texts import joined, quantity
from atp_ray.report.share_tables import CONVERGES, on_text, rounds_text


def share_question(results: Sequence[CellResult]) -> str:
    """Return the question in a sentence."""
    names = joined([str(name) for name in values(results, "checkpoint")])
    return (
        f"On which option do populations of {names} settle, and from which round on, when agents learn from nothing "
        "but what happened in earlier rounds?"
    )


def share_sentences(results: Sequence[CellResult]) -> Iterator[str]:
    """Yield what populations of each checkpoint settled on, and of a single setting the shares at its end."""
    for name in values(results, "checkpoint"):
        own = [result for result in results if result.setting.checkpoint == name]
        episodes = [entry for result in own for entry in result.converged]
        found = [entry for entry in episodes if entry is not None]
        settled = f"Of {quantity(len(episodes), 'episode')} of {name}, {len(found) or 'none'} converged ({CONVERGES})"
        yield f"{settled}: on {on_text(found)}, {_from(found)}." if found else f"{settled}."
        if len(own) == 1 and (last := _leading(own[0], -1)) is not None:
            option, share = last
            yield f"In the last round the most frequent option is {option}, with a share of {_percent(share)}."


def share_table(results: Sequence[CellResult]) -> HtmlTable:
    """Return the most frequent option of first and last round and the convergence, setting by setting."""
    rows = []
    for result in results:
        label = paradigm(result.setting.paradigm).presentation.setting_label(result.setting)
        found = [entry for entry in result.converged if entry is not None]
        ends = (_text(result, 0), _text(result, -1))
        texts = (*ends, f"{len(found)} of {len(result.converged)}", rounds_text(found), on_text(found))
        rows.append(Row((result.setting.checkpoint, label, *texts)))
    columns = (
        Column("checkpoint"), Column("setting"), Column("first round", "end"), Column("last round", "end"),
        Column("converged", "end"), Column("from round", "end"), Column("on"),
    )  # fmt: skip
    caption = "Most frequent option in the first and the last round of every setting: share in % (95 % interval)"
    note = f"Converged: {CONVERGES}; the median round, the first and the last."
    return shortened(HtmlTable(caption, columns, tuple(rows), note))


def _from(found: Sequence[Convergence]) -> str:
    rounds = sorted(entry.round for entry in found)
    if rounds[0] == rounds[-1]:
        return f"from round {rounds[0]} on"
    return f"from round {median(rounds):g} on at the median, the first from round {rounds[0]}, the last {rounds[-1]}"


def _leading(result: CellResult, place: int) -> tuple[str, Interval] | None:
    """Return the most frequent option of one round with its share, None where nothing was decided."""
    found = [(option.option, share) for option in result.options if (share := option.shares_R[place]) is not None]
    return max(found, key=lambda entry: entry[1].rate, default=None)


def _text(result: CellResult, place: int) -> str:
    leading = _leading(result, place)
    return "-" if leading is None else f"{leading[0]} {_percent(leading[1])}"


def _percent(share: Interval) -> str:
    return f"{100 * share.rate:.1f} % ({100 * share.low:.0f}\u2013{100 * share.high:.0f})"
