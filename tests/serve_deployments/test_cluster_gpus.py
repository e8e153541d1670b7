"""What Ray says of a cluster's GPUs: declared ones, which are not there, on a Ray of this test's own."""

import subprocess
import sys

import pytest
from command_runs import ROOT

from atp_ray.checkpoint.gpu_shares import GpuNode
from serve_deployments import cluster_gpus

# In a process of its own: the tests' Ray has no GPUs.
PROGRAM = """
import sys, time, ray
sys.path.insert(0, "tests")
from pathlib import Path
from model_configs import QWEN3_8B, save_config
from ray.core.generated.autoscaler_pb2 import ClusterConfig
from ray.util.placement_group import placement_group
from atp_ray.checkpoint.profiles import DeploymentProfile, EngineProfile, ModelProfile
from atp_ray.errors import AtpError
from serve_deployments.cluster_gpus import cluster_gpus
from serve_deployments.lease import Lease
from serve_deployments.model_app import start_models

ray.init(address="local", num_cpus=2, num_gpus=2, resources={"accelerator_type:H100": 1}, include_dashboard=False)
print("free:", cluster_gpus().free)

def model(name, **settings):
    source = save_config(Path(sys.argv[1]) / name, QWEN3_8B)
    engine = EngineProfile(dtype="bfloat16", **settings)
    return ModelProfile(name=name, source=source, engine=engine, deployment=DeploymentProfile(accelerator="gpu"))

def refusal(*models):
    start = time.monotonic()
    try:
        start_models(models, Lease())
    except AtpError as error:
        print(f"{type(error).__name__} in {'time' if time.monotonic() - start < 30 else 'vain'}: {error}")

refusal(model("one", max_model_len=2048), model("two", max_model_len=2048), model("three", max_model_len=2048))
refusal(model("long", max_model_len=1_000_000))
refusal(model("wide", max_model_len=2048, tensor_parallel_size=4))
held = placement_group([{"GPU": 1}], name="SERVE_REPLICA::model-other-12#engine:other#x1")
taken = ray.remote(num_gpus=1)(type("Taken", (), {"ready": lambda self: True})).remote()
ray.get([held.ready(), taken.ready.remote()])
refusal(model("one", max_model_len=2048))
print("holders:", cluster_gpus().holders)
config = ClusterConfig()
group = config.node_group_configs.add(name="gpus", max_count=3)
group.resources.update({"GPU": 8, "accelerator_type:H100": 1})
ray._raylet.GcsClient(ray.get_runtime_context().gcs_address).internal_kv_put(
    b"__autoscaler_cluster_config", config.SerializeToString(), True, b"__autoscaler"
)
print("largest:", cluster_gpus().largest)
"""


@pytest.mark.xdist_group("gpus")
def test_engines_that_do_not_fit_are_refused_before_they_start(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    free, together, long, wide, busy, holders, largest = done.stdout.splitlines()
    node = GpuNode(2, "H100")
    assert free == f"free: {(node,)}"
    assert together.startswith("UsageError in time: one needs 1 GPU(s) and two needs 1 GPU(s) and three needs 1 GPU(s)")
    assert "but the cluster has GPUs by node: 2 H100" in together
    assert "for the cache of a request of 1,000,000 tokens" in long
    assert "needs 4 GPU(s) per replica but the cluster has 2" in wide
    assert busy.startswith("ConflictError in time: one needs 1 GPU(s), but 0 of 2 GPUs are free")
    assert "(in use: model-other-12 1, other work 1)" in busy
    assert holders == "holders: (('model-other-12', 1), ('other work', 1))"
    assert largest == f"largest: {(GpuNode(8, 'H100'),) * 3}"


def test_what_ray_up_leaves_on_the_head_says_what_the_cluster_may_grow_to(tmp_path, monkeypatch) -> None:
    path = tmp_path / "ray_bootstrap_config.yaml"
    monkeypatch.setattr(cluster_gpus, "BOOTSTRAP_FILE", path)
    assert cluster_gpus._bootstrap_groups() == ()
    path.write_text(
        "max_workers: 2\navailable_node_types:\n"
        "  head: {resources: {CPU: 8}, max_workers: 0}\n"
        "  workers: {resources: {CPU: 48, GPU: 4, 'accelerator_type:A10G': 1}, max_workers: 5}\n"
    )
    assert cluster_gpus._bootstrap_groups() == (GpuNode(4, "A10G"),) * 2
