"""The service on three nodes, and what runs beside it: started twice, sharing its engine, stopped."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_runs import contents
from support import wait_until

from atp_ray.alignment.learning_curve import read_metrics, series
from atp_ray.alignment.pairs import write_pairs
from benchmarks.cluster import Cluster, Node
from benchmarks.decision_pairs import role_play_pairs

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.dear]

MODULE = ["python", "-m"]
HEALTH = ["curl", "-s", "--max-time", "60", "http://127.0.0.1:8000/v1/health"]


class Service:
    """`python -m atp_ray.serve` on a node."""

    def __init__(self, cluster: Cluster, node: Node, folder: Path) -> None:
        self._cluster, self._node = cluster, node
        self._output = folder / "output"
        line = [*MODULE, "atp_ray.serve", "--state", folder / "state", "--agents", "8", "--agents-per-actor", "4"]
        with self._output.open("w") as output:
            self._process = cluster.popen(node, line, stdout=output, stderr=output)
        wait_until(lambda: "Ready:" in self.output or self._process.poll() is not None, "the service", pause_s=1)
        assert self._process.poll() is None, self.output

    @property
    def output(self) -> str:
        return self._output.read_text()

    def end(self, signal: str) -> int:
        self._cluster.run(self._node, ["pkill", f"-{signal}", "-f", "atp_ray.serve --state"])
        return self._process.wait()


@pytest.fixture(scope="module")
def serving(cluster) -> Iterator[Service]:
    """The service with the embedded checkpoint, on the head; its engine is on a node without the project."""
    folder = cluster.shared / "serving"
    folder.mkdir()
    service = Service(cluster, cluster.head, folder)
    yield service
    service.end("KILL")


def health(cluster: Cluster) -> subprocess.CompletedProcess[str]:
    return cluster.run(cluster.head, HEALTH)


def engines(cluster: Cluster) -> str:
    return cluster.run(cluster.head, [*MODULE, "atp_ray.checkpoints", "engines"]).stdout


def test_a_cluster_has_one_service_and_one_port(cluster, serving, folder) -> None:
    assert "tiny" in health(cluster).stdout
    second = cluster.run(cluster.nodes[1], [*MODULE, "atp_ray.serve", "--state", folder, "--port", "8001"])
    assert second.returncode == 2
    assert "another command serves simulations on this cluster" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_sweep_beside_it_uses_its_engine_and_leaves_it(cluster, serving, folder) -> None:
    line = [*MODULE, "atp_ray.sweep", "--grid", "smoke", "--checkpoint", "tiny", "--agents-per-actor", "4"]
    done = cluster.run(cluster.nodes[1], [*line, "--out", folder / "run"])
    assert done.returncode == 0, done.stderr
    decided = contents(folder / "run")["decisions"]
    assert len(decided) == 16
    assert {row["action"] for row in decided} <= {"deviant", "aligned", "unparsed"}
    assert "Traceback" not in done.stdout + done.stderr
    listed = engines(cluster)
    assert "openai" in listed
    assert "model-" not in listed
    assert '"status":"ok"' in health(cluster).stdout


def test_two_nodes_train_together_beside_it(cluster, serving, folder) -> None:
    pairs, run = folder / "pairs.parquet", folder / "dpo"
    write_pairs(role_play_pairs(8), pairs)
    train = [*MODULE, "atp_ray.align", "dpo", "--profile", "tiny-dpo-lora", "--pairs", pairs, "--out", run]
    for setting in ("steps=2", "save_steps=1", "workers=2", "batch=4", "learning_rate=3e-3", "warm_up=0"):
        train += ["--set", setting]
    trained = cluster.run(cluster.head, train)
    assert trained.returncode == 0, trained.stderr + trained.stdout
    assert "2 nodes" in trained.stdout
    steps, losses = series(read_metrics(run), "loss")
    assert steps == [1, 2]
    # What one worker comes to with all eight pairs; with its four alone, one of the two would come to 0.619.
    assert losses == pytest.approx([0.6931, 0.6386], abs=2e-3)
    assert (run / "checkpoint" / "adapter_model.safetensors").is_file()


def test_a_stopped_service_takes_its_engine_with_it_and_leaves_its_port(serving, nothing_left) -> None:
    assert serving.end("TERM") == 0
    nothing_left()
