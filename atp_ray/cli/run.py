"""What every command shares: errors become one line and exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from atp_ray.errors import AtpError

PLAIN_WIDTH = 120


def run_command(main: Callable[[Sequence[str]], int], argv: Sequence[str] | None = None) -> NoReturn:
    """Run `main` on the command line (None: this process's) and leave with its exit code.

    An `AtpError` prints as one line and gives 2, an interrupt 130; anything else is a bug and keeps its traceback.
    """
    try:
        code = main(sys.argv[1:] if argv is None else argv)
    except AtpError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    sys.exit(code)


def report_console() -> Console:
    """Return the console of a command; where it is no terminal, wide enough for the result tables."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


class ProgressUpdate(Protocol):
    """Moves a progress bar: how many are done, of how many if that was not known, and a note beside it."""

    def __call__(self, done: int, total: int | None = None, note: str = "", description: str | None = None) -> None:
        """Show it."""
        ...


@contextmanager
def progress_bar(
    console: Console, description: str, total: int | None, noun: str, done: int = 0
) -> Iterator[ProgressUpdate]:
    """Show a bar of `total` things called `noun` (None: not known yet) and yield what moves it."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f"{noun}  {{task.fields[note]}}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(description, total=total, completed=done, note="")

        def update(done: int, total: int | None = None, note: str = "", description: str | None = None) -> None:
            bar.update(task, completed=done, total=total, note=note, description=description)

        yield update
