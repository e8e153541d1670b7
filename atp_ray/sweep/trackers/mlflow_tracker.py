"""A sweep as a run of MLflow: MLFLOW_TRACKING_URI says where, MLFLOW_EXPERIMENT_NAME in which experiment."""

from __future__ import annotations

import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pyarrow import csv

from atp_ray.errors import UsageError
from atp_ray.sweep.trackers.tracker import Description, Outcome, Place

EXPERIMENT = "atp_ray"
PARAMS_AT_ONCE, LONGEST_PARAM = 100, 6000  # what a server takes
# An answer that does not come must not hold up the end of a run, and the command says itself where the run is.
DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
HINT = "Set MLFLOW_TRACKING_URI to an MLflow server that runs"


class MlflowTracker:
    """One run of one experiment."""

    def __init__(self) -> None:
        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
        logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # a line for each retry
        self._client: Any = None
        self._run_id = ""

    def check(self) -> None:
        """Ask the server for the experiment.

        Raises:
            UsageError: there is no answer.
        """
        import mlflow
        from mlflow.exceptions import MlflowException

        uri = mlflow.get_tracking_uri()
        try:
            self._client = mlflow.MlflowClient(uri)
            self._client.get_experiment_by_name(_experiment())
        except (MlflowException, ImportError) as error:  # the store of a local file needs packages that a client lacks
            reason = str(error).splitlines()[0].rstrip(".")
            raise UsageError(f"mlflow cannot be reached at {uri}: {reason[:200]}", "--track", HINT) from error

    def start(self, description: Description, run_id: str | None) -> Place:
        """Begin a run, or continue one."""
        from mlflow.entities import Param, RunTag

        if run_id is None:
            run = self._client.create_run(self._experiment_id(), run_name=description.name)
            self._run_id = run.info.run_id
            params = [Param(_key(name), str(value)[:LONGEST_PARAM]) for name, value in flat(description.config)]
            for start in range(0, len(params), PARAMS_AT_ONCE):
                self._client.log_batch(self._run_id, params=params[start : start + PARAMS_AT_ONCE])
        else:
            self._run_id = run_id
            self._client.update_run(run_id, status="RUNNING")
        tags = {**description.tags, **({"mlflow.note.content": description.note} if description.note else {})}
        self._client.log_batch(self._run_id, tags=[RunTag(name, value) for name, value in tags.items()])
        uri, experiment = self._client.tracking_uri, self._client.get_run(self._run_id).info.experiment_id
        page = f"/#/experiments/{experiment}/runs/{self._run_id}" if uri.startswith("http") else ""
        return Place(self._run_id, f"{uri.rstrip('/')}{page}")

    def log(self, axis: str, step: int, values: Mapping[str, float]) -> None:
        """Add values; the step of MLflow is that of the axis."""
        from mlflow.entities import Metric

        del axis
        now = int(time.time() * 1000)
        metrics = [Metric(_key(name), value, now, step) for name, value in values.items()]
        self._client.log_batch(self._run_id, metrics=metrics)

    def finish(self, outcome: Outcome) -> None:
        """Add the rates as CSV and the files as artifacts, and end the run."""
        if outcome.cells is not None:
            with tempfile.TemporaryDirectory(prefix="atp_ray-mlflow-") as scratch:
                path = Path(scratch, "cells.csv")
                csv.write_csv(outcome.cells, path)
                self._client.log_artifact(self._run_id, str(path), "tables")
        for path in outcome.figures:
            self._client.log_artifact(self._run_id, str(path), "figures")
        for path in outcome.files:
            self._client.log_artifact(self._run_id, str(path))
        self._client.set_tag(self._run_id, "status", outcome.status)
        self._client.set_terminated(self._run_id, "FINISHED" if outcome.status == "complete" else "FAILED")

    def later(self, place: str) -> str:
        """Return the command: what is not there yet is sent when the run is resumed, finished or not."""
        return f"python -m atp_ray.sweep --resume --track mlflow --out {place}"

    def _experiment_id(self) -> str:
        found = self._client.get_experiment_by_name(_experiment())
        return str(found.experiment_id if found else self._client.create_experiment(_experiment()))


def flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield nested settings one by one, their names joined by dots; a list is one value."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _experiment() -> str:
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT


def _key(name: str) -> str:
    """Return a name of the letters that MLflow takes."""
    return re.sub(r"[^\w\-. :/]", "_", name)
