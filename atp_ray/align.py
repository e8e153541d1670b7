"""`python -m atp_ray.align`: align a checkpoint - collect preference pairs, train on them or on rewards."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import ray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from actors.model_clients import EndpointClient, ModelClient, ServeClient
from actors.pair_collector import Collected, PairCollector
from atp_ray.alignment.elicitation import Elicitation
from atp_ray.alignment.pairs import (
    PairLog,
    conversational_rows,
    llama_factory_rows,
    read_pairs,
    write_pairs,
)
from atp_ray.alignment.profiles import DpoProfile, GrpoProfile, load_profile
from atp_ray.alignment.training_prompts import TrainingPrompt, training_prompts
from atp_ray.checkpoint_profiles import EndpointProfile, ModelProfile, PolicyProfile, resolve_checkpoint
from atp_ray.cli import positive_int, report_console, run_command
from atp_ray.errors import StorageError, UsageError
from atp_ray.paradigms import Paradigm
from atp_ray.storage.run_folder import run_lock
from serve_deployments.model_app import deploy_models
from tune_sweeps.experiment import connected
from tune_sweeps.training_run import Data, TrainingJob, run_training

PAIRS_FILE = "pairs.parquet"
LOG_FILE = "pairs.jsonl"


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    arguments = _build_parser().parse_args(argv)
    console = report_console()
    commands = {"pairs": _pairs, "export": _export, "import": _import, "dpo": _dpo, "grpo": _grpo}
    return commands[arguments.command](console, arguments)


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m atp_ray.align", description=__doc__.partition(": ")[2])
    commands = parser.add_subparsers(dest="command", required=True)
    pairs = commands.add_parser("pairs", help="collect preference pairs from a checkpoint's own replies")
    pairs.add_argument("--paradigm", choices=get_args(Paradigm), required=True)
    pairs.add_argument("--checkpoint", default="tiny", help="checkpoint to ask (default: tiny)")
    pairs.add_argument(
        "--out", type=Path, help="folder (default: runs/pairs-CHECKPOINT-PARADIGM); continued if it exists"
    )
    pairs.add_argument("--count", type=positive_int, help="prompts (default: 350, 160 or 2000, as in the paper)")
    pairs.add_argument(
        "--tries", type=positive_int, help="replies per side until the wished one (default: 5; plain: 40)"
    )
    pairs.add_argument(
        "--elicitation",
        choices=get_args(Elicitation),
        help="tell the model which side is wanted (default), or wait for chance under the plain prompt (tiny)",
    )
    pairs.add_argument("--seed", type=int, default=0, help="seed of the prompts' numbers (default: 0)")
    pairs.add_argument("--address", help="an existing Ray cluster: auto, or ray://HEAD:10001")
    pairs.add_argument("--base-url", help="endpoint of an openai: checkpoint")
    export = commands.add_parser("export", help="write pairs for another tool")
    export.add_argument("pairs", type=Path, help="pairs.parquet, or its folder")
    export.add_argument("--format", choices=["llama-factory", "trl"], default="llama-factory")
    export.add_argument("--out", type=Path, required=True, help="a .json file, or .jsonl for trl")
    for method in ("dpo", "grpo"):
        train = commands.add_parser(method, help=f"train a checkpoint by {method.upper()} under Ray Train")
        train.add_argument("--profile", required=True, help="a name from configs/training, or the path of a YAML file")
        train.add_argument("--checkpoint", default="tiny", help="base checkpoint (default: tiny)")
        train.add_argument("--out", type=Path, required=True, help="folder of the run; continued if it was stopped")
        train.add_argument("--address", help="an existing Ray cluster: auto, or ray://HEAD:10001")
        if method == "dpo":
            train.add_argument("--pairs", type=Path, required=True, help="pairs.parquet, its folder, or a .json file")
        else:
            train.add_argument("--paradigm", choices=["games", "role_play"], required=True)
            train.add_argument("--count", type=positive_int, help="prompts (default: 350 or 160)")
    imported = commands.add_parser("import", help="read LLaMA-Factory preference JSON")
    imported.add_argument("file", type=Path)
    imported.add_argument("--out", type=Path, required=True, help="folder for pairs.parquet")
    return parser


def _pairs(console: Console, arguments: argparse.Namespace) -> int:
    profile = resolve_checkpoint(arguments.checkpoint, arguments.base_url)
    if isinstance(profile, PolicyProfile):
        raise UsageError("has no language model to take replies from", arguments.checkpoint, "Use tiny or a checkpoint")
    # tiny was trained on the plain prompts only and answers no others.
    embedded = isinstance(profile, ModelProfile) and profile.embedded
    elicitation: Elicitation = arguments.elicitation or ("plain" if embedded else "instructed")
    tries = arguments.tries or (40 if elicitation == "plain" else 5)
    prompts = training_prompts(arguments.paradigm, arguments.count, arguments.seed)
    out = arguments.out or Path("runs") / f"pairs-{arguments.checkpoint.replace('/', '-')}-{arguments.paradigm}"
    with run_lock(out):
        log = PairLog(out / LOG_FILE)
        console.print(
            f"{len(prompts)} prompts, {len(log.pairs)} pairs already collected, {elicitation}, {tries} tries a side"
        )
        try:
            with connected(arguments.address):
                client: ModelClient
                if isinstance(profile, EndpointProfile):
                    client = EndpointClient(profile)
                else:
                    client = ServeClient(deploy_models([profile])[profile.name])
                collector = PairCollector(client, profile.name, profile.sampling, elicitation, tries)
                collected = _collect(console, collector, prompts, log)
        finally:
            log.close()
        pairs = [log.pairs[prompt.prompt_id] for prompt in prompts if prompt.prompt_id in log.pairs]
        if pairs:
            write_pairs(pairs, out / PAIRS_FILE)
    return _conclude(console, out, len(prompts), collected)


def _collect(console: Console, collector: PairCollector, prompts: Sequence[TrainingPrompt], log: PairLog) -> Collected:
    columns = (SpinnerColumn(), TextColumn("collecting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("collecting", total=len(prompts), completed=len(log.pairs))
        return asyncio.run(collector.collect(prompts, log, lambda done: bar.update(task, completed=done)))


def _conclude(console: Console, out: Path, n_prompts: int, collected: Collected) -> int:
    if not collected.pairs:
        hint = "Raise --tries, or use --elicitation instructed with a checkpoint that follows instructions"
        raise UsageError("not one pair came: one side of every prompt was never given", str(out), hint)
    console.print(f"Pairs:   {out / PAIRS_FILE}  ({collected.pairs} of {n_prompts} prompts)", soft_wrap=True)
    if collected.given_up:
        console.print(
            f"Given up: {len(collected.given_up)} prompts, e.g. {collected.given_up[0]} (--tries asks longer)"
        )
    console.print(f"Next:    python -m atp_ray.align export {out} --format trl --out pairs.jsonl", soft_wrap=True)
    return 0


def _dpo(console: Console, arguments: argparse.Namespace) -> int:
    profile = load_profile(arguments.profile, "dpo")
    source = arguments.pairs / PAIRS_FILE if arguments.pairs.is_dir() else arguments.pairs
    return _train(console, arguments, profile, read_pairs(source))


def _grpo(console: Console, arguments: argparse.Namespace) -> int:
    profile = load_profile(arguments.profile, "grpo")
    return _train(console, arguments, profile, training_prompts(arguments.paradigm, arguments.count))


def _train(console: Console, arguments: argparse.Namespace, profile: DpoProfile | GrpoProfile, data: Data) -> int:
    base = resolve_checkpoint(arguments.checkpoint)
    if not isinstance(base, ModelProfile):
        raise UsageError("has no weights here to train", arguments.checkpoint, "Use tiny, a folder or a hub id")
    console.print(f"{profile.method.upper()} of {base.name} on {len(data)} examples: {profile.description}")
    with run_lock(arguments.out), connected(arguments.address):
        _require_accelerator(profile)
        result = run_training(TrainingJob(profile, base.source, data, arguments.out))
    console.print(f"Result:  {result}", soft_wrap=True)
    if profile.lora is None:
        console.print(f"Next:    python -m atp_ray.sweep --grid table1 --checkpoint {result}", soft_wrap=True)
    else:
        console.print("Next:    put its path into `adapter:` of a profile in configs/checkpoints", soft_wrap=True)
    return 0


def _require_accelerator(profile: DpoProfile | GrpoProfile) -> None:
    gpus = ray.cluster_resources().get("GPU", 0)
    if profile.accelerator == "gpu" and gpus < profile.workers:
        hint = "Use --address of a GPU cluster, or a profile for CPUs: tiny-dpo, tiny-grpo"
        raise UsageError(f"needs {profile.workers} GPU(s) but the cluster has {gpus:g}", profile.name, hint)


def _export(console: Console, arguments: argparse.Namespace) -> int:
    source = arguments.pairs / PAIRS_FILE if arguments.pairs.is_dir() else arguments.pairs
    pairs = read_pairs(source)
    if arguments.format == "llama-factory":
        text = json.dumps(llama_factory_rows(pairs), indent=2, ensure_ascii=False) + "\n"
    else:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in conversational_rows(pairs))
    try:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"cannot be written: {error.strerror}", str(arguments.out), "Choose another --out"
        ) from error
    console.print(f"{len(pairs)} pairs: {arguments.out}", soft_wrap=True)
    return 0


def _import(console: Console, arguments: argparse.Namespace) -> int:
    pairs = read_pairs(arguments.file)
    write_pairs(pairs, arguments.out / PAIRS_FILE)
    console.print(f"{len(pairs)} pairs: {arguments.out / PAIRS_FILE}", soft_wrap=True)
    return 0


if __name__ == "__main__":
    run_command(main)
