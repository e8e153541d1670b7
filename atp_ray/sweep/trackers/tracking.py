"""What a sweep tells its trackers while it plays; a tracker that fails never ends a run, nor holds it up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

import pyarrow.parquet as pq

from actors.coordinator import Progress
from atp_ray.cli.trackers import TrackerName, require_installed
from atp_ray.costs.usage import total_usage
from atp_ray.errors import UsageError
from atp_ray.storage.run_folder import finished_cells
from atp_ray.sweep.trackers.tracker import FOLDER, Description, Outcome, Place, Tracker

PACE_S = 5.0
CLASSES: Mapping[TrackerName, str] = {"wandb": "WandbTracker", "mlflow": "MlflowTracker"}
CURVES = ("deviant_rate", "ci_low", "ci_high", "n_undecided", "accuracy")  # columns of `cells`, those that are not null


def open_trackers(
    asked: Sequence[TrackerName], recorded: Sequence[TrackerName], warn: Callable[[str], None]
) -> dict[TrackerName, Tracker]:
    """Return the trackers of a run, each of which can be used.

    Args:
        asked: those of this command.
        recorded: those that the run had before; one that cannot be used any more is left out, and `warn` says so.

    Raises:
        UsageError: one that was asked for is not installed, cannot be reached, or has no key.
    """
    opened: dict[TrackerName, Tracker] = {}
    for name in dict.fromkeys((*asked, *recorded)):
        try:
            require_installed([name])
            tracker: Tracker = getattr(import_module(f"atp_ray.sweep.trackers.{name}_tracker"), CLASSES[name])()
            tracker.check()
        except UsageError as error:
            if name in asked:
                raise
            warn(f"Not tracked by {name} this time: {error}")
        else:
            opened[name] = tracker
    return opened


class Tracking:
    """The trackers of one sweep, told from a thread of its own what is new.

    Args:
        trackers: as `open_trackers` returns them.
        run_dir: the run folder.
        warn: told once of each tracker that fails.
        before: decisions of the cells that were finished before this start.
    """

    def __init__(
        self, trackers: Mapping[TrackerName, Tracker], run_dir: Path, warn: Callable[[str], None], before: int = 0
    ) -> None:
        self._trackers = dict(trackers)
        self._run_dir = run_dir
        self._warn = warn
        self._before = before
        self._failed: set[TrackerName] = set()
        self._places: dict[TrackerName, Place] = {}
        self._counts: Progress | None = None
        self._done = threading.Event()
        self._finished = False

    @property
    def active(self) -> bool:
        """Whether anybody is listening."""
        return bool(self._alive())

    def start(
        self,
        description: Description,
        asked: Collection[TrackerName] = (),
        known: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> dict[str, Mapping[str, str]]:
        """Begin the run everywhere, or continue it; returns what `run.json` keeps of it, `known` included.

        Args:
            asked: trackers of this command; another that does not continue the run is left out.
            known: what `run.json` kept.

        Raises:
            UsageError: a tracker that was asked for, and answered a moment ago, does not begin the run.
        """
        (self._run_dir / FOLDER).mkdir(parents=True, exist_ok=True)
        for name, tracker in self._trackers.items():
            try:
                self._places[name] = tracker.start(description, known.get(name, {}).get("run_id"))
            except Exception as error:  # whatever another library raises; nothing has been played yet
                if name in asked:
                    self.finish(Outcome("interrupted"))
                    raise UsageError(f"{name} does not begin the run: {_reason(error)}", "--track") from error
                self._warn(f"Not tracked by {name} this time: {_reason(error)}")
        return {**known, **{name: place._asdict() for name, place in self._places.items()}}

    def update(self, counts: Progress) -> None:
        """Take note of how far the sweep is; costs nothing."""
        self._counts = counts

    @contextmanager
    def following(self) -> Iterator[None]:
        """Tell the trackers every few seconds what is new, as long as the block runs."""
        if not self.active:
            yield
            return
        thread = threading.Thread(target=self._follow, name="tracking", daemon=True)
        thread.start()
        try:
            yield
        except BaseException:
            self._stop(thread)
            self.finish(Outcome("interrupted"))
            raise
        self._stop(thread)

    @contextmanager
    def ended(self) -> Iterator[None]:
        """End the trackers if the block does not."""
        try:
            yield
        finally:
            self.finish(Outcome("interrupted"))

    def finish(self, outcome: Outcome) -> None:
        """Tell the trackers the rest, and end; they are ended once."""
        if self._finished:
            return
        self._finished = True
        self._look()
        for name in self._alive():
            self._try(name, lambda tracker: tracker.finish(outcome))

    def lines(self, place: str) -> list[str]:
        """Return what the command says at its end of each tracker: where the run is, or how to send it later."""
        told = []
        for name, found in self._places.items():
            if name in self._failed:
                told.append(f"Later:   {self._trackers[name].later(place)}   ({name} did not get everything)")
            else:
                told.append(f"Tracked: {found.where}")
        return told

    def _stop(self, thread: threading.Thread) -> None:
        self._done.set()
        thread.join()

    def _follow(self) -> None:
        while not self._done.wait(PACE_S):
            self._look()

    def _look(self) -> None:
        if not self.active:
            return
        finished = sorted(finished_cells(self._run_dir))
        for name in self._alive():
            self._try(name, partial(self._tell_new, name, finished))
        if self._counts is not None:
            step, values = self._before + self._counts.decisions, self._live(self._counts, len(finished))
            for name in self._alive():
                self._try(name, lambda tracker: tracker.log("decisions", step, values))

    def _tell_new(self, name: TrackerName, finished: Sequence[str], tracker: Tracker) -> None:
        told = self._told(name)
        for cell_id in finished:
            if cell_id not in told:
                self._tell(tracker, cell_id)
                self._note(name, cell_id)

    def _tell(self, tracker: Tracker, cell_id: str) -> None:
        """Tell the rates of a finished cell, round by round."""
        for row in pq.read_table(self._run_dir / "cells" / f"{cell_id}.parquet").to_pylist():
            values = {f"cells/{cell_id}/{name}": float(row[name]) for name in CURVES if row.get(name) is not None}
            tracker.log("round", row["round"], values)

    def _live(self, counts: Progress, n_finished: int) -> dict[str, float]:
        values: dict[str, float] = {"live/cells": n_finished, "live/undecided": counts.undecided}
        if counts.decided:
            values["live/deviant_rate"] = counts.deviant / counts.decided
        _, prompt_tokens, completion_tokens = total_usage(counts.usages)
        return values | {"live/prompt_tokens": prompt_tokens, "live/completion_tokens": completion_tokens}

    def _alive(self) -> list[TrackerName]:
        return [name for name in self._places if name not in self._failed]

    def _try(self, name: TrackerName, act: Callable[[Tracker], None]) -> None:
        try:
            act(self._trackers[name])
        except Exception as error:  # whatever another library raises: the run is worth more than its being tracked
            self._failed.add(name)
            self._warn(f"{name} is not told any more, the run goes on: {_reason(error)}")

    def _told(self, name: TrackerName) -> set[str]:
        path = self._run_dir / FOLDER / f"{name}.cells"
        return set(path.read_text(encoding="utf-8").splitlines()) if path.exists() else set()

    def _note(self, name: TrackerName, cell_id: str) -> None:
        """Keep in the run folder which cells a tracker knows: a resumed run tells it each of them once."""
        with (self._run_dir / FOLDER / f"{name}.cells").open("a", encoding="utf-8") as file:
            file.write(f"{cell_id}\n")


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
