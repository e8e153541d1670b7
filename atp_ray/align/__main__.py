"""`python -m atp_ray.align`: align a checkpoint - collect preference pairs, train on them or on rewards."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic_settings import get_subcommand
from rich.console import Console

from actors.pair_collector import Collected
from atp_ray.align.options import (
    TRIES,
    AlignOptions,
    DpoOptions,
    ExportOptions,
    GrpoOptions,
    ImportOptions,
    PairsOptions,
)
from atp_ray.alignment.elicitation import Elicitation
from atp_ray.alignment.learning_curve import METRICS_FILE
from atp_ray.alignment.pairs import (
    PairLog,
    conversational_rows,
    llama_factory_rows,
    read_pairs,
    write_pairs,
)
from atp_ray.alignment.profiles import TrainingProfile, generation_warnings, load_profile
from atp_ray.alignment.training_prompts import training_prompts
from atp_ray.alignment.training_runs import RESULT_FOLDER, RUNS, TRAINING_KIND, find_training_run
from atp_ray.checkpoint.engine_changes import engine_change
from atp_ray.checkpoint.hub import require_available
from atp_ray.checkpoint.names import model_profile, resolve_checkpoint
from atp_ray.checkpoint.profiles import Modelless, ModelProfile
from atp_ray.cli.parsing import parse_options
from atp_ray.cli.run import progress_bar, report_console, run_command
from atp_ray.cli.trackers import require_installed
from atp_ray.errors import StorageError, UsageError
from atp_ray.paradigms.registry import paradigm, paradigm_names
from atp_ray.paradigms.teaching import Like
from atp_ray.report.figures.learning_curve import LEARNING_CURVE, draw_learning_curve
from atp_ray.sandbox.isolation import require_isolation
from atp_ray.storage.fetched import local_copy
from atp_ray.storage.places import base_name, is_address, join, parent
from atp_ray.storage.run_folder import create_run, read_manifest, write_manifest
from atp_ray.storage.run_places import begun_at, delivered, written_run
from serve_deployments.engine_plans import planning_of
from tune_sweeps.connection import connected, find_cluster
from tune_sweeps.pair_collection import collect_pairs
from tune_sweeps.training_checks import JobCheck, check_job, require_room
from tune_sweeps.training_files import prepare_files, storage_place
from tune_sweeps.training_job import Data, TrainingJob

PAIRS_FILE = "pairs.parquet"
LOG_FILE = "pairs.jsonl"


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return run(parse_options(AlignOptions, argv, "python -m atp_ray.align"))


def run(options: AlignOptions) -> int:
    """Do what the options ask for; returns the exit code."""
    console = report_console()
    match get_subcommand(options):
        case PairsOptions() as pairs:
            return _pairs(console, pairs)
        case ExportOptions() as export:
            return _export(console, export)
        case ImportOptions() as imported:
            return _import(console, imported)
        case DpoOptions() | GrpoOptions() as training:
            return _train(console, training)
    raise UsageError("no subcommand given")


def _pairs(console: Console, options: PairsOptions) -> int:
    change = engine_change(options.set, options.replicas, options.tensor_parallel, options.max_model_len)
    profile = change.apply({"": resolve_checkpoint(options.checkpoint, options.base_url)})[""]
    planning = planning_of(options.gpus, options.gpu_type, {})
    if isinstance(profile, Modelless):
        raise UsageError("has no language model to take replies from", options.checkpoint, "Use tiny or a checkpoint")
    address = find_cluster(options.address, console.print)
    require_available([profile], elsewhere=address is not None)
    # tiny was trained on the plain prompts only and answers no others.
    embedded = isinstance(profile, ModelProfile) and profile.embedded
    elicitation: Elicitation = options.elicitation or ("plain" if embedded else "instructed")
    tries = options.tries or TRIES[elicitation]
    if options.like == "paper" and paradigm(options.paradigm).environment.uses_tools:
        require_isolation("bubblewrap")
    prompts = training_prompts(options.paradigm, options.count, options.seed, options.like)
    out = options.out or _pairs_folder(options.checkpoint, options.paradigm, options.like)
    with written_run(out) as opened:
        log = PairLog(opened.folder / LOG_FILE)
        console.print(
            f"{len(prompts)} prompts, {len(log.pairs)} pairs already collected, {elicitation}, {tries} tries a side"
        )
        try:
            with progress_bar(console, "collecting", len(prompts), "prompts", len(log.pairs)) as update:
                collected = collect_pairs(
                    profile, prompts, log, elicitation, tries, address, options.keep, update, planning,
                    options.max_tokens_total, options.like,
                )  # fmt: skip
        finally:
            log.close()
        pairs = [log.pairs[prompt.prompt_id] for prompt in prompts if prompt.prompt_id in log.pairs]
        if pairs:
            write_pairs(pairs, opened.folder / PAIRS_FILE)
    return _conclude(console, out, len(prompts), collected)


def _conclude(console: Console, out: str, n_prompts: int, collected: Collected) -> int:
    if not collected.pairs:
        hint = "Raise --tries, or use --elicitation instructed with a checkpoint that follows instructions"
        raise UsageError("not one pair came: one side of every prompt was never given", out, hint)
    requests, sent, written = collected.usage
    console.print(f"Asked:   {requests:,} requests, {sent:,} prompt tokens, {written:,} reply tokens")
    console.print(f"Pairs:   {join(out, PAIRS_FILE)}  ({collected.pairs} of {n_prompts} prompts)", soft_wrap=True)
    if collected.given_up:
        console.print(
            f"Given up: {len(collected.given_up)} prompts, e.g. {collected.given_up[0]} (--tries asks longer)"
        )
    console.print(f"Next:    python -m atp_ray.align export {out} --format trl --out pairs.jsonl", soft_wrap=True)
    return 0


def _train(console: Console, options: DpoOptions | GrpoOptions) -> int:
    started = time.monotonic()
    profile = load_profile(options.profile, options.method, options.set)
    name = options.checkpoint or profile.checkpoint
    base = model_profile(name)
    if base.adapter:
        raise UsageError("is an adapter and cannot be trained further", name, "Train its base, or merge it first")
    data = _data(options, profile)
    out = options.out or str(RUNS / profile.name)
    require_installed(options.track)
    storage = storage_place(options.storage, out)
    folder = Path(base_name(out) if is_address(out) else out).resolve()
    job = TrainingJob(
        profile, base.source, base.revision, base.hub_revision or None, data, folder, storage, options.track
    )
    console.print(f"[bold]{profile.name}[/bold]: {profile.method.upper()} of {base.name} on {len(data)} examples")
    if profile.description:
        console.print(profile.description)
    if _complete(job, out):
        return _conclude_training(console, job, base, out, started)
    address = find_cluster(options.address, console.print)
    require_available([base], elsewhere=address is not None)
    # Imported here, and before Ray's own processes want the cores: it brings torch, and only who trains needs that.
    from tune_sweeps.training_run import run_training

    with connected(address):
        job = prepare_files(job)
        check = check_job(job, lambda line: console.print(line))
        _print_check(console, job, check)
        if options.dry_run:
            console.print("Dry run: nothing was trained.")
            return 0
        require_room(job, check)
        with written_run(out) as opened:
            job = replace(job, folder=opened.folder.resolve())
            manifest = _open_run(job, name, base)
            if manifest["status"] != "complete":
                with progress_bar(console, "starting the workers", None, "steps") as update:
                    rows = run_training(job, lambda step: update(step.step, step.total, _note(step.metrics)))
                draw_learning_curve(job.folder, manifest, rows, ("png", "svg"))
                seconds = manifest.get("seconds", 0) + time.monotonic() - started
                write_manifest(job.folder, manifest | {"status": "complete", "seconds": seconds})
    return _conclude_training(console, job, base, out, started)


def _data(options: DpoOptions | GrpoOptions, profile: TrainingProfile) -> Data:
    if isinstance(options, DpoOptions):
        if options.pairs is None and profile.paradigm is None:
            raise UsageError("no pairs given", "--pairs", "Give pairs.parquet, its folder, or a .json file")
        name = options.checkpoint or profile.checkpoint
        return read_pairs(_pairs_file(options.pairs or _pairs_folder(name, str(profile.paradigm), profile.like)))
    asked = options.paradigm or profile.paradigm
    if asked is None:
        raise UsageError("no paradigm given", "--paradigm", f"Use one of {', '.join(paradigm_names())}")
    return training_prompts(asked, options.count, like=profile.like)


def _pairs_file(place: str) -> Path:
    found = local_copy(place)
    return found / PAIRS_FILE if found.is_dir() else found


def _pairs_folder(checkpoint: str, paradigm_name: str, like: Like) -> str:
    name = checkpoint.replace("://", "-").replace("/", "-")
    return str(RUNS / f"pairs-{name}-{paradigm_name}{'-paper' if like == 'paper' else ''}")


def _open_run(job: TrainingJob, base: str, profile: ModelProfile) -> dict[str, Any]:
    """Return the manifest of the run, begun now or before."""
    if not (job.folder / "run.json").exists():
        create_run(
            job.folder,
            {
                "kind": TRAINING_KIND,
                "name": job.folder.name,
                "method": job.profile.method,
                "base": _lasting(base),
                "base_revision": profile.revision,
                "embedded": profile.embedded,
                "adapter": job.profile.lora is not None,
                "profile": job.profile.model_dump(mode="json"),
                "paradigm": job.paradigm,
                "examples": len(job.data),
                "job": job.digest,
                "storage": job.storage_path,
                "trackers": list(job.trackers),
                "status": "running",
            },
        )
    manifest = read_manifest(job.folder)
    if manifest.get("job") != job.digest:
        hint = "Choose another --out, or give the profile, base and data it started with"
        raise UsageError("holds another training run", str(job.folder), hint)
    if manifest.get("storage") != job.storage_path:
        hint = f"Give --storage {manifest.get('storage')}, or choose another --out"
        raise UsageError("keeps its checkpoints elsewhere", str(job.folder), hint)
    return manifest


def _lasting(base: str) -> str:
    """Return a base's name so that it is found from any working directory."""
    for folder in (Path(base), find_training_run(base)):
        if folder is not None and folder.is_dir():
            return str(folder.resolve())
    return base


