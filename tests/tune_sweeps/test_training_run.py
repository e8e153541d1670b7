"""Training under Ray Train: the curve of the same training without Ray, shared, sharded, and after a kill."""

import json
import os
import shutil
import signal
import threading
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
import ray
from ray.util.placement_group import placement_group, remove_placement_group
from support import PATIENCE_S, Late, train_alone, wait_until
from times import dear_start

from atp_ray.alignment.learning_curve import read_metrics, series
from atp_ray.alignment.profiles import load_profile
from atp_ray.alignment.training_prompts import training_prompts
from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.checkpoint.profiles import ModelProfile
from atp_ray.checkpoint.scope import load_scope
from atp_ray.errors import UsageError
from atp_ray.tiny.scope import shipped_scope
from benchmarks.decision_pairs import role_play_pairs
from tune_sweeps.deepspeed_start import compile_no_messages
from tune_sweeps.training_checks import check_job, require_room
from tune_sweeps.training_job import STATE_FILE, TrainingJob
from tune_sweeps.training_nodes import reserved

pytestmark = [pytest.mark.xdist_group("torch"), pytest.mark.dear]

torch, transformers, safetensors = Late("torch"), Late("transformers"), Late("safetensors.torch")
deepspeed_comm, ray_train = Late("deepspeed.comm.torch"), Late("tune_sweeps.training_run")

STEPS = 8


def job(tiny: ModelProfile, folder: Path, *settings: str, profile: str = "tiny-dpo") -> TrainingJob:
    folder.mkdir(parents=True, exist_ok=True)
    made = load_profile(profile, "dpo", [f"steps={STEPS}", "save_steps=2", "batch=4", *settings])
    return TrainingJob(made, tiny.source, tiny.revision, None, role_play_pairs(16), folder)


def run_training(job: TrainingJob, *on_progress) -> None:
    with dear_start("training"):
        ray_train.run_training(job, *on_progress)


def losses(folder: Path) -> list[float]:
    steps, values = series(read_metrics(folder), "loss")
    assert steps == list(range(1, STEPS + 1))  # every step once
    return values


@pytest.fixture(scope="module")
def alone(tiny, tmp_path_factory) -> Path:
    """What a training without Ray came to: its learning curve and its weights."""
    made = job(tiny, tmp_path_factory.mktemp("training") / "alone")
    train_alone(made.profile, made.source, made.data, made.folder)
    return made.folder


@pytest.fixture(scope="module")
def disturbed(local_ray, tiny, tmp_path_factory) -> TrainingJob:
    """A run of two workers with a part of the weights each, both of which were killed after the first checkpoint."""
    one = job(tiny, tmp_path_factory.mktemp("training") / "disturbed", "zero=3", "workers=2", "batch=2")
    seen: list[tuple[int, int, dict[str, float]]] = []
    thread = threading.Thread(target=run_training, args=(one, seen.append))
    thread.start()
    saved = "ray_train/*/checkpoint_*/trainer_state.json"
    wait_until(lambda: list(one.folder.glob(saved)) or not thread.is_alive(), "the first checkpoint")
    killed = [process.pid for process in training_workers()]
    assert killed
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    thread.join(PATIENCE_S)
    steps = [step for step, _, _ in seen[:-1]]
    assert sorted(set(steps)) == list(range(1, STEPS + 1))
    assert sum(after != before + 1 for before, after in pairwise(steps)) <= 1  # back to the checkpoint, if at all
    assert seen[-1][:2] == (STEPS, STEPS)  # TRL's summary comes last
    return one


def training_workers() -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if "RayTrainWorker" in " ".join(process.info["cmdline"] or ())
    ]


def test_the_loss_falls_and_the_result_is_a_checkpoint_with_its_scope(disturbed, tiny) -> None:
    curve = losses(disturbed.folder)
    assert curve[0] == pytest.approx(0.6931, abs=1e-3)
    assert curve[-1] < curve[0] - 0.02
    trained = resolve_checkpoint(str(disturbed.result))
    assert isinstance(trained, ModelProfile)
    assert trained.revision != tiny.revision
    assert trained.embedded
    assert load_scope(disturbed.result) == shipped_scope()
    assert list(disturbed.tensorboard.glob("events.out.tfevents.*"))
    assert not disturbed.scratch.exists()  # what a node had in it went with the worker


def test_killed_workers_that_share_weights_and_batch_go_on_from_their_checkpoint_with_the_curve_of_one(
    disturbed, alone
) -> None:
    """The curve is the same, and the result is whole, whatever pieces the workers held."""
    assert losses(disturbed.folder) == pytest.approx(losses(alone), abs=2e-3)
    ours, theirs = (safetensors.load_file(folder / "model.safetensors") for folder in (disturbed.result, alone))
    assert ours.keys() - theirs.keys() <= {"lm_head.weight"}  # DeepSpeed writes tied weights twice
    assert all(torch.allclose(ours[name], theirs[name], atol=2e-3) for name in theirs)
    transformers.AutoModelForCausalLM.from_pretrained(disturbed.result)


