"""`atp-ray`: the project's commands under one name, as in `atp-ray sweep --grid appendix_b`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from atp_ray.cli.options import Options
from atp_ray.cli.parsing import parse_options
from atp_ray.cli.run import run_command
from atp_ray.errors import UsageError, suggestion

COMMANDS = {
    "sweep": "SweepOptions",
    "simulate": "SimulateOptions",
    "serve": "ServeOptions",
    "align": "AlignOptions",
    "report": "ReportOptions",
    "foresight": "ForesightOptions",
    "checkpoints": "CheckpointsOptions",
    "tipping-demo": "TippingDemoOptions",
}


def main(argv: Sequence[str]) -> int:
    """Run the command that the first word names; returns its exit code.

    A command's options are read before its own module is imported: that takes seconds, help and errors do not.
    """
    if not argv:
        raise UsageError("no command given", hint=f"Use one of {', '.join(COMMANDS)}, or see atp-ray --help")
    if argv[0] in ("-h", "--help"):
        _print_help()
        return 0
    name = argv[0].replace("_", "-")
    if name not in COMMANDS:
        raise UsageError(f"unknown command '{argv[0]}'", hint=suggestion(name, COMMANDS))
    options = parse_options(options_of(name), argv[1:], f"atp-ray {name}")
    code: int = import_module(f"{package_of(name)}.__main__").run(options)
    return code


def entry() -> NoReturn:
    """Run `atp-ray` on this process's command line."""
    run_command(main)


def _print_help() -> None:
    print("usage: atp-ray [-h] COMMAND ...\n\ncommands:")
    for name in COMMANDS:
        print(f"  {name:14}{(options_of(name).__doc__ or '').splitlines()[0]}")
    print("\nThe flags of a command: atp-ray COMMAND --help")


def options_of(name: str) -> type[Options]:
    """Return the model of a command's options."""
    model: type[Options] = getattr(import_module(f"{package_of(name)}.options"), COMMANDS[name])
    return model


def package_of(name: str) -> str:
    """Return the package of a command."""
    return f"atp_ray.{name.replace('-', '_')}"


if __name__ == "__main__":
    entry()
