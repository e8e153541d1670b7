"""A sweep as a run of W&B: WANDB_MODE=offline keeps it in the run folder, WANDB_PROJECT says in which project it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from atp_ray.errors import UsageError
from atp_ray.sweep.trackers.tracker import FOLDER, Description, Outcome, Place
from atp_ray.sweep.trackers.wandb_login import login_problem

PROJECT = "atp_ray"
FINISH_S = 120.0  # what has not arrived by then stays on disk
AWAY = ("offline", "dryrun", "disabled")  # modes that need neither server nor key
HINT = "Log in with `wandb login`, set WANDB_API_KEY, or track without a server: WANDB_MODE=offline"


class WandbTracker:
    """One run of one project."""

    def __init__(self) -> None:
        self._run: Any = None
        self._files = ""

    def check(self) -> None:
        """Log in, without asking anybody.

        Raises:
            UsageError: there is no key, or the server does not take it or does not answer.
        """
        import wandb

        # The command says itself what there is to say.
        if wandb.setup(settings=wandb.Settings(silent=True)).settings.mode in AWAY:
            return
        if (problem := login_problem()) is not None:
            raise UsageError(problem, "--track", HINT)

    def start(self, description: Description, run_id: str | None) -> Place:
        """Begin a run, or continue one; offline, a part that is continued is a file of its own with the same id."""
        import wandb

        files = Path(os.environ.get("WANDB_DIR") or description.folder / FOLDER)
        files.mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            name=description.name,
            id=run_id,
            resume="allow" if run_id and wandb.setup().settings.mode not in AWAY else None,
            dir=files,
            config=dict(description.config),
            notes=description.note or None,
            tags=[f"{name}:{value}"[:64] for name, value in description.tags.items()],
            job_type="sweep",
            reinit="create_new",
            # The console has a progress bar of its own.
            settings=wandb.Settings(console="off", silent=True, finish_timeout=FINISH_S, finish_timeout_raises=True),
        )
        self._files = str(Path(self._run.dir).parent)
        for axis, curves in (("round", "cells/*"), ("decisions", "live/*")):
            self._run.define_metric(axis, hidden=True)
            self._run.define_metric(curves, step_metric=axis)
        return Place(str(self._run.id), self._files if self._run.offline else str(self._run.url))

    def log(self, axis: str, step: int, values: Mapping[str, float]) -> None:
        """Add values as one row."""
        self._run.log({axis: step, **values})

    def finish(self, outcome: Outcome) -> None:
        """Add the rates as a table, the figures as images and the files, and end the run."""
        import wandb

        media: dict[str, Any] = {f"figures/{path.stem}": wandb.Image(str(path)) for path in outcome.figures}
        if outcome.cells is not None:
            media["tables/cells"] = _table(outcome.cells)
        if media:
            self._run.log(media)
        for path in outcome.files:
            self._run.save(str(path), base_path=str(path.parent), policy="now")
        self._run.summary["status"] = outcome.status
        self._run.finish(exit_code=0 if outcome.status == "complete" else 1)

    def later(self, place: str) -> str:
        """Return the command: all that was logged is in a file, arrived or not."""
        del place
        return f"wandb sync {self._files}"


def _table(table: pa.Table) -> Any:
    import wandb

    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return wandb.Table(columns=table.column_names, data=[list(row) for row in rows])
