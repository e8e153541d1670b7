"""Shares of options by round, and where populations converge: the tables of what one deviant rate does not tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from statistics import median

from rich import box
from rich.table import Table

from atp_ray.measures.convergence import CONVERGED_SHARE, Convergence
from atp_ray.measures.results import CellResult, OptionResult, Setting
from atp_ray.report.texts import percent_text, shown_rounds

MOST_OPTIONS = 7
CONVERGES = f"at least {100 * CONVERGED_SHARE:g} % of all seats stand by one option until the end"


def chief_options(results: Sequence[CellResult], most: int = MOST_OPTIONS) -> list[str]:
    """Return the options that are told one by one, in their own order: those that ever had the largest shares."""
    highest: dict[str, float] = {}
    for option in (option for result in results for option in result.options):
        highest[option.option] = max(highest.get(option.option, 0.0), highest_share(option))
    chief = sorted(highest, key=lambda name: -highest[name])[:most]
    return [name for name in highest if name in chief]


def highest_share(option: OptionResult) -> float:
    """Return the largest share an option had in any round, 0 where nothing was decided."""
    return max((share.rate for share in option.shares_R if share), default=0.0)


def shares_table(results: Sequence[CellResult], label: Callable[[Setting], str]) -> Table:
    """Return the share of each option by round, a row per cell and option; small ones are counted together."""
    rounds = shown_rounds(max(len(result.rates_R) for result in results))
    table = Table(title="Share of each option in % (95 % interval) by round", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("checkpoint", "setting", "option"):
        table.add_column(name, no_wrap=name == "option")
    for number in rounds:
        table.add_column(f"r{number}", justify="right", no_wrap=True)
    for result in results:
        heads = [(result.setting.checkpoint, label(result.setting)), *[("", "")] * len(result.options)]
        rows = list(_rows(result, rounds))
        for place, (head, row) in enumerate(zip(heads, rows, strict=False)):
            table.add_row(*head, *row, end_section=place == len(rows) - 1 and len(results) > 1)
    return table


def _rows(result: CellResult, rounds: Sequence[int]) -> Iterator[tuple[str, ...]]:
    chief = chief_options([result])
    for option in result.options:
        if option.option in chief:
            shares = (option.shares_R[number - 1] if number <= len(option.shares_R) else None for number in rounds)
            yield (option.option, *map(percent_text, shares))
    if others := [option for option in result.options if option.option not in chief]:
        yield (f"{len(others)} others", *(_sum_text(others, number) for number in rounds))


def _sum_text(options: Sequence[OptionResult], number: int) -> str:
    shares = [share.rate for option in options for share in option.shares_R[number - 1 : number] if share]
    return f"{100 * sum(shares):.1f}" if shares else "-"


def convergence_table(results: Sequence[CellResult], label: Callable[[Setting], str]) -> Table:
    """Return how many episodes of each cell converged, from which round on, and on what."""
    title = f"Convergence: {CONVERGES}"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("checkpoint", "setting", "converged", "from round", "on"):
        table.add_column(name, justify="left" if name in ("checkpoint", "setting", "on") else "right")
    for result in results:
        found = [entry for entry in result.converged if entry is not None]
        texts = f"{len(found)} of {len(result.converged)}", rounds_text(found), on_text(found)
        table.add_row(result.setting.checkpoint, label(result.setting), *texts)
    return table


def rounds_text(found: Sequence[Convergence]) -> str:
    """Return the round from which on episodes stay converged: the median, and the first and last where they differ."""
    if not found:
        return "-"
    rounds = sorted(entry.round for entry in found)
    middle = f"{median(rounds):g}"
    return middle if rounds[0] == rounds[-1] else f"{middle} ({rounds[0]}-{rounds[-1]})"


def on_text(found: Sequence[Convergence]) -> str:
    """Return on which options episodes converged, how often, the most frequent first."""
    counts = Counter(entry.option for entry in found).most_common()
    told = [f"{option} {count}" for option, count in counts[:MOST_OPTIONS]]
    more = len(counts) - MOST_OPTIONS
    return ", ".join([*told, *([f"and {more} more"] if more > 0 else [])]) or "-"
