"""Commands in tests: in the process of the test, on its Ray, or as real processes that can be killed."""

from __future__ import annotations

import contextlib
import importlib
import io
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import psutil
from support import PATIENCE_S, wait_until
from times import dear_start

from atp_ray.cli.run import run_command
from atp_ray.config_files import configs_dir
from atp_ray.storage.tables import read_table

ROOT = configs_dir().parent
# Four cells of two episodes of sixty rounds: long enough to be killed in the middle.
FIGURE3 = ["--grid", "figure3", "--checkpoint", "policy:quantal", "--rounds", "60",
           "--scenarios", "info_sharing,hunting_game"]  # fmt: skip
FIGURE3_ROUNDS = 4 * 2 * 60


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def run_here(module: str, *arguments: object) -> Done:
    """Run a command in this process, as its own would; where this process has a Ray, the command uses it."""
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            run_command(
                importlib.import_module(f"atp_ray.{module}.__main__").main, [str(argument) for argument in arguments]
            )
        except SystemExit as stopped:
            code = stopped.code
    assert isinstance(code, int)
    return Done(code, out.getvalue(), errors.getvalue())


def run_process(module: str, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own, with a Ray of its own where it needs one."""
    with dear_start("command"):
        return subprocess.run(
            command_line(module, *arguments),
            cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False, **options,
        )  # fmt: skip


def command_line(module: str, *arguments: object) -> list[str]:
    """Return the command line of a command."""
    return [sys.executable, "-m", f"atp_ray.{module}", *map(str, arguments)]


def contents(run: Path) -> dict[str, list[dict]]:
    """Return everything in the four datasets of a run."""
    return {
        name: read_table(run, name).sort_by("cell_id").to_pylist()
        for name in ("decisions", "rounds", "episodes", "cells")
    }


def settled_rounds(run: Path) -> int:
    """Return how many rounds a run's event log holds."""
    return sum(path.read_bytes().count(b"\n") for path in run.glob("log/*.jsonl"))


def kill_after(wanted: int, arguments: list[object], run: Path, folder: Path, *, tree: bool = True) -> int:
    """Start a sweep, SIGKILL it once it has settled `wanted` rounds, and count what it settled.

    Args:
        tree: whether all it has started is killed with it; otherwise Ray's own processes live until they notice.
    """
    with (folder / "output").open("w") as output, dear_start("command with a Ray"):
        process = subprocess.Popen(command_line("sweep", *arguments), cwd=ROOT, stdout=output, stderr=output)
        wait_until(
            lambda: settled_rounds(run) >= wanted or process.poll() is not None, f"{wanted} rounds", pause_s=0.02
        )
        assert process.poll() is None, (folder / "output").read_text()
        kill_tree(process) if tree else process.kill()
        process.wait()
    return settled_rounds(run)


def kill_tree(process: subprocess.Popen) -> None:
    """SIGKILL a command and all that it has started, Ray's own processes included."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for member in (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
    process.wait()
