"""`python -m atp_ray.checkpoints`: list the available checkpoints, show their cards, build the embedded ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic_settings import get_subcommand
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from atp_ray.alignment.training_runs import training_runs
from atp_ray.checkpoint.names import POLICIES, resolve_checkpoint
from atp_ray.checkpoint.profiles import ModelProfile
from atp_ray.checkpoints.options import BuildOptions, CardOptions, CheckpointsOptions, EnginesOptions
from atp_ray.cli.parsing import parse_options
from atp_ray.cli.run import report_console, run_command
from atp_ray.config_files import config_names, configs_dir, load_config
from atp_ray.errors import StorageError, UsageError
from atp_ray.tiny.recipes import RECIPES


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return run(parse_options(CheckpointsOptions, argv, "python -m atp_ray.checkpoints"))


def run(options: CheckpointsOptions) -> int:
    """Do what the options ask for; returns the exit code."""
    console = report_console()
    match get_subcommand(options):
        case CardOptions() as card:
            _card(console, card.checkpoint)
        case BuildOptions() as build:
            _build(console, build)
        case EnginesOptions() as engines:
            _engines(console, engines)
        case _:
            _list(console)
    return 0


def _list(console: Console) -> None:
    for name in config_names("checkpoints"):
        console.print(f"{name:36}{load_config('checkpoints', name, ModelProfile).source}")
    for run in training_runs():
        console.print(f"{run.name:36}{run.method.upper()} of {run.base} ({run.status})")
    for policy in POLICIES:
        console.print(f"{'policy:' + policy:36}no language model")
    console.print(
        "Also: a local folder (checkpoint or LoRA adapter), a Hugging Face id (org/name), openai:MODEL with --base-url"
    )


def _card(console: Console, name: str) -> None:
    profile = resolve_checkpoint(name)
    card = Path(profile.source) / "README.md" if isinstance(profile, ModelProfile) else None
    if card is None or not card.is_file():
        raise UsageError(f"checkpoint '{name}' has no card here", "card", "Only a local folder with README.md has one")
    console.print(Markdown(card.read_text(encoding="utf-8")))


def _engines(console: Console, options: EnginesOptions) -> None:
    # Ray takes seconds to import; `list` and `card` do without it.
    from serve_deployments.lease import held_applications, stop_application
    from tune_sweeps.connection import connected, find_cluster

    address = find_cluster(options.address, console.print)
    if address is None:
        hint = "Give --address HOST:PORT of the cluster; engines of a command's own Ray end with it"
        raise UsageError("this machine is not part of a running Ray cluster", "engines", hint)
    with connected(address):
        if options.stop is not None:
            ended = stop_application(options.stop)
            console.print(f"{options.stop}: " + ("ended" if ended else "ends with the commands that hold it"))
            return
        held = held_applications()
        for name, holders, kept in held:
            console.print(f"{name:48}held by {holders} command(s)" + (", kept" if kept else ""), soft_wrap=True)
        if not held:
            console.print("No command has an engine on this cluster.")


def _build(console: Console, options: BuildOptions) -> None:
    # torch takes seconds to import; `list` and `card` do without it.
    from atp_ray.tiny.calibration import calibrate
    from atp_ray.tiny.card import CARD_FILE, model_card
    from atp_ray.tiny.scope import shipped_scope
    from atp_ray.tiny.training import load_record, save_checkpoint, train_small

    name, scope = options.checkpoint, shipped_scope(options.checkpoint)
    changed = {"seed": options.seed} | ({} if options.steps is None else {"steps": options.steps})
    recipe = RECIPES[name].model_copy(update=changed)
    out = options.out or configs_dir().parent / load_config("checkpoints", name, ModelProfile).source
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror}", str(out), "Choose another --out") from error
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(f"training {name}", total=recipe.steps)

        def show(step: int, loss: float) -> None:
            bar.update(task, completed=step, description=f"training {name}, loss {loss:.3f}")

        result = train_small(scope, recipe, show)
    save_checkpoint(result, recipe, out)
    with console.status("comparing it with its teacher"):
        calibration = calibrate(out, scope)
    (out / CARD_FILE).write_text(model_card(load_record(out), scope, calibration), encoding="utf-8")
    console.print(f"Checkpoint: {out}", soft_wrap=True)
    console.print(f"Free replies that parse: {calibration.parsed:.2%}")
    console.print(f"Next:       python -m atp_ray.checkpoints card {out}", soft_wrap=True)


if __name__ == "__main__":
    run_command(main)
