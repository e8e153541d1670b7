"""What a node is asked before workers train on it."""

import shutil
import sys
from pathlib import Path

import pytest
from support import Late

from atp_ray.alignment.profiles import load_profile
from atp_ray.alignment.training_prompts import training_prompts
from atp_ray.errors import UsageError
from benchmarks.decision_pairs import role_play_pairs
from tune_sweeps.training_checks import look_here, require_shared
from tune_sweeps.training_job import TrainingJob
from tune_sweeps.training_nodes import WorkerNode, is_loopback, require_common_network

pytestmark = pytest.mark.xdist_group("torch")

trl = Late("trl")

NODE = WorkerNode("0a", "10.0.0.7", workers=1, bundle=0)


def job(source: str, *settings: str, trackers: tuple[str, ...] = ()) -> TrainingJob:
    profile = load_profile("tiny-dpo", "dpo", settings)
    return TrainingJob(profile, source, "r", None, role_play_pairs(4), Path("/nowhere"), trackers=trackers)


def test_thinking_is_refused_where_the_chat_template_has_no_switch(tiny) -> None:
    with pytest.raises(UsageError, match=r"its chat template does not turn thinking on or off. --set thinking=null"):
        look_here(job(tiny.source, "thinking=false"), NODE)


def test_prompts_are_measured_with_the_template_they_are_trained_with(tiny, tmp_path: Path) -> None:
    source = tmp_path / "thinker"
    shutil.copytree(tiny.source, source)
    shutil.copy(Path(trl.__file__).parent / "chat_templates" / "qwen3.jinja", source / "chat_template.jinja")
    lengths = {}
    for thinking in ("true", "false"):
        profile = load_profile("tiny-grpo", "grpo", ["max_prompt=1", f"thinking={thinking}"])
        prompts = training_prompts("role_play", 1)
        with pytest.raises(UsageError, match=r"has \d+ tokens, more than max_prompt \(1\)") as refused:
            look_here(TrainingJob(profile, str(source), "r", None, prompts, tmp_path), NODE)
        lengths[thinking] = int(refused.value.what.split()[1])
    assert lengths["false"] > lengths["true"]


def test_a_base_that_a_node_does_not_have_is_refused_with_the_node(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be loaded on node 10.0.0.7: ") as caught:
        look_here(job(str(tmp_path / "elsewhere")), NODE)
    assert "\n" not in str(caught.value)


def test_memory_is_shared_by_the_workers_of_one_node_only(tiny) -> None:
    alone = look_here(job(tiny.source, "workers=4"), NODE)
    crowded = look_here(job(tiny.source, "workers=4"), WorkerNode("0a", "10.0.0.7", workers=4, bundle=0))
    assert alone.device_bytes > 2 * crowded.device_bytes


def test_a_tracker_that_a_node_lacks_is_refused(tiny, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)  # as if it were not installed
    with pytest.raises(UsageError, match=r"--track: the package wandb is not installed on node 10.0.0.7"):
        look_here(job(tiny.source, trackers=("wandb",)), NODE)


def test_mlflow_on_several_nodes_needs_a_server(tiny, monkeypatch) -> None:
    tracked = job(tiny.source, trackers=("mlflow",))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    require_shared(tracked, 1)
    with pytest.raises(UsageError, match="mlflow would write to the disk of whichever node has the first worker"):
        require_shared(tracked, 2)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracker:5000")
    require_shared(tracked, 2)


@pytest.mark.parametrize(
    ("addresses", "lost"),
    [
        (["10.0.0.7", "10.0.0.8"], None),
        (["127.0.0.1", "127.0.0.1"], None),  # several nodes of one machine
        (["10.0.0.7", "127.0.0.1"], "127.0.0.1"),
    ],
)
def test_a_node_that_others_know_by_a_loopback_address_is_refused(addresses, lost) -> None:
    if lost is None:
        require_common_network(addresses)
        return
    with pytest.raises(UsageError, match=f"{lost}: a node has joined Ray by an address that no other node reaches"):
        require_common_network(addresses)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("10.0.0.7", False),
        ("node", False),
    ],
)
def test_what_a_loopback_address_is(host, loopback) -> None:
    assert is_loopback(host) is loopback