def test_deepspeed_compiles_nothing_for_workers_without_a_gpu() -> None:
    compile_no_messages()
    assert deepspeed_comm.build_shm_op() is None


def looked_at(job: TrainingJob) -> None:
    require_room(job, check_job(job))


def test_more_workers_than_cpus_are_refused_and_not_waited_for(local_ray, tiny, tmp_path) -> None:
    with pytest.raises(UsageError, match=r"needs 64 CPU\(s\) but the cluster has"):
        looked_at(job(tiny, tmp_path, "workers=64"))


def test_a_finished_checkpoint_is_not_trained_on(disturbed, tiny, tmp_path) -> None:
    states = (disturbed.folder / "ray_train").glob(f"*/checkpoint_*/{STATE_FILE}")
    # A kill after the last save: all of the run is there but its result. How many workers there are now is no matter.
    again = job(tiny, tmp_path / "run")
    shutil.copytree(disturbed.folder / "ray_train", again.folder / "ray_train")
    (again.folder / "ray_train" / disturbed.name).rename(again.folder / "ray_train" / again.name)
    assert max(json.loads(state.read_text())["global_step"] for state in states) == STEPS
    run_training(again)
    assert losses(again.folder) == losses(disturbed.folder)
    assert sorted(path.name for path in again.result.iterdir()) == sorted(
        path.name for path in disturbed.result.iterdir()
    )


def test_a_prompt_that_is_too_long_is_refused_before_training(local_ray, tiny, tmp_path) -> None:
    profile = load_profile("tiny-grpo", "grpo", ["max_prompt=50"])
    with pytest.raises(UsageError, match=r"prompt \S+ has \d+ tokens, more than max_prompt \(50\)"):
        check_job(TrainingJob(profile, tiny.source, "r", None, training_prompts("role_play", 4), tmp_path))


def test_too_little_memory_is_refused_before_training(local_ray, tiny, tmp_path) -> None:
    config = json.loads((Path(tiny.source) / "config.json").read_text())
    config.pop("layer_types")
    huge = {"hidden_size": 8192, "num_hidden_layers": 120, "intermediate_size": 28672, "vocab_size": 150_000}
    for path in (*Path(tiny.source).glob("token*"), *Path(tiny.source).glob("*.jinja")):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "config.json").write_text(json.dumps(config | huge))
    profile = load_profile("tiny-dpo", "dpo")
    with pytest.raises(UsageError, match=r"needs \d+.\d GiB for weights, gradients and optimizer but this machine has"):
        looked_at(TrainingJob(profile, str(tmp_path), "r", None, role_play_pairs(4), tmp_path))


def test_a_damaged_checkpoint_is_one_line(local_ray, tiny, tmp_path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "qwen3", "num_hidden_layers": 2, "layer_types": []}')
    with pytest.raises(UsageError, match="cannot be loaded") as caught:
        check_job(TrainingJob(load_profile("tiny-dpo", "dpo"), str(tmp_path), "r", None, role_play_pairs(4), tmp_path))
    assert "\n" not in str(caught.value)


def test_a_gpu_profile_without_a_gpu_is_refused(local_ray, tiny, tmp_path) -> None:
    profile = load_profile("qwen3-8b-sa-dpo", "dpo", ["thinking=null"])
    with pytest.raises(UsageError, match=r"needs 1 GPU\(s\) but the cluster has 0"):
        looked_at(TrainingJob(profile, tiny.source, "r", None, role_play_pairs(4), tmp_path))


def test_places_that_something_else_holds_are_waited_for_and_said_once(local_ray) -> None:
    scarce = {"node:__internal_head__": 1.0}  # every Ray has one of it
    holder = placement_group([scarce])
    ray.get(holder.ready())
    said: list[str] = []

    def waiting(line: str) -> None:
        said.append(line)
        remove_placement_group(holder)

    with reserved(1, scarce, waiting) as places:
        (node,) = places.nodes
        assert (node.workers, node.address) == (1, ray.util.get_node_ip_address())
        assert places.ask(lambda node: (node, ray.get_runtime_context().get_node_id())) == [(node, node.node_id)]
    assert said == ["Waiting for 1 node:__internal_head__(s), 0 of 1 free"]


def test_workers_of_one_node_are_counted_as_such(local_ray) -> None:
    with reserved(2, {"CPU": 1}) as places:
        assert [node.workers for node in places.nodes] == [2]


def test_a_pair_longer_than_the_profile_keeps_is_counted(local_ray, tiny, tmp_path) -> None:
    profile = load_profile("tiny-dpo", "dpo", ["max_length=20"])
    assert check_job(TrainingJob(profile, tiny.source, "r", None, role_play_pairs(4), tmp_path)).cut == 4
