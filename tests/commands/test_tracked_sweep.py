"""A sweep that W&B (offline) and a real MLflow server follow: broken off, resumed, and read back from both."""

import csv
import json
from pathlib import Path
from typing import NamedTuple

import pytest
from command_runs import Done, run_here
from mlflow_server import SETTINGS, mlflow_server
from wandb_files import OfflineRun, offline_runs

from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.paradigms.grids import expand, load_grid
from atp_ray.storage.run_folder import log_path, read_manifest
from atp_ray.storage.tables import read_table

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
CURVES = ("deviant_rate", "ci_low", "ci_high", "n_undecided")


class Tracked(NamedTuple):
    """The run folder, how both commands ended, and the server."""

    run: Path
    broken: Done
    resumed: Done
    uri: str


@pytest.fixture(scope="module")
def tracked(local_ray, tmp_path_factory):
    """A sweep of two cells, the second of which meets a full disk until it is resumed."""
    folder = tmp_path_factory.mktemp("tracked")
    run = folder / "run"
    grid = load_grid("smoke", ["thresholds=2,4"], checkpoints=["policy:quantal"])
    cells = expand(grid, {"policy:quantal": resolve_checkpoint("policy:quantal")})
    log = log_path(run, cells[1].cell_id)
    log.parent.mkdir(parents=True)
    log.symlink_to("/dev/full")
    with mlflow_server(folder / "mlflow") as uri, pytest.MonkeyPatch.context() as environment:
        import wandb

        wandb.teardown()  # it reads its environment once
        tracking = {"MLFLOW_TRACKING_URI": uri, "WANDB_MODE": "offline", "WANDB_CONFIG_DIR": str(folder)}
        for name, value in (SETTINGS | tracking).items():
            environment.setenv(name, value)
        asked = ["--grid", "smoke", "--set", "thresholds=2,4", "--checkpoint", "policy:quantal"]
        broken = run_here(
            "sweep", *asked, "--track", "wandb", "--track", "mlflow", "--agents-per-actor", "8", "--out", run
        )
        log.unlink()
        resumed = run_here("sweep", "--resume", "--agents-per-actor", "8", "--out", run)
        yield Tracked(run, broken, resumed, uri)
        wandb.teardown()


def test_both_commands_end_as_they_would_untracked(tracked) -> None:
    assert tracked.broken.returncode == 2, tracked.broken.stdout
    assert "No space left on device" in tracked.broken.stderr
    assert "Traceback" not in tracked.broken.stderr + tracked.broken.stdout
    assert "--resume" in tracked.broken.stdout
    assert tracked.resumed.returncode == 0, tracked.resumed.stdout + tracked.resumed.stderr
    assert tracked.resumed.stdout.count("Tracked: ") == 2
    assert "not told any more" not in tracked.broken.stdout + tracked.resumed.stdout


def test_mlflow_has_one_run_with_the_settings_the_rates_of_cells_and_the_files(tracked, tmp_path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracked.uri)
    experiment = client.get_experiment_by_name("atp_ray")
    (found,) = client.search_runs([experiment.experiment_id])
    manifest = read_manifest(tracked.run)
    assert manifest["tracking"]["mlflow"]["run_id"] == found.info.run_id
    assert (found.info.run_name, found.info.status, found.data.tags["status"]) == ("run", "FINISHED", "complete")
    assert found.data.params["grid.thresholds"] == "[2, 4]"
    assert found.data.params["checkpoints.policy:quantal.policy"] == "quantal"
    assert found.data.params["n_decisions"] == "32"
    assert found.data.params["packages.ray"] == manifest["packages"]["ray"]
    assert "no language model" in found.data.tags["mlflow.note.content"]
    rows = read_table(tracked.run, "cells").to_pylist()
    assert len({row["cell_id"] for row in rows}) == 2
    for name in CURVES:
        wanted = {(row["cell_id"], row["round"]): row[name] for row in rows}
        told = [
            ((cell_id, point.step), point.value)
            for cell_id in {row["cell_id"] for row in rows}
            for point in client.get_metric_history(found.info.run_id, f"cells/{cell_id}/{name}")
        ]
        assert len(told) == len(wanted)  # each once, though the run was resumed
        assert dict(told) == wanted
    assert found.data.metrics["live/cells"] == 2
    assert client.get_metric_history(found.info.run_id, "live/deviant_rate")[-1].step == 32
    names = {entry.path for entry in client.list_artifacts(found.info.run_id)}
    assert names == {"figures", "tables", "run.json", "README.md"}
    assert {entry.path for entry in client.list_artifacts(found.info.run_id, "figures")} == {
        f"figures/{path.name}" for path in (tracked.run / "figures").glob("*.png")
    }
    table = Path(client.download_artifacts(found.info.run_id, "tables/cells.csv", str(tmp_path)))
    with table.open(newline="") as file:
        assert [float(row["deviant_rate"]) for row in csv.DictReader(file)] == [row["deviant_rate"] for row in rows]


def test_wandb_has_both_parts_of_one_run_in_the_run_folder(tracked) -> None:
    parts = offline_runs(tracked.run / "tracking")
    manifest = read_manifest(tracked.run)
    assert [part.run.run_id for part in parts] == [manifest["tracking"]["wandb"]["run_id"]] * 2
    assert [part.exit_code for part in parts] == [1, 0]
    assert [part.summary["status"] for part in parts] == ["incomplete", "complete"]
    last = parts[-1]
    assert (last.run.display_name, last.run.project) == ("run", "atp_ray")
    assert "no language model" in last.run.notes
    assert "grid:smoke" in list(last.run.tags)
    assert last.config["grid"]["thresholds"] == [2, 4]
    assert last.config["checkpoints"]["policy:quantal"]["policy"] == "quantal"
    rows = read_table(tracked.run, "cells").to_pylist()
    for name in CURVES:
        told = [
            ((key.split("/")[1], values["round"]), value)
            for part in parts
            for values in part.rows
            for key, value in values.items()
            if key.startswith("cells/") and key.endswith(f"/{name}")
        ]
        assert len(told) == len(rows)
        assert dict(told) == {(row["cell_id"], row["round"]): row[name] for row in rows}
    assert files_of(last, "media/images/figures") == {path.stem for path in (tracked.run / "figures").glob("*.png")}
    (table,) = (last.files / "files" / "media" / "table" / "tables").glob("cells*.table.json")
    logged = json.loads(table.read_text())
    assert logged["columns"] == read_table(tracked.run, "cells").column_names
    assert len(logged["data"]) == len(rows)
    assert {"run.json", "README.md"} <= {path.name for path in (last.files / "files").iterdir()}


def files_of(run: OfflineRun, folder: str) -> set[str]:
    """Return the names of media, without the step and the digest that W&B adds."""
    return {path.name.rsplit("_", 2)[0] for path in (run.files / "files" / folder).iterdir()}


def test_the_run_folder_is_still_a_dataset(tracked, tmp_path, monkeypatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    cells = datasets.load_dataset(str(tracked.run), "cells", split="train")
    assert cells.to_list() == read_table(tracked.run, "cells").to_pylist()
    decisions = datasets.load_dataset(str(tracked.run), split="train")
    assert decisions.to_list() == read_table(tracked.run, "decisions").to_pylist()
    assert "2 cells, of which 2 are finished" in (tracked.run / "README.md").read_text()
