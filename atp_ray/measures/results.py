"""The `cells` dataset as typed rows: all that tables and figures are drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from atp_ray.measures.convergence import Convergence
from atp_ray.networks.kinds import EVERYONE
from atp_ray.paradigms.registry import DEFAULT
from atp_ray.play.cells import Embedded
from atp_ray.storage.tables import read_table, written_tables


class Setting(NamedTuple):
    """What a cell was played with; a number is None where a paradigm has none or the episodes do not share it.

    `placement` is None where seats are as listed, `revision` where everyone decides in every round.
    """

    checkpoint: str
    checkpoint_kind: str
    n_agents: int | None
    threshold: int | None
    incentive_ratio: float | None
    paradigm: str = DEFAULT
    supervision: str | None = None
    high: float | None = None
    medium: float | None = None
    low: float | None = None
    network: str = EVERYONE
    placement: str | None = None
    revision: float | None = None
    names: str | None = None
    established: str | None = None
    committed: int | None = None
    pairing: str | None = None


class Interval(NamedTuple):
    """A rate with its 95 % interval, and by which method."""

    rate: float
    low: float
    high: float
    n: int
    method: str


class OptionResult(NamedTuple):
    """One option: its share in each round, and that among all seats, fixed ones included."""

    option: str
    shares_R: tuple[Interval | None, ...]
    population_R: tuple[float | None, ...]


class CellResult(NamedTuple):
    """One cell: the deviant rate of each round, P(recollude | success), turns in all and without a decision.

    `accuracy_R` has the accuracy on the complex problems of each round; all None outside tool usage. `n_assumed`
    decisions were assumed, as their replies could not be read; `differs_from_paper` is None where it was not recorded.
    `options` are those whose shares are told, none where the deviant rate says it all; `converged` is then the
    convergence of each episode.
    """

    setting: Setting
    rates_R: tuple[Interval | None, ...]
    recollusion: Interval | None
    n_turns: int
    n_undecided: int
    accuracy_R: tuple[Interval | None, ...] = ()
    n_assumed: int = 0
    differs_from_paper: str | None = None
    options: tuple[OptionResult, ...] = ()
    converged: tuple[Convergence | None, ...] = ()


EMBEDDED_NOTE = "A small embedded test checkpoint, taught by an analytic policy."
FITTED_NOTE = "policy:fitted:* is a response model fitted to what a checkpoint did, not that checkpoint"
NOT_ABOUT = "Not a statement about Qwen or Llama."


def load_results(run_dir: Path) -> list[CellResult]:
    """Return a run's cells, sorted by setting in the order checkpoint, n, threshold, incentive ratio.

    Raises:
        UsageError: the folder holds no results.
        StorageError: they cannot be read.
    """
    found = {cell_id: _result(rows) for cell_id, rows in _rows_by_cell(run_dir, "cells").items()}
    if "shares" in written_tables(run_dir):
        converged = _rows_by_cell(run_dir, "episodes", ["cell_id", "converged_round", "converged_on"])
        for cell_id, rows in _rows_by_cell(run_dir, "shares").items():
            if cell_id in found:  # a run may be killed between two tables of a cell
                told = tuple(_convergence(row) for row in converged[cell_id])
                found[cell_id] = found[cell_id]._replace(options=_options(rows), converged=told)
    return sorted(found.values(), key=_order)


def cells_with_shares(run_dir: Path) -> set[str]:
    """Return the ids of a run's cells whose options are told by their shares.

    Raises:
        UsageError, StorageError: the run has no results or they cannot be read.
    """
    there = "shares" in written_tables(run_dir)
    return set(read_table(run_dir, "shares", ["cell_id"])["cell_id"].to_pylist()) if there else set()


def setting_of(row: Mapping[str, object]) -> Setting:
    """Return what a row of `cells` was played with."""
    # Runs of before the other paradigms, and of before networks, have no such column.
    fields = {**row, "paradigm": row["paradigm"] or DEFAULT, "network": row["network"] or EVERYONE}
    return Setting(*(fields[field] for field in Setting._fields))  # type: ignore[arg-type]


def own_numbers(setting: Setting) -> tuple[float | str, ...]:
    """Return what orders settings of the same payoffs: who sees whom, names, committed agents, pairing."""
    way = (setting.network, setting.placement or "", setting.revision or 1.0)
    return (*way, setting.names or "", setting.established or "", setting.committed or 0, setting.pairing or "")


def honest_label(results: Iterable[CellResult]) -> str | None:
    """Return the line that says what small or analytic players' results are not about; None for real checkpoints."""
    return players_label((result.setting.checkpoint, result.setting.checkpoint_kind) for result in results)


