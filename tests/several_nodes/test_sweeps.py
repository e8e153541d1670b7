"""Sweeps on three nodes: typed on any of them or handed over, killed in the middle, and equal to one on one machine."""

import json
import secrets
import signal
from pathlib import Path

import pytest
from command_runs import contents, settled_rounds
from support import wait_until

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.dear]

SWEEP = ["python", "-m", "atp_ray.sweep"]
SMALL = [*SWEEP, "--grid", "smoke", "--checkpoint", "policy:quantal"]
LONG = [*SWEEP, "--grid", "appendix_b", "--checkpoint", "policy:quantal", "--rounds", "8", "--cells-at-once", "1"]


@pytest.fixture(scope="module")
def alone(cluster) -> dict:
    """The small sweep on a Ray of its own, though the node is part of a cluster."""
    out = cluster.shared / "alone"
    done = cluster.run(cluster.head, [*SMALL, "--out", out, "--address", "local"])
    assert done.returncode == 0, done.stderr
    assert "the cluster at" not in done.stdout
    return contents(out)


def test_a_sweep_finds_its_cluster_and_writes_where_it_was_typed(cluster, alone, folder, nothing_left) -> None:
    done = cluster.run(cluster.head, SMALL, folder=folder)
    assert done.returncode == 0, done.stderr
    assert f"the cluster at {cluster.address}" in done.stdout
    (out,) = (folder / "runs").iterdir()
    assert contents(out) == alone
    nothing_left()


def test_a_worker_uses_the_cluster_of_its_environment(cluster, alone, folder, nothing_left) -> None:
    out = folder / "run"
    known = {"RAY_ADDRESS": cluster.address}
    done = cluster.run(cluster.nodes[1], [*SMALL, "--out", out, "--agents-per-actor", "1"], known, folder)
    assert done.returncode == 0, done.stderr
    assert contents(out) == alone
    nothing_left()


def test_a_job_leaves_its_results_where_the_user_said(cluster, alone, folder, nothing_left) -> None:
    submit = ["ray", "job", "submit", "--working-dir", project_alone(folder), "--"]
    done = cluster.run(cluster.head, [*submit, *SMALL, "--out", folder / "run"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert contents(folder / "run") == alone
    lost = cluster.run(cluster.head, [*submit, *SMALL, "--out", "runs/lost"])
    assert "runs/lost: lies in the temporary folder of a Ray job. Give --out" in lost.stdout
    assert "Traceback" not in lost.stdout
    nothing_left()


def project_alone(folder: Path) -> Path:
    """Return a folder with what a job needs of the project."""
    from tune_sweeps.connection import copy_packages

    copy_packages(folder / "code")
    return folder / "code"


def test_a_cluster_that_is_gone_is_said_and_passed_over(cluster, folder) -> None:
    out = folder / "run"
    stale = "mkdir -p /tmp/stale/ray && echo 127.77.0.9:6379 > /tmp/stale/ray/ray_current_cluster"
    assert cluster.run(cluster.nodes[1], ["sh", "-c", stale]).returncode == 0
    done = cluster.run(cluster.nodes[1], [*SMALL, "--out", out], {"RAY_TMPDIR": "/tmp/stale"})
    assert done.returncode == 0, done.stderr
    assert "the cluster at 127.77.0.9:6379 has ended; starting one for this command" in done.stdout
    refused = cluster.run(cluster.nodes[1], [*SMALL, "--out", folder / "other", "--address", "127.77.0.9:6379"])
    assert (refused.returncode, "nothing listens at 127.77.0.9:6379" in refused.stderr) == (2, True)


ENDPOINT = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Endpoint(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        known = self.headers.get("Authorization") == "Bearer " + sys.argv[2]
        reply = {"choices": [{"message": {"content": json.dumps({"choice": "share"})}}]}
        body = json.dumps(reply if known else {"error": "no key"}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

ThreadingHTTPServer((sys.argv[1], 8080), Endpoint).serve_forever()
"""


def test_a_key_reaches_agents_on_every_node_and_no_log(cluster, folder, nothing_left) -> None:
    key = f"sk-{secrets.token_hex(16)}"
    (folder / "endpoint.py").write_text(ENDPOINT)
    endpoint = cluster.popen(cluster.head, ["python", folder / "endpoint.py", cluster.head.address, key])
    try:
        asked = [*SWEEP, "--grid", "smoke", "--checkpoint", "openai:someone", "--out", folder / "run"]
        asked += ["--base-url", f"http://{cluster.head.address}:8080/v1", "--agents-per-actor", "1"]
        done = cluster.run(cluster.head, asked, {"OPENAI_API_KEY": key})
        assert done.returncode == 0, done.stderr
        actions = [row["action"] for row in contents(folder / "run")["decisions"]]
        assert len(actions) == 16
        assert "missing" not in actions
        told = cluster.run(cluster.head, ["ray", "list", "actors", "--detail", "--limit", "1000"])
        assert "AgentActor" in told.stdout
        assert key not in done.stdout + done.stderr + told.stdout
        for node in cluster.nodes:
            assert not cluster.run(node, ["grep", "-rl", key, "/tmp/ray"]).stdout
    finally:
        for member in cluster.head.processes("endpoint.py"):
            member.kill()
        endpoint.wait()
    nothing_left()


@pytest.fixture(scope="module")
def long_alone(cluster) -> dict:
    out = cluster.shared / "long-alone"
    done = cluster.run(cluster.head, [*LONG, "--out", out, "--address", "local"])
    assert done.returncode == 0, done.stderr
    return contents(out)


def test_a_killed_command_leaves_nothing_and_is_resumed_on_another_node(
    cluster, long_alone, folder, nothing_left
) -> None:
    out = folder / "run"
    line = [*LONG, "--out", out]
    with (folder / "output").open("w") as output:
        process = cluster.popen(cluster.nodes[1], line, {"RAY_ADDRESS": cluster.address}, stdout=output, stderr=output)
        wait_until(lambda: settled_rounds(out) > 50 or process.poll() is not None, "50 rounds", pause_s=0.02)
        assert process.poll() is None, (folder / "output").read_text()
        drivers = cluster.nodes[1].processes("atp_ray.sweep")
        assert drivers
        for driver in drivers:
            driver.send_signal(signal.SIGKILL)
        process.wait()
    nothing_left()
    assert json.loads((out / "run.json").read_text())["status"] == "running"
    done = cluster.run(cluster.head, [*SWEEP, "--resume", "--out", out])
    assert done.returncode == 0, done.stderr
    assert contents(out) == long_alone


def test_a_node_that_dies_in_the_middle_loses_nothing(cluster, long_alone, folder, nothing_left) -> None:
    out = folder / "run"
    line = [*LONG, "--out", out, "--agents-per-actor", "1"]
    with (folder / "output").open("w") as output:
        process = cluster.popen(cluster.head, line, stdout=output, stderr=output)
        wait_until(lambda: settled_rounds(out) > 50 or process.poll() is not None, "50 rounds", pause_s=0.02)
        assert process.poll() is None, (folder / "output").read_text()
        lost = cluster.nodes[2]
        assert lost.processes("AgentActor")
        cluster.replace(lost, lost.spec)
        assert process.wait() == 0, (folder / "output").read_text()
    assert contents(out) == long_alone
    nothing_left()
