"""What trackers are told, when they are refused, and that one that fails costs a run nothing."""

import json
import os
import sys

import pytest
from command_runs import run_here
from written_runs import games_run, tool_run

from actors.coordinator import Progress
from atp_ray.costs.usage import Usage
from atp_ray.errors import UsageError
from atp_ray.storage.run_folder import read_manifest
from atp_ray.storage.tables import read_table
from atp_ray.sweep.trackers.mlflow_tracker import flat
from atp_ray.sweep.trackers.tracker import Outcome, Place, describe, outcome_of
from atp_ray.sweep.trackers.tracking import Tracking, open_trackers

CURVES = ("deviant_rate", "ci_low", "ci_high", "n_undecided")


class Notebook:
    """A tracker that notes what it is told, and fails from the `fails_at`-th time on."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.told: list = []
        self._fails_at = fails_at

    def check(self) -> None:
        pass

    def start(self, description, run_id):
        self._note(("start", description.name, run_id))
        return Place(run_id or "new", "http://somewhere")

    def log(self, axis, step, values) -> None:
        self._note((axis, step, dict(values)))

    def finish(self, outcome) -> None:
        self._note(("finish", outcome.status))

    def later(self, place) -> str:
        return f"push {place}"

    def _note(self, what) -> None:
        if self._fails_at is not None and len(self.told) >= self._fails_at:
            raise RuntimeError("no answer\nand many lines about it")
        self.told.append(what)


def start(run, tracker, known=None, warnings=None, before=0, asked=("wandb",)) -> Tracking:
    tracking = Tracking({"wandb": tracker}, run, (warnings if warnings is not None else []).append, before)
    tracking.start(describe("run", run, read_manifest(run)), asked, known or {})
    return tracking


def rates(tracker) -> dict:
    return {
        (name.split("/")[1], step, name.split("/")[2]): value
        for axis, step, *values in tracker.told
        if axis == "round"
        for name, value in values[0].items()
    }


@pytest.mark.parametrize("make_run", [games_run, tool_run])
def test_rates_by_cell_and_round_are_those_of_the_tables(make_run, tmp_path) -> None:
    run, tracker = make_run(tmp_path / "run"), Notebook()
    start(run, tracker).finish(outcome_of(run, ()))
    wanted = {
        (row["cell_id"], row["round"], name): row[name]
        for row in read_table(run, "cells").to_pylist()
        for name in (*CURVES, "accuracy")
        if row[name] is not None
    }
    assert rates(tracker) == wanted
    assert tracker.told[0] == ("start", "run", None)
    assert tracker.told[-1] == ("finish", "complete")


def test_a_resumed_run_is_continued_and_told_each_cell_once(tmp_path) -> None:
    run, first, second = games_run(tmp_path / "run"), Notebook(), Notebook()
    aside = (run / "cells" / "t8.parquet").rename(tmp_path / "t8.parquet")
    start(run, first).finish(Outcome("incomplete"))
    aside.rename(run / "cells" / "t8.parquet")
    tracking = start(run, second, {"wandb": {"run_id": "old", "where": "there"}})
    tracking.finish(Outcome("complete"))
    assert second.told[0] == ("start", "run", "old")
    assert {cell for cell, _, _ in rates(first)} == {"t2"}
    assert {cell for cell, _, _ in rates(second)} == {"t8"}
    assert tracking.lines("place") == ["Tracked: http://somewhere"]


def test_how_far_a_run_is_counts_what_was_played_before(tmp_path) -> None:
    run, tracker = tool_run(tmp_path / "run"), Notebook()
    tracking = start(run, tracker, before=100)
    tracking.update(Progress(1, 20, 5, 10, 3, 0, {"a": Usage(9, 400, 60), "b": Usage(1, 20, 3)}))
    tracking.finish(Outcome("complete"))
    ((_, step, values),) = [told for told in tracker.told if told[0] == "decisions"]
    assert step == 120
    assert values == {
        "live/cells": 2,
        "live/undecided": 3,
        "live/deviant_rate": 0.5,
        "live/prompt_tokens": 420,
        "live/completion_tokens": 63,
    }


@pytest.mark.parametrize("fails_at", [1, 2, 4])
def test_a_tracker_that_fails_is_left_alone_said_once_and_sent_later(fails_at, tmp_path) -> None:
    run, tracker, warnings = games_run(tmp_path / "run"), Notebook(fails_at), []
    tracking = start(run, tracker, warnings=warnings)
    with tracking.following():
        tracking.update(Progress(1, 8, 5, 8, 0, 0, {}))
    tracking.finish(Outcome("complete"))
    assert warnings == ["wandb is not told any more, the run goes on: no answer"]
    assert tracking.lines("runs/x") == ["Later:   push runs/x   (wandb did not get everything)"]
    again = Notebook()
    start(run, again).finish(Outcome("complete"))
    both = [told for told in (*tracker.told, *again.told) if told[0] == "round"]
    assert {(step, *values) for _, step, values in both} == {
        (
            row["round"],
            *(f"cells/{row['cell_id']}/{name}" for name in ("deviant_rate", "ci_low", "ci_high", "n_undecided")),
        )
        for row in read_table(run, "cells").to_pylist()
    }


def test_a_run_that_is_interrupted_says_so(tmp_path) -> None:
    run, tracker = games_run(tmp_path / "run"), Notebook()
    tracking = start(run, tracker)
    with pytest.raises(KeyboardInterrupt), tracking.following():
        raise KeyboardInterrupt
    assert tracker.told[-1] == ("finish", "interrupted")


def test_whatever_the_end_of_a_run_raises_its_trackers_are_ended_once(tmp_path) -> None:
    run, tracker = games_run(tmp_path / "run"), Notebook()
    tracking = start(run, tracker)
    with pytest.raises(ValueError, match="no figure"), tracking.ended():
        raise ValueError("no figure")
    with tracking.ended():
        tracking.finish(Outcome("complete"))
    assert [told for told in tracker.told if told[0] == "finish"] == [("finish", "interrupted")]


def test_a_tracker_that_does_not_begin_a_run_is_one_line(tmp_path) -> None:
    run = games_run(tmp_path / "run")
    with pytest.raises(UsageError, match=r"^--track: wandb does not begin the run: no answer$"):
        start(run, Notebook(fails_at=0))
    warnings: list[str] = []  # one that the run had before, and has deleted it, must not stop the run
    tracking = start(run, Notebook(fails_at=0), {"wandb": {"run_id": "gone"}}, warnings, asked=())
    assert warnings == ["Not tracked by wandb this time: no answer"]
    assert (tracking.active, tracking.lines("run")) == (False, [])


def test_a_run_is_described_by_its_settings_players_versions_and_label(tmp_path) -> None:
    run = games_run(tmp_path / "run")
    manifest = read_manifest(run)
    manifest["checkpoints"]["llama-3.1-8b"] = {"kind": "model"}
    described = describe("name", run, manifest)
    config = dict(flat(described.config))
    assert config["grid.paradigm"] == "games"
    assert config["checkpoints.llama-3_1-8b.kind"] == "model"
    assert config["packages.pyarrow"] == manifest["packages"]["pyarrow"]
    assert config["n_decisions"] == 96
    assert "no language model" in described.note
    assert described.tags["label"] == "Not a statement about Qwen or Llama."
    assert "label" not in describe("name", run, manifest | {"label": None}).tags


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_tracker_that_is_not_installed_is_one_line(name, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    asked = ["--grid", "smoke", "--checkpoint", "policy:quantal", "--track", name, "--out", tmp_path / "run"]
    done = run_here("sweep", *asked)
    assert done.returncode == 2
    assert done.stderr == f"error: --track: the package {name} is not installed. pip install {name}\n"
    assert not (tmp_path / "run").exists()


def test_a_resumed_run_goes_on_without_a_tracker_that_is_gone(monkeypatch) -> None:
    warnings: list[str] = []
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert open_trackers((), ["wandb"], warnings.append) == {}
    assert warnings == [
        "Not tracked by wandb this time: --track: the package wandb is not installed. pip install wandb"
    ]


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_one_line(tmp_path, monkeypatch) -> None:
    settings = {
        "TRACKING_URI": "http://127.0.0.1:9",
        "HTTP_REQUEST_MAX_RETRIES": "2",
        "HTTP_REQUEST_BACKOFF_FACTOR": "0",
        "DISABLE_TELEMETRY": "true",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"MLFLOW_{name}", value)
    asked = ["--grid", "smoke", "--checkpoint", "policy:quantal", "--track", "mlflow", "--out", tmp_path / "run"]
    done = run_here("sweep", *asked)
    assert done.returncode == 2
    assert done.stderr.startswith("error: --track: mlflow cannot be reached at http://127.0.0.1:9: ")
    assert done.stderr.endswith(". Set MLFLOW_TRACKING_URI to an MLflow server that runs\n")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "error: --track: wandb has no key. Log in"),
        (
            {"WANDB_API_KEY": "k" * 40, "WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_HTTP_TIMEOUT": "1"},
            "error: --track: wandb cannot be reached: ",
        ),
    ],
)
def test_wandb_without_a_key_or_a_server_is_one_line(settings, message, tmp_path, monkeypatch) -> None:
    import wandb

    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "HOME": tmp_path,
        "NETRC": tmp_path / "netrc",
        "WANDB_CONFIG_DIR": tmp_path,
        **settings,
    }.items():
        monkeypatch.setenv(name, str(value))
    wandb.teardown()  # it reads its environment once
    try:
        asked = ["--grid", "smoke", "--checkpoint", "policy:quantal", "--track", "wandb", "--out", tmp_path / "run"]
        done = run_here("sweep", *asked)
    finally:
        wandb.teardown()
    assert done.returncode == 2
    line = next(line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert line.startswith(message)
    assert "WANDB_MODE=offline" in line
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_nested_settings_are_named_with_dots() -> None:
    nested = {"grid": {"thresholds": [2, 4], "sampling": {"top_p": 1.0}}, "n_cells": 2}
    assert json.dumps(dict(flat(nested))) == ('{"grid.thresholds": [2, 4], "grid.sampling.top_p": 1.0, "n_cells": 2}')
