"""How rates, rounds and gaps are written in tables."""

from __future__ import annotations

from pathlib import Path

from atp_ray.measures.results import CellResult, Interval

MOST_COLUMNS = 4
WIDE_COLUMNS = 6  # where there are few other columns


def shown_rounds(n_rounds: int, most: int = MOST_COLUMNS) -> list[int]:
    """Return the rounds a table has room for: all of a few, else evenly spaced ones with the first and the last."""
    if n_rounds <= most:
        return list(range(1, n_rounds + 1))
    return [1 + round(i * (n_rounds - 1) / (most - 1)) for i in range(most)]


def percent_text(interval: Interval | None) -> str:
    """Return a rate in percent with its 95 % interval, `-` where nothing was decided."""
    if interval is None:
        return "-"
    return f"{100 * interval.rate:.1f} ({100 * interval.low:.0f}-{100 * interval.high:.0f})"


def or_dash(value: float | None) -> str:
    """Return a number, `-` for none."""
    return "-" if value is None else f"{value:g}"


def undecided_text(result: CellResult) -> str:
    """Return the share of turns without a decision; `+` adds those that were counted as the action not taken."""
    if not result.n_turns:
        return "-"
    assumed = f" + {result.n_assumed / result.n_turns:.1%}" if result.n_assumed else ""
    return f"{result.n_undecided / result.n_turns:.1%}{assumed}"


def written_line(path: Path, shown: str) -> str:
    """Return the line that says what was drawn or written, and where."""
    return f"{'Written: ' if path.suffix == '.parquet' else 'Figure:  '}{shown}"