def _complete(job: TrainingJob, out: str) -> bool:
    """Return whether this very job is done; then it needs no cluster any more."""
    manifest = begun_at(out) or {}
    return manifest.get("job") == job.digest and manifest.get("status") == "complete"


def _note(metrics: Mapping[str, float]) -> str:
    """Return the metric that says most about a step."""
    for name in ("reward", "loss"):
        if name in metrics:
            return f"{name} {float(metrics[name]):.3f}"
    return ""


def _print_check(console: Console, job: TrainingJob, check: JobCheck) -> None:
    need, gib = check.need, 2**30
    parts = ", ".join(f"{part} {size / gib:.2g}" for part, size in need._asdict().items() if size)
    there = f" of {check.device_bytes / gib:.0f}" if check.device_bytes else f" ({check.device})"
    console.print(f"Memory a worker, GiB: {need.total / gib:.2g}{there} ({parts}; estimate)")
    if need.total > check.device_bytes > 0:
        console.print("That may not fit: make batch or the lengths smaller, or raise workers with zero: 3.")
    if check.nodes > 1:
        console.print(f"{job.profile.workers} workers on {check.nodes} nodes.")
    for warning in generation_warnings(job.profile):
        console.print(warning)
    if check.cut:
        console.print(f"{check.cut} pairs are longer than the profile's max_length and will be cut.")


