"""Sweeps on three nodes: typed on any of them or handed over, killed in the middle, and equal to one on one machine."""

import json
import secrets
import shlex
import signal
from pathlib import Path

import pytest
from command_runs import contents, settled_rounds
from played_alone import sweep_alone
from support import wait_until

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.dear]

SWEEP = ["python", "-m", "atp_ray.sweep"]
LONG = [*SWEEP, "--grid", "figure3", "--scenarios", "info_sharing,hunting_game", "--checkpoint", "policy:quantal",
        "--rounds", "60", "--cells-at-once", "1"]  # fmt: skip


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> dict:
    """What the sweep comes to, played without Ray."""
    return sweep_alone(tmp_path_factory.mktemp("alone"), "figure3", scenarios="info_sharing,hunting_game", rounds=60)


def test_a_job_leaves_its_results_where_the_user_said(cluster, alone, folder, nothing_left) -> None:
    line = [*LONG, "--agents-per-actor", "4", "--out"]
    lost, kept = (shlex.join(map(str, [*line, out])) for out in ("runs/lost", folder / "run"))
    submit = ["ray", "job", "submit", "--working-dir", project_alone(folder), "--", "sh", "-c"]
    done = cluster.run(cluster.head, [*submit, f"{lost}; {kept}"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert contents(folder / "run") == alone
    assert "runs/lost: lies in the temporary folder of a Ray job. Give --out" in done.stdout
    assert "Traceback" not in done.stdout
    nothing_left()


def project_alone(folder: Path) -> Path:
    """Return a folder with what a job needs of the project."""
    from tune_sweeps.connection import copy_packages

    copy_packages(folder / "code")
    return folder / "code"


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


def test_a_sweep_finds_its_cluster_and_its_key_reaches_agents_on_any_node_and_no_log(
    cluster, folder, listed_actors, nothing_left
) -> None:
    key = f"sk-{secrets.token_hex(16)}"
    (folder / "endpoint.py").write_text(ENDPOINT)
    endpoint = cluster.popen(cluster.head, ["python", folder / "endpoint.py", cluster.head.address, key])
    try:
        asked = [*SWEEP, "--grid", "smoke", "--checkpoint", "openai:someone"]
        asked += ["--base-url", f"http://{cluster.head.address}:8080/v1", "--agents-per-actor", "2"]
        done = cluster.run(cluster.head, asked, {"OPENAI_API_KEY": key}, folder)
        assert done.returncode == 0, done.stderr
        assert f"the cluster at {cluster.address}" in done.stdout
        (out,) = (folder / "runs").iterdir()  # where it was typed
        actions = [row["action"] for row in contents(out)["decisions"]]
        assert len(actions) == 16
        assert "missing" not in actions
        told = listed_actors()
        assert "AgentActor" in {actor["class_name"] for actor in told}
        assert key not in done.stdout + done.stderr + json.dumps(told)
        for node in cluster.nodes:
            assert not cluster.run(node, ["grep", "-rl", key, "/tmp/ray"]).stdout
    finally:
        for member in cluster.head.processes("endpoint.py"):
            member.kill()
        endpoint.wait()
    nothing_left()


def test_a_sweep_outlives_a_node_and_killed_leaves_nothing_and_is_resumed_on_another_node(
    cluster, alone, folder, nothing_left
) -> None:
    out = folder / "run"
    line = [*LONG, "--agents-per-actor", "2", "--out", out]  # four processes, spread over the nodes
    with (folder / "output").open("w") as output:
        process = cluster.popen(cluster.head, line, {"RAY_ADDRESS": cluster.address}, stdout=output, stderr=output)

        def plays_until(rounds: int) -> None:
            wait_until(lambda: settled_rounds(out) > rounds or process.poll() is not None, "rounds", pause_s=0.02)
            assert process.poll() is None, (folder / "output").read_text()

        plays_until(50)
        lost = max(cluster.nodes[1:], key=lambda node: len(node.processes("AgentActor")))
        assert lost.processes("AgentActor")
        cluster.replace(lost, lost.spec)
        plays_until(250)
        drivers = cluster.head.processes("atp_ray.sweep")
        assert drivers
        for driver in drivers:
            driver.send_signal(signal.SIGKILL)
        process.wait()
    nothing_left()
    assert json.loads((out / "run.json").read_text())["status"] == "running"
    other = next(node for node in cluster.nodes[1:] if not node.spec.bare)
    done = cluster.run(other, [*SWEEP, "--resume", "--agents-per-actor", "8", "--out", out])
    assert done.returncode == 0, done.stderr
    assert contents(out) == alone
    nothing_left()
