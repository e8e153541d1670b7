"""Do the profiles' trainers work on this GPU, and do they come to what a CPU comes to? A few steps of each kind of run.

`python -m benchmarks.training_on_gpu > training.md` trains the embedded checkpoint `tiny` without Ray by the shipped
profiles' GPU settings (bf16, gradient checkpointing, accumulation, LoRA, ZeRO-2, ZeRO-3, offload) with fewer steps and
other rates, each in a process of its own; goes on with some from the checkpoint half-way; loads every result; and
prints two tables in Markdown: the runs, and what was checked of them. What fails is told on standard error and in the
tables, and the rest goes on. The exit code is 1 if anything failed. It needs the extra `cpu` or `cuda`, and no Ray.

`--device cpu` runs the same on a machine without a GPU, with gloo for NCCL.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple

from atp_ray.alignment.profiles import Method
from atp_ray.checkpoint.names import model_profile
from benchmarks.one_training import Found, Trained, Training

STEPS = 12
HALF = STEPS // 2
ALONE_S = 300  # for one training; the first with offload compiles for a minute or more
LOOK_S = 120  # for all results together, after the deadline too
SHOWN_LINES = 25

FULL = ("lora=null", "learning_rate=2e-5")
ADAPTER = ("learning_rate=1e-3",)
DPO = ("epochs=null", f"steps={STEPS}", f"save_steps={HALF}", "thinking=null", "workers=1")
GRPO = (*DPO, "generation=transformers", "batch=16", "group_size=8", "max_completion=96")
PROFILES: dict[Method, str] = {"dpo": "qwen3-8b-sa-dpo", "grpo": "qwen3-8b-sa-grpo"}


class Variant(NamedTuple):
    """One kind of run; `resumed` ones are also continued from half-way, `on_cpu` ones never use the GPU."""

    name: str
    method: Method
    settings: tuple[str, ...]
    resumed: bool = False
    on_cpu: bool = False


VARIANTS = (
    Variant("DPO full fp32 on the CPU", "dpo", (*FULL, "precision=fp32"), on_cpu=True),
    Variant("DPO LoRA fp32 on the CPU", "dpo", (*ADAPTER, "precision=fp32"), on_cpu=True),
    Variant("DPO full fp32", "dpo", (*FULL, "precision=fp32"), resumed=True),
    Variant("DPO LoRA fp32", "dpo", (*ADAPTER, "precision=fp32")),
    Variant("DPO LoRA bf16", "dpo", ADAPTER, resumed=True),
    Variant("DPO LoRA bf16 ZeRO-2", "dpo", (*ADAPTER, "zero=2")),
    Variant("DPO LoRA bf16 ZeRO-3", "dpo", (*ADAPTER, "zero=3")),
    Variant("DPO full fp32 ZeRO-2", "dpo", (*FULL, "precision=fp32", "zero=2")),
    Variant("DPO full fp32 ZeRO-3", "dpo", (*FULL, "precision=fp32", "zero=3")),
    Variant("DPO full fp32 ZeRO-2 offload", "dpo", (*FULL, "precision=fp32", "zero=2", "offload=true")),
    Variant("DPO full bf16 ZeRO-2", "dpo", (*FULL, "zero=2")),
    Variant("DPO full bf16 ZeRO-2 offload", "dpo", (*FULL, "zero=2", "offload=true"), resumed=True),
    Variant("DPO full bf16 ZeRO-3", "dpo", (*FULL, "zero=3"), resumed=True),
    Variant("DPO full bf16 ZeRO-3 offload", "dpo", (*FULL, "zero=3", "offload=true")),
    Variant("GRPO full fp32", "grpo", (*GRPO, *FULL, "precision=fp32", "zero=0")),
    Variant("GRPO LoRA bf16", "grpo", (*GRPO, *ADAPTER, "lora={}", "zero=0"), resumed=True),
    Variant("GRPO full bf16 ZeRO-2 offload", "grpo", (*GRPO, *FULL, "zero=2", "offload=true")),
    Variant("GRPO full bf16 ZeRO-3", "grpo", (*GRPO, *FULL, "zero=3"), resumed=True),
)

# Whose losses are compared at each step, and how far apart they may be. bf16 has 8 bits: a loss of 0.7 within 0.003.
# All weights in bf16 beside fp32 are shown and not judged: a few steps change a weight by less than bf16 can express,
# so the model lags behind the copy in fp32 that DeepSpeed keeps.
SAME_CURVES = (
    ("DPO full fp32", "DPO full fp32 on the CPU", 2e-3),
    ("DPO LoRA fp32", "DPO LoRA fp32 on the CPU", 2e-3),
    ("DPO full fp32 ZeRO-2", "DPO full fp32", 2e-3),
    ("DPO full fp32 ZeRO-3", "DPO full fp32", 2e-3),
    ("DPO full fp32 ZeRO-2 offload", "DPO full fp32", 2e-3),
    ("DPO LoRA bf16", "DPO LoRA fp32", 3e-2),
    ("DPO LoRA bf16 ZeRO-2", "DPO LoRA bf16", 3e-2),
    ("DPO LoRA bf16 ZeRO-3", "DPO LoRA bf16", 3e-2),
    ("DPO full bf16 ZeRO-2", "DPO full fp32", math.inf),
    ("DPO full bf16 ZeRO-3", "DPO full bf16 ZeRO-2", 3e-2),
    ("DPO full bf16 ZeRO-2 offload", "DPO full bf16 ZeRO-2", 3e-2),
    ("DPO full bf16 ZeRO-3 offload", "DPO full bf16 ZeRO-3", 3e-2),
)
RESUMED_WITHIN: dict[Method, float] = {"dpo": 1e-2, "grpo": 5e-2}


class Ended(NamedTuple):
    """A training that ended, by itself or not; `error` is the last line that it said."""

    variant: Variant
    trained: Trained | None
    resumed: Trained | None
    result: Path
    error: str


class Check(NamedTuple):
    """Something that must hold of the runs, and what was found."""

    what: str
    found: str
    holds: bool


class Runner:
    """Trains variants below a folder, and gives up at `deadline`, a time of the monotonic clock."""

    def __init__(self, folder: Path, device: Literal["cuda", "cpu"], checkpoint: str, deadline: float) -> None:
        self._folder, self._device, self._checkpoint, self._deadline = folder, device, checkpoint, deadline

    def run(self, variant: Variant) -> Ended:
        """Train a variant, and again from half-way if it says so."""
        folder = self._folder / variant.name.replace(" ", "-")
        result = folder / f"checkpoint-{STEPS}"
        try:
            trained = self._train(variant, folder, None)
        except RuntimeError as error:
            return Ended(variant, None, None, result, str(error))
        if not variant.resumed:
            return Ended(variant, trained, None, result, "")
        try:
            half_way = folder / f"checkpoint-{HALF}"
            again = self._train(variant, self._folder / f"{folder.name}-resumed", half_way)
        except RuntimeError as error:
            return Ended(variant, trained, None, result, f"resumed: {error}")
        return Ended(variant, trained, again, result, "")

    def look_at(self, results: Sequence[Path]) -> dict[Path, Found]:
        """Load results as a user does; whatever cannot be loaded says why."""
        command = ["benchmarks.trained_checkpoints", self._device, self._checkpoint, *map(str, results)]
        try:
            said = _run(command, self._device, LOOK_S)
        except RuntimeError as error:
            print(f"results were not looked at: {error}", file=sys.stderr)
            return {}
        found = [Found.model_validate_json(line) for line in said.splitlines() if line.startswith('{"result"')]
        return {Path(one.result): one for one in found}

    def _train(self, variant: Variant, folder: Path, resume_from: Path | None) -> Trained:
        device = "cpu" if variant.on_cpu else self._device
        training = Training(
            name=variant.name,
            method=variant.method,
            profile=PROFILES[variant.method],
            settings=(*DPO, *variant.settings, f"accelerator={'gpu' if device == 'cuda' else 'cpu'}"),
            device=device,
            checkpoint=self._checkpoint,
            folder=folder,
            resume_from=resume_from,
        )
        folder.mkdir(parents=True)
        what = variant.name + (f", from step {HALF}" if resume_from else "")
        start = time.monotonic()
        try:
            _run(["benchmarks.one_training", training.model_dump_json()], device, min(ALONE_S, self._left()))
        except RuntimeError as error:
            print(f"FAILED {what}, {time.monotonic() - start:.0f} s: {error}", file=sys.stderr, flush=True)
            raise
        print(f"done {what}, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        return Trained.model_validate_json((folder / "trained.json").read_text())

    def _left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())


def _run(command: Sequence[str], device: str, timeout_s: float) -> str:
    """Run a module of this project in a process of its own and return what it says on standard output.

    Raises:
        RuntimeError: it failed or took too long; the text is its last line, the ones before go to standard error.
    """
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "0" if device == "cuda" else "", "HF_HUB_OFFLINE": "1"}
    try:
        ended = subprocess.run(
            [sys.executable, "-m", *command], env=environment, capture_output=True, text=True, timeout=timeout_s
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"not done after {timeout_s:.0f} s") from error
    said = [line for line in (ended.stdout + ended.stderr).splitlines() if line.strip()]
    if ended.returncode:
        print("\n".join(["", f"$ {' '.join(command)}", *said[-SHOWN_LINES:]]), file=sys.stderr, flush=True)
        errors = [line for line in said if "Error" in line]
        raise RuntimeError((errors or said or [f"exit code {ended.returncode}"])[-1][:200])
    return ended.stdout


def checks(runs: Mapping[str, Ended], found: Mapping[Path, Found]) -> Iterator[Check]:
    """Compare runs with one another and with their results."""
    for ended in runs.values():
        if ended.trained is None:
            yield Check(f"{ended.variant.name}: ends", ended.error, False)
            continue
        yield from _learned(ended, ended.trained, found.get(ended.result))
        if ended.variant.resumed:
            yield _as_undisturbed(ended, ended.trained)
    for one, other, allowed in SAME_CURVES:
        if one in runs and other in runs:
            yield _same_curve(runs[one], runs[other], allowed)


def _learned(ended: Ended, trained: Trained, found: Found | None) -> Iterator[Check]:
    name, third = ended.variant.name, STEPS // 3
    if ended.variant.method == "dpo":
        before, after = _mean(trained.losses[:third]), _mean(trained.losses[-third:])
        yield Check(f"{name}: the loss falls", f"{before:.4f} to {after:.4f}", after < before)
    before, after = _mean(trained.gains[:third]), _mean(trained.gains[-third:])
    # A handful of steps need not show in a reward of few completions.
    gain = "the margin rises" if ended.variant.method == "dpo" else "the reward (not judged)"
    yield Check(f"{name}: {gain}", f"{before:.4f} to {after:.4f}", ended.variant.method == "grpo" or after > before)
    if found is None or found.error:
        yield Check(f"{name}: the result can be loaded", "no" if found is None else str(found.error), False)
        return
    yield Check(f"{name}: weights changed", f"by up to {found.moved:.1e}", found.moved > 1e-6)
    if ended.variant.method == "dpo":
        yield Check(f"{name}: the result prefers the chosen", f"{found.margin:+.3f} nats", found.margin > 0)
    if found.merge_error is not None:
        yield Check(f"{name}: merged = adapter", f"logits within {found.merge_error:.1e}", found.merge_error < 1e-2)


def _as_undisturbed(ended: Ended, trained: Trained) -> Check:
    what = f"{ended.variant.name}: resumed = undisturbed"
    if ended.resumed is None:
        return Check(what, ended.error, False)
    apart = _apart(ended.resumed.losses, trained.losses)
    gains = _apart(ended.resumed.gains, trained.gains)
    within = RESUMED_WITHIN[ended.variant.method]
    found = f"losses within {apart:.1e}, {'margins' if ended.variant.method == 'dpo' else 'rewards'} {gains:.1e}"
    return Check(what, found, apart <= within)


def _same_curve(one: Ended, other: Ended, allowed: float) -> Check:
    what = f"{one.variant.name} = {other.variant.name}" + (" (not judged)" if allowed == math.inf else "")
    if one.trained is None or other.trained is None:
        return Check(what, "one of them did not end", False)
    apart = _apart(one.trained.losses, other.trained.losses)
    return Check(what, f"losses within {apart:.1e}", apart <= allowed)


def _apart(one: Sequence[float], other: Sequence[float]) -> float:
    if len(one) != len(other) or not one:
        return float("inf")
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def table(runs: Iterable[Ended]) -> Iterator[str]:
    """Yield the table of runs, line by line."""
    yield "| run | steps | loss, first and last | margin or reward | seconds | GPU, peak MiB |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for ended in runs:
        if ended.trained is None:
            yield f"| {ended.variant.name} | failed: {ended.error} | | | | |"
            continue
        ran = ended.trained
        numbers = [f"{series[0]:.4f}, {series[-1]:.4f}" if series else "" for series in (ran.losses, ran.gains)]
        peak = f"{ran.peak_bytes / 2**20:.0f}" if ran.peak_bytes else ""
        yield f"| {ended.variant.name} | {len(ran.losses)} | {numbers[0]} | {numbers[1]} | {ran.seconds:.1f} | {peak} |"


def check_table(made: Iterable[Check]) -> Iterator[str]:
    """Yield the table of checks, line by line."""
    yield "| check | found | holds |"
    yield "| --- | --- | --- |"
    for check in made:
        yield f"| {check.what} | {check.found} | {'yes' if check.holds else '**no**'} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--only", default="", help="only runs whose name contains this")
    parser.add_argument("--at-once", type=int, default=1, help="trainings at a time (default: 1)")
    parser.add_argument("--minutes", type=float, default=30, help="give up what is not done by then (default: 30)")
    given = parser.parse_args()
    chosen = [variant for variant in VARIANTS if given.only in variant.name]
    with tempfile.TemporaryDirectory(prefix="atp_ray-training-") as folder:
        deadline = time.monotonic() + 60 * given.minutes
        runner = Runner(Path(folder), given.device, model_profile("tiny").source, deadline)
        with ThreadPoolExecutor(given.at_once) as threads:
            runs = {ended.variant.name: ended for ended in threads.map(runner.run, chosen)}
        results = [ended.result for ended in runs.values() if ended.trained]
        made = list(checks(runs, runner.look_at(results) if results else {}))
    failed = sum(not check.holds for check in made)
    print("\n".join([*table(runs.values()), "", *check_table(made)]))
    print(f"\n{len(made) - failed} checks hold, {failed} do not")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
