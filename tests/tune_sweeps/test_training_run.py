"""Training under Ray Train: a killed worker goes on from the last checkpoint, and the result is served by its path."""

import os
import signal
import threading
import time
from pathlib import Path

import psutil
from support import role_play_pairs

from atp_ray.alignment.profiles import load_profile
from atp_ray.checkpoint_profiles import resolve_checkpoint
from atp_ray.tiny.scope import load_scope, shipped_scope
from tune_sweeps.training_run import RESULT_FOLDER, TrainingJob, run_training


def training_workers() -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if "RayTrainWorker" in " ".join(process.info["cmdline"] or ())
    ]


def test_a_killed_worker_goes_on_from_its_checkpoint_and_the_result_is_a_checkpoint(local_ray, tiny, tmp_path) -> None:
    profile = load_profile("tiny-dpo", "dpo").model_copy(update={"steps": 40, "save_steps": 5})
    job = TrainingJob(profile, tiny.source, role_play_pairs(32), tmp_path / "run")
    results: list[Path] = []
    thread = threading.Thread(target=lambda: results.append(run_training(job)))
    thread.start()
    deadline = time.monotonic() + 120
    while not list((tmp_path / "run").glob("ray_train/checkpoint_*/checkpoint/trainer_state.json")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    killed = [process.pid for process in training_workers()]
    assert killed
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    thread.join(200)
    assert results == [tmp_path / "run" / RESULT_FOLDER]
    assert load_scope(results[0]) == shipped_scope()
    trained = resolve_checkpoint(str(results[0]))
    assert trained.revision != tiny.revision
