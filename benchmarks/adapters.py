"""One engine with a base and two adapters against three engines: memory and decisions per second, in one run.

`python -m benchmarks.adapters` serves `tiny` with two LoRA adapters from one engine, then `tiny` and both adapters
merged into full checkpoints from three, asks each the same prompts with the same seeds, and prints memory (proportional
set size of all processes the engines added), decisions per second and the ratios of one engine to three.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import ray
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from ray import serve
from transformers import AutoModelForCausalLM, AutoTokenizer

from actors.model_clients import Deployment, ServeClient
from atp_ray.alignment.training_prompts import training_prompts
from atp_ray.checkpoint.names import model_profile
from atp_ray.checkpoint.profiles import ModelProfile
from atp_ray.play.model_calls import ReplyRequest
from serve_deployments.lease import Lease
from serve_deployments.model_app import deploy_models
from tune_sweeps.connection import connected

PROMPTS = 350
ADAPTERS = 2


def main() -> None:
    tiny = model_profile("tiny")
    requests = [
        ReplyRequest(prompt.messages, tiny.sampling, seed, prompt.options)
        for seed, prompt in enumerate(training_prompts("games", PROMPTS))
    ]
    with tempfile.TemporaryDirectory(prefix="atp_ray-benchmark-") as folder:
        adapters, merged = _variants(tiny, Path(folder))
        one = _measure([tiny, *adapters], requests)
        three = _measure([tiny, *merged], requests)
    ratios = {f"{key}_ratio": round(one[key] / three[key], 3) for key in one}
    print(json.dumps({"one_engine": one, "three_engines": three, **ratios}, indent=2))


def _variants(tiny: ModelProfile, folder: Path) -> tuple[list[ModelProfile], list[ModelProfile]]:
    """Return two adapters and the same merged into full checkpoints; small random weights, as the speed is the same."""
    adapters, merged = [], []
    for index in range(ADAPTERS):
        torch.manual_seed(index)
        config = LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
        base = AutoModelForCausalLM.from_pretrained(tiny.source, dtype=torch.float32)
        model = get_peft_model(base, config)
        for name, weights in model.named_parameters():
            if "lora_B" in name:
                weights.data *= 0.01  # it must go on answering as tiny does, or replies would differ in length
        adapter, full = folder / f"adapter-{index}", folder / f"merged-{index}"
        model.save_pretrained(adapter)
        whole = PeftModel.from_pretrained(
            AutoModelForCausalLM.from_pretrained(tiny.source, dtype=torch.float32), adapter
        ).merge_and_unload()
        whole.save_pretrained(full)
        AutoTokenizer.from_pretrained(tiny.source).save_pretrained(full)
        adapters.append(model_profile(str(adapter)))
        merged.append(tiny.model_copy(update={"name": f"merged-{index}", "source": str(full), "revision": ""}))
    return adapters, merged


def _measure(profiles: list[ModelProfile], requests: list[ReplyRequest]) -> dict[str, float]:
    with connected(None, n_engines=len(profiles)):
        before = _memory()
        start = time.perf_counter()
        with _quiet_serve():
            deployments = deploy_models(profiles, Lease()).deployments
            started = time.perf_counter() - start
            _ask(list(deployments.values()), requests[:8])
            seconds = _ask(list(deployments.values()), requests)
            used = _memory() - before
    return {
        "memory_gib": round(used / 2**30, 2),
        "decisions_per_s": round(len(profiles) * len(requests) / seconds, 1),
        "start_s": round(started, 1),
    }


def _ask(deployments: list[Deployment], requests: list[ReplyRequest]) -> float:
    @ray.remote(num_cpus=0)
    def ask() -> float:
        async def gather() -> None:
            clients = [ServeClient(deployment) for deployment in deployments]
            await asyncio.gather(*(client.reply(request) for request in requests for client in clients))

        start = time.perf_counter()
        asyncio.run(gather())
        return time.perf_counter() - start

    return ray.get(ask.remote())


def _memory() -> float:
    """Return the proportional set size of this process and all it has started, bytes."""
    total = 0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue  # it has just ended
    return total


@contextmanager
def _quiet_serve() -> Iterator[None]:
    try:
        yield
    finally:
        serve.shutdown()


if __name__ == "__main__":
    main()
