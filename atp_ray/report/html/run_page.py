"""The page of a sweep or a training run, read from its folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.table import Table
from rich.text import Text

from atp_ray.alignment.learning_curve import MetricRow
from atp_ray.errors import AtpError
from atp_ray.measures.results import EMBEDDED_NOTE, NOT_ABOUT, CellResult, honest_label, interval_note, load_results
from atp_ray.report.comparing import compared_in
from atp_ray.report.figures.learning_curve import learning_curve
from atp_ray.report.html.answer import answer
from atp_ray.report.html.figures import HtmlFigure, html_figure, page_style
from atp_ray.report.html.page import Page, Part
from atp_ray.report.html.reproduce import Recipe, recipe, seeds_text
from atp_ray.report.html.tables import html_table
from atp_ray.report.html.texts import quantity
from atp_ray.report.html.transcripts import transcripts
from atp_ray.report.html.trees import Entry, entries
from atp_ray.report.run_report import by_paradigm, summary_tables
from atp_ray.report.share_tables import CONVERGES
from atp_ray.report.training import training_table
from atp_ray.storage.tables import reading, table_files

FIGURES_ROOM = 1_600_000  # bytes of all figures of a page together
# What is measured, and when something has happened.
_RATES = (
    "A rate is the number of deviant decisions",
    "An episode tips in the first round from which its rate stays above one half.",
)
_SHARES = (
    "A share is the number of decisions for an option",
    f"An episode converges in the first round from which on {CONVERGES}; fixed seats count there, and so does what a "
    "seat that is not asked in a round decided last.",
)
_TOKENS = ("prompt_tokens", "completion_tokens")


def sweep_page(run_dir: Path, manifest: Mapping[str, Any], made: date) -> Page:
    """Return the page of a sweep.

    Raises:
        UsageError, StorageError: it has no results, or they cannot be read.
    """
    results = load_results(run_dir)
    label = honest_label(results)
    told = transcripts(run_dir, manifest)
    shown = summary_tables(run_dir)
    tables = [html_table(table) for table in shown if isinstance(table, Table)]
    notes = [text.plain for text in shown if isinstance(text, Text) and text.plain != label]
    answered = answer(results, told.tipped, compared_in(run_dir, results))
    names = list(dict.fromkeys(result.setting.checkpoint for result in results))
    grid = manifest.get("grid") or {}
    return Page(
        title=f"{grid.get('name', 'Run')}: {', '.join(names)}",
        description=str(grid.get("description") or ""),
        made=made.isoformat(),
        label=label,
        warnings=_warnings(manifest, len(results)),
        answer=answered,
        figures=_figures(results),
        tables=[*([answered.table] if answered.table else []), *tables],
        notes=notes,
        transcripts=told,
        plan=entries(manifest.get("plan")),
        costs=_costs(run_dir, manifest),
        methods=_methods(results),
        versions=versions(manifest),
        recipe=_recipe(manifest),
        seeds=seeds_text(manifest.get("seeds") or []),
    )


def training_page(manifest: Mapping[str, Any], rows: Sequence[MetricRow], made: date) -> Page:
    """Return the page of a training run: learning curve, metrics, settings."""
    with page_style():
        figure = html_figure(learning_curve(manifest, rows), 1, "Learning curve")
    return Page(
        title=f"Training run {manifest['name']}",
        description=f"{manifest['method'].upper()} of {manifest['base']} on {manifest['examples']:,} examples",
        made=made.isoformat(),
        label=f"{EMBEDDED_NOTE} {NOT_ABOUT}" if manifest.get("embedded") else None,
        warnings=["The training run is not complete."] if manifest.get("status") != "complete" else [],
        figures=[figure],
        tables=[html_table(training_table(manifest, rows))],
        costs=_costs(None, manifest),
        versions=[*versions(manifest), Part("Training profile", entries(manifest.get("profile")))],
    )


def _warnings(manifest: Mapping[str, Any], n_done: int) -> list[str]:
    n_cells = manifest.get("n_cells")
    if n_cells is None or n_done >= n_cells:
        return []
    return [f"The run is incomplete: {n_done} of {n_cells} cells are finished. What is below is about these."]


def _figures(results: Sequence[CellResult]) -> list[HtmlFigure]:
    """Return the figures there is room for, those of the paper's numbers first."""
    made: list[HtmlFigure] = []
    with page_style():
        for room, of_room in by_paradigm(results):
            for figure, _ in room.presentation.figures(of_room):
                drawn = html_figure(figure, len(made) + 1)
                if sum(len(known.source) for known in [*made, drawn]) <= FIGURES_ROOM:
                    made.append(drawn)
    return made