def _conclude_training(console: Console, job: TrainingJob, base: ModelProfile, out: str, started: float) -> int:
    run = out if is_address(out) else str(job.folder)
    kind = "  (LoRA adapter)" if job.profile.lora else ""
    console.print(f"Result:  {join(run, RESULT_FOLDER)}{kind}", soft_wrap=True)
    curve, numbers = join(run, f"{LEARNING_CURVE}.png"), join(run, METRICS_FILE)
    console.print(f"Curve:   {curve}  (numbers: {numbers})", soft_wrap=True)
    console.print(f"Time:    {time.monotonic() - started:.1f} s")
    grid = _evaluation_grid(job)
    both = f"--checkpoint {base.name} --checkpoint {run}"
    console.print(f"Next:    python -m atp_ray.sweep --grid {grid} {both}", soft_wrap=True)
    return 0


def _evaluation_grid(job: TrainingJob) -> str:
    """Return the grid that shows what a checkpoint has learnt; the paper's for one that was trained like the paper."""
    if job.paradigm not in paradigm_names():
        return "table1"
    design = paradigm(job.paradigm).design
    return design.paper_grid or design.evaluation_grid if job.profile.like == "paper" else design.evaluation_grid


def _export(console: Console, options: ExportOptions) -> int:
    pairs = read_pairs(_pairs_file(options.pairs))
    if options.format == "llama-factory":
        text = json.dumps(llama_factory_rows(pairs), indent=2, ensure_ascii=False) + "\n"
    else:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in conversational_rows(pairs))
    with delivered(parent(options.out)) as folder:
        try:
            folder.folder.mkdir(parents=True, exist_ok=True)
            (folder.folder / base_name(options.out)).write_text(text, encoding="utf-8")
        except OSError as error:
            raise StorageError(f"cannot be written: {error.strerror}", options.out, "Choose another --out") from error
    console.print(f"{len(pairs)} pairs: {options.out}", soft_wrap=True)
    return 0


def _import(console: Console, options: ImportOptions) -> int:
    pairs = read_pairs(local_copy(options.file))
    with delivered(options.out) as out:
        write_pairs(pairs, out.folder / PAIRS_FILE)
    console.print(f"{len(pairs)} pairs: {join(options.out, PAIRS_FILE)}", soft_wrap=True)
    return 0


if __name__ == "__main__":
    run_command(main)