def players_label(players: Iterable[tuple[str, str]]) -> str | None:
    """Return the honest label of what these play, each a checkpoint and its kind."""
    kinds: dict[str, set[str]] = {}
    for checkpoint, kind in players:
        kinds.setdefault(kind, set()).add(checkpoint)
    notes = []
    if embedded := kinds.get("embedded"):
        notes.append(f"{_small(embedded)} taught by an analytic policy")
    if "policy" in kinds:
        notes.append("policy:* is an analytic policy, no language model")
    if "fitted" in kinds:
        notes.append(FITTED_NOTE)
    return f"{'; '.join(notes)}. {NOT_ABOUT}" if notes else None


def _small(embedded: set[str]) -> str:
    """Return what small checkpoints are: the shipped ones by name, and that others were trained from them."""
    parts = [name for name in get_args(Embedded) if name in embedded]
    if embedded.difference(parts):
        parts = [*(parts or ["tiny"]), f"what is trained from {'them' if len(parts) > 1 else 'it'}"]
    what = "is a small embedded test checkpoint" if len(parts) == 1 else "are small embedded test checkpoints"
    return f"{' and '.join(parts)} {what}"


def complement(interval: Interval | None) -> Interval | None:
    """Return the interval of the opposite: the tool usage rate is one minus the rate of doing without."""
    if interval is None:
        return None
    return Interval(1 - interval.rate, 1 - interval.high, 1 - interval.low, interval.n, interval.method)


def interval_note(results: Iterable[CellResult]) -> str:
    """Return what a caption says of the intervals: that they are at 95 %, and by which methods."""
    results = list(results)
    shares = (rate for result in results for option in result.options for rate in option.shares_R)
    rates = (rate for result in results if not result.options for rate in result.rates_R)
    methods = [*dict.fromkeys(rate.method for rate in (*rates, *shares) if rate)]
    if assumed := sum(result.n_assumed for result in results):
        methods.append(f"{assumed} unreadable replies counted as the action not taken")
    return f"95 % intervals ({'; '.join(methods)})" if methods else "95 % intervals"


def values(results: Sequence[CellResult], field: str) -> list[object]:
    """Return the distinct values of one setting field, in order."""
    return list(dict.fromkeys(getattr(result.setting, field) for result in results))


def _rows_by_cell(run_dir: Path, name: str, columns: Sequence[str] | None = None) -> dict[str, list[dict[str, object]]]:
    by_cell: dict[str, list[dict[str, object]]] = {}
    for row in read_table(run_dir, name, columns).to_pylist():
        by_cell.setdefault(row["cell_id"], []).append(row)
    return by_cell


def _convergence(row: Mapping[str, object]) -> Convergence | None:
    number, option = row["converged_round"], row["converged_on"]
    return None if number is None else Convergence(int(number), str(option))  # type: ignore[call-overload]


def _options(rows: Sequence[dict[str, object]]) -> tuple[OptionResult, ...]:
    by_option: dict[str, list[dict[str, object]]] = {}
    for row in sorted(rows, key=lambda row: row["round"]):  # type: ignore[arg-type,return-value]
        by_option.setdefault(str(row["option"]), []).append(row)
    return tuple(
        OptionResult(
            option,
            tuple(_interval(row, "share", "ci_low", "ci_high", "n_decisions") for row in own),
            tuple(row["population_share"] for row in own),  # type: ignore[misc]
        )
        for option, own in by_option.items()
    )


def _result(rows: list[dict[str, object]]) -> CellResult:
    rows.sort(key=lambda row: row["round"])  # type: ignore[arg-type,return-value]
    first = rows[0]
    setting = setting_of(first)
    rates = tuple(_interval(row, "deviant_rate", "ci_low", "ci_high", "n_decisions") for row in rows)
    again = _interval(
        first | {"ci_method": first["p_recollude_ci_method"] or first["ci_method"]},
        *("p_recollude_given_success", "p_recollude_ci_low", "p_recollude_ci_high", "n_recollude"),
    )
    undecided = sum(int(row["n_undecided"]) for row in rows)  # type: ignore[call-overload]
    decided = sum(int(row["n_decisions"]) for row in rows)  # type: ignore[call-overload]
    accuracy = tuple(_interval(row, "accuracy", "accuracy_ci_low", "accuracy_ci_high", "n_decisions") for row in rows)
    assumed = sum(int(row["n_assumed"] or 0) for row in rows)  # type: ignore[call-overload]
    differs = first["differs_from_paper"]
    told = None if differs is None else str(differs)
    return CellResult(setting, rates, again, decided + undecided, undecided, accuracy, assumed, told)


def _interval(row: dict[str, object], *columns: str) -> Interval | None:
    rate, low, high, n, method = (row[column] for column in (*columns, "ci_method"))
    return None if rate is None else Interval(float(rate), float(low), float(high), int(n), str(method))  # type: ignore[arg-type,call-overload]


def _order(result: CellResult) -> tuple[object, ...]:
    setting = result.setting
    return (
        setting.checkpoint,
        setting.n_agents or 0,
        setting.threshold or 0,
        setting.incentive_ratio if setting.incentive_ratio is not None else -1.0,
        setting.supervision or "",
        setting.high or 0,
        setting.low or 0,
        *own_numbers(setting),
    )
