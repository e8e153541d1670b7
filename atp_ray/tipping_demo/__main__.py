"""`python -m atp_ray.tipping_demo`: align the embedded checkpoint by DPO and GRPO, and see how fast each variant tips.

Preference pairs, four LoRA adapters (DPO and GRPO, for the games and for role-play), Figure 3 and Table 1 over base and
variants, and one figure of both. Every part is one of the project's commands, shown before it runs; the same command
resumes a demo that was stopped.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from atp_ray.cli.parsing import parse_options
from atp_ray.cli.run import report_console, run_command
from atp_ray.errors import EngineError
from atp_ray.measures.results import CellResult, load_results
from atp_ray.report.figures.style import figure_style, save_figure
from atp_ray.report.figures.tipping import draw_tipping
from atp_ray.tipping_demo.options import TippingDemoOptions

VARIANTS = ("base", "DPO", "GRPO")


class Part(NamedTuple):
    """The demo on one paradigm: short name of its variants, and the grid that measures them."""

    paradigm: str
    short: str
    grid: str


PARTS = (Part("games", "ma", "figure3"), Part("role_play", "sa", "table1"))


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return run(parse_options(TippingDemoOptions, argv, "python -m atp_ray.tipping_demo"))


def run(options: TippingDemoOptions) -> int:
    """Do what the options ask for; returns the exit code."""
    console = report_console()
    started = time.monotonic()
    out = options.out
    base = "tiny"
    if options.rebuild:
        base = str((out / "tiny").resolve())
        if not (out / "tiny" / "config.json").exists():
            _run(console, "checkpoints", "build", "tiny", "--out", base)
    for part in PARTS:
        _align(console, part, base, out)
    for part in PARTS:
        _measure(console, part, base, out, options.seeds)
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
    if not (pairs / "pairs.parquet").exists():
        _run(console, "align", "pairs", "--paradigm", part.paradigm, *common, str(pairs))
    data = {"dpo": ["--pairs", str(pairs)], "grpo": ["--paradigm", part.paradigm]}
    for method, what in data.items():
        profile = ["--profile", f"tiny-{method}-lora"]
        _run(console, "align", method, *profile, *what, *common, str(_variant(out, part, method)))


def _measure(console: Console, part: Part, base: str, out: Path, seeds: int) -> None:
    run = out / part.grid
    if (run / "run.json").exists():
        _run(console, "sweep", "--resume", "--out", str(run))
        return
    names = [base, str(_variant(out, part, "dpo")), str(_variant(out, part, "grpo"))]
    chosen = [word for name in names for word in ("--checkpoint", name)]
    _run(console, "sweep", "--grid", part.grid, "--seeds", str(seeds), *chosen, "--out", str(run))


def _variant(out: Path, part: Part, method: str) -> Path:
    return out / f"tiny-{part.short}-{method}"


def _run(console: Console, command: str, *arguments: str) -> None:
    """Run one of the project's commands.

    Raises:
        EngineError: it failed; it has said why.
    """
    console.rule(f"python -m atp_ray.{command} {' '.join(arguments)}", align="left")
    done = subprocess.run([sys.executable, "-m", f"atp_ray.{command}", *arguments], check=False)
    if done.returncode:
        raise EngineError(
            f"`{command} {arguments[0]}` ended with exit code {done.returncode}", hint="Then run it again"
        )


def _results(out: Path, part: Part, base: str) -> list[CellResult]:
    """Return the part's cells in the order base, DPO, GRPO."""
    order = [base, _variant(out, part, "dpo").name, _variant(out, part, "grpo").name]
    return sorted(load_results(out / part.grid), key=lambda result: order.index(result.setting.checkpoint))


if __name__ == "__main__":
    run_command(main)
