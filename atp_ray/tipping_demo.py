"""`python -m atp_ray.tipping_demo`: align the embedded checkpoint by DPO and GRPO, and see how fast each variant tips.

Preference pairs, four LoRA adapters (DPO and GRPO, for the games and for role-play), Figure 3 and Table 1 over base and
variants, and one figure of both. Every part is one of the project's commands; stopped, the same command goes on.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from atp_ray import align, checkpoints, sweep
from atp_ray.cli import positive_int, report_console, run_command
from atp_ray.figures.style import figure_style, save_figure
from atp_ray.figures.tipping import draw_tipping
from atp_ray.paradigms import Paradigm
from atp_ray.results import CellResult, load_results

VARIANTS = ("base", "DPO", "GRPO")


class Part(NamedTuple):
    """The demo on one paradigm: short name of its variants, the grid that measures them, and repetitions."""

    paradigm: Paradigm
    short: str
    grid: str


PARTS = (Part("games", "ma", "figure3"), Part("role_play", "sa", "table1"))


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m atp_ray.tipping_demo", description=__doc__.partition(": ")[2])
    parser.add_argument("--out", type=Path, default=Path("runs/tipping_demo"), help="folder of all parts")
    parser.add_argument("--seeds", type=positive_int, default=5, help="repetitions of every episode (default: 5)")
    parser.add_argument(
        "--rebuild", action="store_true", help="train tiny anew first (half an hour) instead of using the shipped one"
    )
    arguments = parser.parse_args(argv)
    console = report_console()
    started = time.monotonic()
    out: Path = arguments.out
    base = "tiny"
    if arguments.rebuild:
        base = str(out / "tiny")
        _step(console, f"build {base}", lambda: _build(out / "tiny"))
    for part in PARTS:
        _align(console, part, base, out)
    for part in PARTS:
        _measure(console, part, base, out, arguments.seeds)
    games, role_play = (_results(out, part, base) for part in PARTS)
    with figure_style():
        figures = save_figure(draw_tipping(games, role_play, VARIANTS), out, "tipping", ("png", "svg"))
    for path in figures:
        console.print(f"Figure:  {path}", soft_wrap=True)
    console.print(f"Time:    {time.monotonic() - started:.0f} s for all parts")
    console.print(f"Next:    python -m atp_ray.report {out}/figure3", soft_wrap=True)
    return 0


def _align(console: Console, part: Part, base: str, out: Path) -> None:
    pairs, common = out / f"pairs-{part.short}", ["--checkpoint", base, "--out"]
    if not (pairs / align.PAIRS_FILE).exists():
        collect = ["pairs", "--paradigm", part.paradigm, *common, str(pairs)]
        _step(console, f"preference pairs, {part.paradigm}", lambda: align.main(collect))
    data = {"dpo": ["--pairs", str(pairs)], "grpo": ["--paradigm", part.paradigm]}
    for method, what in data.items():
        command = [method, "--profile", f"tiny-{method}-lora", *what, *common, str(_run(out, part, method))]
        _step(console, f"{method.upper()}, {part.paradigm}", partial(align.main, command))


def _measure(console: Console, part: Part, base: str, out: Path, seeds: int) -> None:
    run = out / part.grid
    names = [base, str(_run(out, part, "dpo")), str(_run(out, part, "grpo"))]
    chosen = [word for name in names for word in ("--checkpoint", name)]
    arguments = ["--grid", part.grid, "--seeds", str(seeds), *chosen]
    if (run / "run.json").exists():
        arguments = ["--resume"]
    _step(console, f"{part.grid} over {', '.join(VARIANTS)}", lambda: sweep.main([*arguments, "--out", str(run)]))


def _run(out: Path, part: Part, method: str) -> Path:
    return out / f"tiny-{part.short}-{method}"


def _results(out: Path, part: Part, base: str) -> list[CellResult]:
    """Return the part's cells in the order base, DPO, GRPO."""
    order = [base, _run(out, part, "dpo").name, _run(out, part, "grpo").name]
    return sorted(load_results(out / part.grid), key=lambda result: order.index(result.setting.checkpoint))


def _build(folder: Path) -> int:
    if (folder / "config.json").exists():
        return 0
    return checkpoints.main(["build", "tiny", "--out", str(folder)])


def _step(console: Console, title: str, command: Callable[[], int]) -> None:
    console.rule(title)
    command()


if __name__ == "__main__":
    run_command(main)