def _costs(run_dir: Path | None, manifest: Mapping[str, Any]) -> list[Part]:
    """Return what the run says of its costs; without a word of it, seconds and the tokens in its decisions."""
    parts = [Part("Used", entries(manifest.get("costs"))), Part("Estimate", entries(manifest.get("costs_estimate")))]
    parts.append(Part("Time in seconds", entries(manifest.get("seconds"))))
    if run_dir is not None and not manifest.get("costs"):
        parts.append(Part("Tokens", entries(_tokens(run_dir))))
    return [part for part in parts if part.entries]


def _tokens(run_dir: Path) -> dict[str, int]:
    """Return the tokens of all decisions, read batch by batch; empty without a model."""
    totals = dict.fromkeys(_TOKENS, 0)
    for path in table_files(run_dir, "decisions"):
        with reading(path):
            for batch in pq.ParquetFile(path).iter_batches(columns=list(_TOKENS)):
                for name in _TOKENS:
                    totals[name] += pc.sum(batch[name]).as_py() or 0
    return totals if any(totals.values()) else {}


def _methods(results: Sequence[CellResult]) -> list[str]:
    """Return what the numbers of this run mean, a sentence or two each."""
    shares = all(result.options for result in results)
    measure, end = _SHARES if shares else _RATES
    told = [] if shares else [
        f"{room.title.capitalize()}: the deviant action is called \u201c{room.presentation.terms.deviates}\u201d, the "
        f"aligned one \u201c{room.presentation.terms.complies}\u201d; the rate is the {room.presentation.terms.rate}."
        for room, _ in by_paradigm(results)
    ]  # fmt: skip
    n_turns, n_assumed = sum(r.n_turns for r in results), sum(r.n_assumed for r in results)
    n_undecided = sum(r.n_undecided for r in results) + n_assumed
    unread = (
        f"{n_assumed:,} of them are counted as the action that was not seen to be taken, as the paper\u2019s code "
        "does; the rest is counted apart."
        if n_assumed
        else "They are counted apart and are never taken for a choice."
    )
    return [
        *told,
        f"{measure} divided by the number of decisions that {'are counted' if n_assumed else 'could be read'}, over "
        "the seats under study. Seats of fixed policies take part but are not counted.",
        f"Of {quantity(n_turns, 'turn')}, {n_undecided:,} gave no readable decision. {unread}",
        f"Uncertainty: {interval_note(results)}.",
        end,
        "No weights are trained between rounds: an agent\u2019s past decisions, and what it saw of others and of "
        "outcomes, are all that changes.",
    ]


def versions(manifest: Mapping[str, Any]) -> list[Part]:
    """Return with what a run was made: versions, machine, checkpoints."""
    about = {name: manifest.get(name) for name in ("atp_ray", "created", "status", "python", "machine")}
    about["result schema"] = manifest.get("schema_version")
    parts = [
        Part("Run", entries(about)),
        Part("Checkpoints", tuple(_checkpoints(manifest))),
        Part("Packages", entries(manifest.get("packages"))),
    ]
    return [part for part in parts if part.entries]


def _checkpoints(manifest: Mapping[str, Any]) -> Iterator[Entry]:
    """Yield what is worth knowing of each checkpoint; folders and addresses of whoever ran it are not."""
    checkpoints = manifest.get("checkpoints")
    for profile in checkpoints.values() if isinstance(checkpoints, Mapping) else ():
        if isinstance(profile, Mapping):
            about = {name: profile.get(name) for name in ("kind", "revision", "sampling")}
            source = str(profile.get("source") or profile.get("model") or "")
            weights = "" if source.startswith("/") else source
            yield Entry(str(profile.get("name")), "", entries({"weights": weights, **about}))


def _recipe(manifest: Mapping[str, Any]) -> Recipe | None:
    try:
        return recipe(manifest)
    except AtpError:  # a run of before grids were recorded, or of a paradigm that is not installed
        return None
